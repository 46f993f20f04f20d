"""Which grants pay: the burn order, as a total order."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

NEVER = datetime.max.replace(tzinfo=UTC)


class Lot(NamedTuple):
    """What is left of one credit grant; `granted_at` is the time of its payment."""

    grant_id: int
    remaining: int
    priority: int
    expires_at: datetime | None
    granted_at: datetime


class Payment(NamedTuple):
    """Credits that one grant pays."""

    grant_id: int
    amount: int


def burn_order(lot: Lot) -> tuple[int, datetime, datetime, int]:
    """Lower priority first, then the soonest expiry (none last), then the oldest, then the id."""
    return (lot.priority, lot.expires_at or NEVER, lot.granted_at, lot.grant_id)


def is_over(lot: Lot, now: datetime) -> bool:
    """Times are half-open: a grant is over at the very instant of its expiry."""
    return lot.expires_at is not None and lot.expires_at <= now


def spendable(lot: Lot, now: datetime) -> int:
    """Credits that can be spent now."""
    return 0 if is_over(lot, now) else lot.remaining


def pay(lots: Iterable[Lot], cost: int, now: datetime) -> list[Payment] | None:
    """Pay `cost` credits in burn order; None, and nothing paid, where there are too few."""
    payments: list[Payment] = []
    for lot in sorted(lots, key=burn_order):
        amount = min(spendable(lot, now), cost)
        if amount > 0:
            payments.append(Payment(lot.grant_id, amount))
            cost -= amount
        if cost == 0:
            return payments
    return None
