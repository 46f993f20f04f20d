"""When each prepaid period of a reader is used, worked out for `paywall audit`.

Shares no code with what schedules prepaid time. Here each payment, the earliest first, takes what
it paid for from the time that is still free: after the payment, not covered, not taken by an
earlier payment, and not while its price is clawed back.
"""

from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

EARLIEST = datetime.min.replace(tzinfo=UTC)
FOREVER = datetime(9999, 12, 31, tzinfo=UTC)
FIXED_LENGTHS = {"day": timedelta(days=1), "week": timedelta(days=7)}
MONTHS = {"month": 1, "year": 12}


class TimeRange(NamedTuple):
    """The time `[starts_at, ends_at)`."""

    starts_at: datetime
    ends_at: datetime


class SequenceJoin(NamedTuple):
    """The sequence that another one belongs to since a merge; None is the reader's own."""

    into_id: str | None
    at: datetime


class CoveredTime(NamedTuple):
    """Time in which the prepaid time of a sequence pauses."""

    sequence_id: str | None
    time: TimeRange


class LengthSold(NamedTuple):
    """Days and weeks have a fixed length; months and years are counted in a time zone."""

    interval: str
    number: int
    timezone: str

    @property
    def months(self) -> int:
        return MONTHS.get(self.interval, 0) * self.number

    def is_known(self) -> bool:
        try:
            ZoneInfo(self.timezone)
        except (LookupError, ValueError, OSError):
            return False
        return self.number > 0 and self.interval in FIXED_LENGTHS.keys() | MONTHS.keys()


class PrepaidTime(NamedTuple):
    """What one payment paid for, and when its whole price was clawed back or it was ended."""

    paid_at: datetime
    processor: str
    reference: str
    sequence_id: str | None
    length: LengthSold
    removed: list[TimeRange]


class CountedMonths(NamedTuple):
    """Months in an unbroken sequence, counted from its start in its time zone."""

    starts_at: datetime
    timezone: str
    months: int

    def end(self) -> datetime:
        """The same time of day so many months later, on the month's last day if it is shorter."""
        local = self.starts_at.astimezone(ZoneInfo(self.timezone))
        year, month = divmod(local.year * 12 + local.month - 1 + self.months, 12)
        if year >= FOREVER.year:
            return FOREVER
        day = min(local.day, monthrange(year, month + 1)[1])
        # Of a time that a change of the clocks repeats, the first; one that it omits is later.
        return local.replace(year=year, month=month + 1, day=day, fold=0).astimezone(UTC)


class UsedTime(NamedTuple):
    """When a payment is used. `months` if it was used up at once, as a part of a sequence."""

    sequence_id: str | None
    times: list[TimeRange]
    months: CountedMonths | None


def expected_times(
    payments: Sequence[PrepaidTime],
    covers: Sequence[CoveredTime],
    joins: Mapping[str, SequenceJoin],
) -> list[list[TimeRange]]:
    """From the start of the first use to the end of the last one, of each payment.

    One that is never used has the times of its removals instead, or else FOREVER: it waits.
    """
    order = sorted(range(len(payments)), key=lambda number: payments[number][:3])
    used: list[UsedTime] = []
    expected = {}
    for number in order:
        payment = payments[number]
        blocked = [*payment.removed]
        for cover in covers:
            blocked += _since_joined(payment, cover.sequence_id, [cover.time], joins)
        for earlier in used:
            blocked += _since_joined(payment, earlier.sequence_id, earlier.times, joins)
        use = _use(payment, united(blocked), used, joins)
        used.append(use)
        expected[number] = _outer_ranges(payment, use.times)
    return [expected[number] for number in range(len(payments))]


def _since_joined(
    payment: PrepaidTime,
    sequence_id: str | None,
    times: Sequence[TimeRange],
    joins: Mapping[str, SequenceJoin],
) -> Iterator[TimeRange]:
    """The times of a sequence that the payment's sequence shares, once a merge joined them."""
    since = _joined_at(payment.sequence_id, sequence_id, joins)
    if since is not None:
        yield from (time._replace(starts_at=max(time.starts_at, since)) for time in times)


