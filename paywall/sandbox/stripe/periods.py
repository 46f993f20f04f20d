"""Billing periods of a recurring price, counted from an anchor."""

from datetime import UTC, datetime

from paywall.rules.calendar import add_intervals
from paywall.rules.enums import Interval
from paywall.sandbox.stripe.objects import Json

DAY_SECONDS = 86_400


def period_end(price: Json, anchor: int, at: int) -> int:
    """The end of the period that contains `at`; after a short month the 31st is used again."""
    interval = Interval(price["recurring"]["interval"])
    length = price["recurring"]["interval_count"]
    anchored_at = datetime.fromtimestamp(anchor, UTC)
    periods = 1
    while (end := int(add_intervals(anchored_at, interval, periods * length).timestamp())) <= at:
        periods += 1
    return end
