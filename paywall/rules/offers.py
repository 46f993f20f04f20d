"""How products are listed for sale, and what a larger pack or a longer period saves."""

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from paywall.rules.enums import Interval

# Near enough to sort the shorter before the longer.
DAYS = {Interval.DAY: 1, Interval.WEEK: 7, Interval.MONTH: 30, Interval.YEAR: 365}


MONTHS = {Interval.MONTH: 1, Interval.YEAR: 12}


class SizedPrice(NamedTuple):
    """A product at one of its prices, in the smallest unit of the currency.

    Its size is a pack's credits, or the months of a plan's period.
    """

    product_id: str
    size: int
    currency: str
    amount: int


def plan_days(interval: Interval, interval_count: int) -> int:
    """About how long a plan's period is."""
    return DAYS[interval] * interval_count


def plan_months(interval: Interval, interval_count: int) -> int | None:
    """How many months a plan's period has; None where it is days or weeks."""
    months = MONTHS.get(interval)
    return months and months * interval_count


def listing_order(position: int | None, size: int, product_id: str) -> tuple[bool, int, int, str]:
    """Sort key of a product among those of its kind: by position, then the smallest first."""
    return (position is None, position or 0, size, product_id)


def savings_percent(prices: Iterable[SizedPrice]) -> dict[tuple[str, str], int]:
    """How many percent cheaper a credit or month is than in the smallest, by product and currency.

    Rounded down; products that save less than one percent are left out. Of equally small ones the
    cheapest is compared with, so that no saving is exaggerated.
    """
    by_size = sorted(prices, key=lambda one: (one.currency, one.size, one.amount, one.product_id))
    savings = {}
    for currency, group in groupby(by_size, key=lambda one: one.currency):
        smallest, *others = group
        for price in others:
            # Both prices for as many credits or months as the two have, multiplied.
            compared = smallest.amount * price.size
            saved = compared - price.amount * smallest.size
            if saved * 100 >= compared > 0:
                savings[price.product_id, currency] = saved * 100 // compared
    return savings
