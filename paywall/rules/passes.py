"""When each of a reader's passes starts: a function of what was paid when, in any order of telling.

They stand in a queue. One that is put in later only pushes others back, and never takes a moment
of access away that the reader had without it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from paywall.rules.entitlement import Paid, entitled_until


class PassPaid(NamedTuple):
    """A pass, and when it was ended or wholly taken back, if it was."""

    paid_at: datetime
    lasts: timedelta
    ended_at: datetime | None = None
    taken_back_at: datetime | None = None


def starts_of(passes: Sequence[PassPaid]) -> list[datetime]:
    """The start of each, in the order of their payments, in which they have to come.

    One starts when it is paid for, or when all before it end as they stood at that time: so ending
    or refunding one moves none that was paid for by then.
    """
    starts: list[datetime] = []
    for one in passes:
        ends = [
            _end_as_of(one.paid_at, before, start)
            for before, start in zip(passes, starts, strict=False)
        ]
        starts.append(max([one.paid_at, *ends]))
    return starts


def _end_as_of(at: datetime, one: PassPaid, starts_at: datetime) -> datetime:
    is_ended = one.ended_at is not None and one.ended_at <= at
    is_taken_back = one.taken_back_at is not None and one.taken_back_at < at
    return entitled_until(
        Paid(starts_at, starts_at + one.lasts, one.ended_at if is_ended else None, is_taken_back)
    )
