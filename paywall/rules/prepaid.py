"""When each of a reader's passes and prepaid periods is used, computed from the facts alone.

Prepaid time is used one payment at a time, in the order of the payments. It is paused while a paid
Stripe period, a trial or a complimentary subscription covers the reader, and while what was paid is
clawed back. Nothing depends on the order in which the facts were recorded.

Two readers who were merged had a sequence each until their merge, and one since then.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from typing import NamedTuple

from paywall.rules.calendar import FAR_FUTURE, add_intervals
from paywall.rules.enums import Interval


class Span(NamedTuple):
    """The time `[starts_at, ends_at)`; `ends_at` is FAR_FUTURE if no end is known."""

    starts_at: datetime
    ends_at: datetime

    def contains(self, at: datetime) -> bool:
        return self.starts_at <= at < self.ends_at


def without(span: Span, removed: Iterable[Span]) -> list[Span]:
    """What is left of a span outside the removed ones; empty parts are left out."""
    parts = [span] if span.starts_at < span.ends_at else []
    for hole in removed:
        parts = [
            part
            for whole in parts
            for part in (
                Span(whole.starts_at, min(whole.ends_at, hole.starts_at)),
                Span(max(whole.starts_at, hole.ends_at), whole.ends_at),
            )
        ]
        parts = [part for part in parts if part.starts_at < part.ends_at]
    return parts


class Length(NamedTuple):
    """`intervals` of a kind; months and years are counted on the calendar of `zone`."""

    interval: Interval
    intervals: int
    zone: tzinfo

    @property
    def is_calendar(self) -> bool:
        return self.interval in (Interval.MONTH, Interval.YEAR)


class PrepaidPayment(NamedTuple):
    """A pass or a prepaid period; it is not used during the spans in `removed`.

    These are the spans in which refunds and disputes took back the whole price, and the time since
    the reader cancelled "now".
    """

    paid_at: datetime
    length: Length
    removed: tuple[Span, ...] = ()
    sequence_id: str | None = None


class Cover(NamedTuple):
    """Time in which a reader has access anyway, so that prepaid time is paused."""

    span: Span
    sequence_id: str | None = None


class SequenceMerge(NamedTuple):
    """The sequence joined another, `into_id`, at `merged_at`; None is the reader's own."""

    into_id: str | None
    merged_at: datetime


Merges = Mapping[str, SequenceMerge]


def schedule(
    payments: Sequence[PrepaidPayment], covers: Sequence[Cover], merges: Merges
) -> list[list[Span]]:
    """The spans in which each payment is used; `payments` must be in their order of use.

    The list is empty for a payment that is never used. `merges` is by the merged sequence's id.
    """
    items = [_Item(payment) for payment in payments]
    coming, queue = deque(items), list[_Item]()
    for span in map(Span._make, pairwise(_times_of_change(payments, covers, merges))):
        covered = {
            _sequence_at(span.starts_at, cover.sequence_id, merges)
            for cover in covers
            if cover.span.contains(span.starts_at)
        }
        while coming and coming[0].payment.paid_at <= span.starts_at:
            queue.append(coming.popleft())
        # No run of months continues one that was used up before: such items are left out for speed.
        queue = [item for item in queue if not item.was_used_up(span.starts_at)]
        sequences: dict[str | None, list[_Item]] = {}
        for item in queue:
            sequence_id = _sequence_at(span.starts_at, item.payment.sequence_id, merges)
            sequences.setdefault(sequence_id, []).append(item)
        for sequence_id in sequences.keys() - covered:
            _use(sequences[sequence_id], span)
    return [item.uses for item in items]


class _CalendarRun(NamedTuple):
    """Calendar periods without a break: `months` after `anchor`, they end at `ends_at`."""

    anchor: datetime
    months: int
    zone: tzinfo
    ends_at: datetime


@dataclass
class _Item:
    """A payment while the schedule is computed; `left` is None until its first use."""

    payment: PrepaidPayment
    left: timedelta | None = None
    run: _CalendarRun | None = None
    uses: list[Span] = field(default_factory=list)

    def is_usable(self, at: datetime) -> bool:
        is_used_up = self.left is not None and not self.left
        return not is_used_up and not any(span.contains(at) for span in self.payment.removed)

    def was_used_up(self, before: datetime) -> bool:
        return self.left == timedelta() and self.uses[-1].ends_at < before

    def start(self, at: datetime, queue: Sequence["_Item"]) -> timedelta:
        """Fix the length at the first use: calendar periods continue a run that ends now."""
        interval, intervals, zone = self.payment.length
        if not self.payment.length.is_calendar:
            return add_intervals(at, interval, intervals) - at
        months = intervals * (12 if interval is Interval.YEAR else 1)
        ended = (one.run for one in queue if one.run and one.is_unbroken())
        before = next((run for run in ended if (run.ends_at, run.zone) == (at, zone)), None)
        anchor, counted = (before.anchor, before.months) if before else (at, 0)
        ends_at = add_intervals(anchor, Interval.MONTH, counted + months, zone)
        self.run = _CalendarRun(anchor, counted + months, zone, ends_at)
        return ends_at - at

    def is_unbroken(self) -> bool:
        """Whether it was used up at once: what was interrupted keeps a length, not a date."""
        return self.left == timedelta() and len(self.uses) == 1

    def use(self, span: Span) -> None:
        if self.uses and self.uses[-1].ends_at == span.starts_at:
            span = Span(self.uses.pop().starts_at, span.ends_at)
        self.uses.append(span)


def _use(queue: Sequence[_Item], span: Span) -> None:
    """Use the payments one after the other, in a span during which no fact changes."""
    at = span.starts_at
    for item in queue:
        if at == span.ends_at:
            return
        if item.is_usable(span.starts_at):
            left = item.start(at, queue) if item.left is None else item.left
            ends_at = min(at + left, span.ends_at)
            item.left = left - (ends_at - at)
            item.use(Span(at, ends_at))
            at = ends_at


def _times_of_change(
    payments: Iterable[PrepaidPayment], covers: Iterable[Cover], merges: Merges
) -> list[datetime]:
    times = {FAR_FUTURE, *(merge.merged_at for merge in merges.values())}
    for payment in payments:
        times |= {payment.paid_at, *(time for span in payment.removed for time in span)}
    for cover in covers:
        times |= {*cover.span}
    return sorted(times)


def _sequence_at(at: datetime, sequence_id: str | None, merges: Merges) -> str | None:
    """The sequence to which another belongs at a time, after all merges until then."""
    while sequence_id is not None and sequence_id in merges:
        merge = merges[sequence_id]
        if merge.merged_at > at:
            break
        sequence_id = merge.into_id
    return sequence_id