def _joined_at(
    one: str | None, other: str | None, joins: Mapping[str, SequenceJoin]
) -> datetime | None:
    """When two sequences became the same one; None if they did not."""
    others = dict(_memberships(other, joins))
    shared = (
        max(since, others[sequence_id])
        for sequence_id, since in _memberships(one, joins)
        if sequence_id in others
    )
    return min(shared, default=None)


def _memberships(
    sequence_id: str | None, joins: Mapping[str, SequenceJoin]
) -> Iterator[tuple[str | None, datetime]]:
    """The sequences that this one belongs to, itself first, each with the time since when."""
    since = EARLIEST
    seen: set[str | None] = set()
    while sequence_id not in seen:
        yield sequence_id, since
        seen.add(sequence_id)
        if sequence_id is not None and sequence_id in joins:
            sequence_id, at = joins[sequence_id]
            since = max(since, at)


def _use(
    payment: PrepaidTime,
    blocked: Sequence[TimeRange],
    used: Sequence[UsedTime],
    joins: Mapping[str, SequenceJoin],
) -> UsedTime:
    """Use what was paid for in the time that is not blocked."""
    times: list[TimeRange] = []
    months: CountedMonths | None = None
    left = timedelta(0)
    for free in _gaps(payment.paid_at, blocked):
        if not times:
            months = _months(payment, free.starts_at, used, joins)
            left = _length(payment.length, free.starts_at, months)
        part = min(left, free.ends_at - free.starts_at)
        times.append(TimeRange(free.starts_at, free.starts_at + part))
        left -= part
        if not left:
            break
    is_unbroken = not left and len(times) == 1
    return UsedTime(payment.sequence_id, times, months if is_unbroken else None)


def _months(
    payment: PrepaidTime,
    at: datetime,
    used: Sequence[UsedTime],
    joins: Mapping[str, SequenceJoin],
) -> CountedMonths | None:
    """The months to the end of this payment: from the start of the sequence that ends at `at`."""
    months = payment.length.months
    if not months:
        return None
    timezone = payment.length.timezone
    for before in used:
        counted = before.months
        if counted and counted.timezone == timezone and before.times[-1].ends_at == at:
            joined_at = _joined_at(payment.sequence_id, before.sequence_id, joins)
            if joined_at is not None and joined_at <= at:
                return counted._replace(months=counted.months + months)
    return CountedMonths(at, timezone, months)


def _length(length: LengthSold, at: datetime, months: CountedMonths | None) -> timedelta:
    if months is not None:
        return months.end() - at
    days = FIXED_LENGTHS[length.interval].days * length.number
    return timedelta(days=days) if days <= (FOREVER - at).days else FOREVER - at


def _gaps(start: datetime, blocked: Sequence[TimeRange]) -> Iterator[TimeRange]:
    """The time since `start` without the blocked times, which are in order and do not overlap."""
    for time in (*blocked, TimeRange(FOREVER, FOREVER)):
        if start < time.starts_at:
            yield TimeRange(start, time.starts_at)
        start = max(start, time.ends_at)


def _outer_ranges(payment: PrepaidTime, times: Sequence[TimeRange]) -> list[TimeRange]:
    """What the row can state; where nothing was used, a time when it was removed, if any."""
    if times:
        return [TimeRange(times[0].starts_at, times[-1].ends_at)]
    moments = [max(payment.paid_at, removed.starts_at) for removed in united(payment.removed)]
    return [TimeRange(at, at) for at in moments or [FOREVER]]


def united(times: Sequence[TimeRange]) -> list[TimeRange]:
    """The same times in their order, overlapping and adjacent ones as one."""
    result: list[TimeRange] = []
    for time in sorted(times):
        if time.starts_at >= time.ends_at:
            continue
        if result and time.starts_at <= result[-1].ends_at:
            result[-1] = TimeRange(result[-1].starts_at, max(result[-1].ends_at, time.ends_at))
        else:
            result.append(time)
    return result


def without(time: TimeRange, removed: Sequence[TimeRange]) -> Iterator[TimeRange]:
    """The parts of a time that were not removed."""
    for gap in _gaps(time.starts_at, united(removed)):
        yield gap._replace(ends_at=min(gap.ends_at, time.ends_at))
