"""Billing periods of a recurring price, counted from an anchor."""

from datetime import UTC, datetime

from paywall.rules.calendar import add_intervals
from paywall.rules.enums import Interval
from paywall.sandbox.stripe.objects import Json

DAY_SECONDS = 86_400


def period_end(price: Json, anchor: int, at: int) -> int:
    """The end of the period that contains `at`; after a short month the 31st is used again."""
    return period_around(price, anchor, at)[1]


def period_around(price: Json, anchor: int, at: int) -> tuple[int, int]:
    """The start and the end of the period that contains `at`."""
    interval = Interval(price["recurring"]["interval"])
    length = price["recurring"]["interval_count"]
    anchored_at = datetime.fromtimestamp(anchor, UTC)
    periods, start = 1, anchor
    while (end := int(add_intervals(anchored_at, interval, periods * length).timestamp())) <= at:
        periods, start = periods + 1, end
    return start, end
