"""How products are listed for sale, and what a larger pack saves."""

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from paywall.rules.enums import Interval

# Near enough to sort the shorter before the longer.
DAYS = {Interval.DAY: 1, Interval.WEEK: 7, Interval.MONTH: 30, Interval.YEAR: 365}


class PackPrice(NamedTuple):
    """A pack at one of its prices, in the smallest unit of the currency."""

    pack_id: str
    credits: int
    currency: str
    amount: int


def plan_days(interval: Interval, interval_count: int) -> int:
    """About how long a plan's period is."""
    return DAYS[interval] * interval_count


def listing_order(position: int | None, size: int, product_id: str) -> tuple[bool, int, int, str]:
    """Sort key of a product among those of its kind: by position, then the smallest first."""
    return (position is None, position or 0, size, product_id)


def savings_percent(prices: Iterable[PackPrice]) -> dict[tuple[str, str], int]:
    """How many percent cheaper a credit is in a pack than in the smallest, by pack and currency.

    Rounded down; packs that save less than one percent are left out. Of equally small packs the
    cheapest is compared with, so that no saving is exaggerated.
    """
    by_size = sorted(prices, key=lambda one: (one.currency, one.credits, one.amount, one.pack_id))
    savings = {}
    for currency, group in groupby(by_size, key=lambda one: one.currency):
        smallest, *others = group
        for price in others:
            # Both packs' prices for as many credits as the two have, multiplied.
            compared = smallest.amount * price.credits
            saved = compared - price.amount * smallest.credits
            if saved * 100 >= compared > 0:
                savings[price.pack_id, currency] = saved * 100 // compared
    return savings
