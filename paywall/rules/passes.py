"""When each of a reader's passes starts: a function of what was paid when, in any order of telling.

They stand in a queue. One that is put in later only pushes others back, and never takes a moment
of access away that the reader had without it. The passes of two readers who are merged are laid in
one queue.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from paywall.rules.entitlement import PaidAccess, entitled_until


class PassPayment(NamedTuple):
    """A pass, and when it was ended, or began to be wholly taken back, if it was.

    `given_back_at` is when its whole price was on its way back: when the refunds that complete it
    were asked for, the dispute or the inquiry opened. Of those that failed, were won or came to
    nothing it is None.
    """

    paid_at: datetime
    lasts: timedelta
    ended_at: datetime | None = None
    refunded_at: datetime | None = None


def pass_starts(passes: Sequence[PassPayment]) -> list[datetime]:
    """The start of each, in the order of their payments, in which they have to come.

    One starts when it is paid for, or when all before it end as they stood at that time; one whose
    price was on its way back by then, or that was ended before its start, does not hold it up. So
    neither ending nor refunding one moves any that was paid for by then, at once or when a refund
    that was pending arrives. Where the price does not go back in the end, the next one moves to
    where the first ends: no day is lost.
    """
    starts: list[datetime] = []
    for one in passes:
        ends = [
            end
            for before, start in zip(passes, starts, strict=False)
            if (end := _end_known_at(one.paid_at, before, start)) > start
        ]
        starts.append(max([one.paid_at, *ends]))
    return starts


def _end_known_at(at: datetime, one: PassPayment, starts_at: datetime) -> datetime:
    is_ended = one.ended_at is not None and one.ended_at <= at
    is_refunded = one.refunded_at is not None and one.refunded_at < at
    return entitled_until(
        PaidAccess(
            starts_at, starts_at + one.lasts, one.ended_at if is_ended else None, is_refunded
        )
    )
