"""When each of a reader's passes starts, computed from the payments' times alone.

Passes form a queue, so the order in which payments are reported does not matter. A payment that
is reported late only delays later passes: it never removes access that the reader already had.
The passes of two merged readers form one queue.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from paywall.rules.entitlement import PaidAccess, entitled_until


class PassPayment(NamedTuple):
    """A pass, with the time at which it was ended or its full refund began, if any.

    `refunded_at` is when refunds or disputes first covered the whole price: when the last of
    these refunds was requested or the dispute was opened. Failed refunds and won disputes do not
    count.
    """

    paid_at: datetime
    lasts: timedelta
    ended_at: datetime | None = None
    refunded_at: datetime | None = None


def pass_starts(passes: Sequence[PassPayment]) -> list[datetime]:
    """The start of each pass; `passes` must be in the order of their payments.

    A pass starts when it is paid for, or when all earlier passes end, as known at that time. An
    earlier pass that was ended or whose full refund had begun by then does not delay it. So a
    later end or refund does not move a pass that was already paid for. If the refund fails, the
    next pass moves to the end of the earlier one, and no day is lost.
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
