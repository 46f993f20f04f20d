"""Until when a subscription opens everything: a function of what was paid, never of a job."""

from datetime import datetime
from typing import NamedTuple


class Paid(NamedTuple):
    """What was paid for: `[starts_at, paid_through)`, unless it was ended or taken back."""

    starts_at: datetime
    paid_through: datetime
    ended_at: datetime | None = None
    is_taken_back: bool = False


def entitled_until(paid: Paid) -> datetime:
    """The end of access: of what was paid, or of our own "now", whichever is first."""
    if paid.is_taken_back:
        return paid.starts_at
    if paid.ended_at is None:
        return paid.paid_through
    return min(paid.paid_through, max(paid.starts_at, paid.ended_at))
