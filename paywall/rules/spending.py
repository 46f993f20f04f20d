"""Which grants pay for an unlock: the burn order, a total order."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

NEVER = datetime.max.replace(tzinfo=UTC)


class GrantBalance(NamedTuple):
    """The remaining credits of one grant; `granted_at` is the time of its payment."""

    grant_id: int
    remaining: int
    priority: int
    expires_at: datetime | None
    granted_at: datetime


class GrantDebit(NamedTuple):
    """The credits that one grant pays."""

    grant_id: int
    amount: int


def burn_order(lot: GrantBalance) -> tuple[int, datetime, datetime, int]:
    """Lower priority first, then the soonest expiry (none last), then the oldest, then the id."""
    return (lot.priority, lot.expires_at or NEVER, lot.granted_at, lot.grant_id)


def is_expired(lot: GrantBalance, now: datetime) -> bool:
    """Times are half-open: a grant is expired at the instant of its expiry."""
    return lot.expires_at is not None and lot.expires_at <= now


def spendable_credits(lot: GrantBalance, now: datetime) -> int:
    """Credits that can be spent now."""
    return 0 if is_expired(lot, now) else lot.remaining


def allocate_debits(
    lots: Iterable[GrantBalance], cost: int, now: datetime
) -> list[GrantDebit] | None:
    """Allocate `cost` credits in burn order; None if there are too few."""
    payments: list[GrantDebit] = []
    for lot in sorted(lots, key=burn_order):
        amount = min(spendable_credits(lot, now), cost)
        if amount > 0:
            payments.append(GrantDebit(lot.grant_id, amount))
            cost -= amount
        if cost == 0:
            return payments
    return None
