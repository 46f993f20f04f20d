"""Prepaid time, played hour by hour: who used which payment when. Shares no code with the package.

In each hour and for each reader as they were then (two ids that are merged later are two readers):
if a cover holds, nothing is used; else the first payment is used that is there and has time left.
An hour during which a fact changes is played in parts.
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

HOUR = timedelta(hours=1)


class Span(NamedTuple):
    """A time `[starts, ends)`."""

    starts: datetime
    ends: datetime


@dataclass(eq=False)
class Holder:
    """Whose something is, over time: it moves when its reader is merged into another."""

    ids: list[tuple[datetime, str]]

    def at(self, time: datetime) -> str:
        found = self.ids[0][1]
        for since, reader in self.ids:
            if since <= time:
                found = reader
        return found

    def now(self) -> str:
        return self.ids[-1][1]


@dataclass
class Clawback:
    """A refund or dispute that took `amount` back until it was withdrawn, or for good.

    The money of a refund that is pending is still on its way.
    """

    amount: int
    effective_at: datetime
    withdrawn_at: datetime | None = None
    keeps_access: bool = False
    is_pending: bool = False

    def holds(self, at: datetime) -> bool:
        is_over = self.withdrawn_at is not None and self.withdrawn_at <= at
        return self.effective_at <= at and not is_over and not self.keeps_access


@dataclass(eq=False)
class Sold:
    """Something with a price that can be taken back in parts, or ended by the reader."""

    holder: Holder
    price: int
    clawbacks: dict[str, Clawback] = field(default_factory=dict, kw_only=True)
    ended_at: datetime | None = field(default=None, kw_only=True)

    def is_removed(self, at: datetime) -> bool:
        return (self.ended_at is not None and self.ended_at <= at) or self.is_taken_back(at)

    def is_taken_back(self, at: datetime) -> bool:
        back = sum(clawback.amount for clawback in self.clawbacks.values() if clawback.holds(at))
        return 0 < self.price <= back

    def changes_at(self) -> Iterator[datetime | None]:
        yield self.ended_at
        yield from (since for since, _ in self.holder.ids)
        for clawback in self.clawbacks.values():
            yield from (clawback.effective_at, clawback.withdrawn_at)


@dataclass(eq=False)
class Credit:
    """What another period, paid later, gives back for the time from `since` on."""

    since: datetime
    amount: int
    given_by: "Cover"

    def holds(self, at: datetime) -> bool:
        """While the later period is paid; or where what is left of that went into another one."""
        is_paid = not self.given_by.is_taken_back(at)
        return self.since <= at and (is_paid or self.given_by.is_credited(at))


@dataclass(eq=False)
class Cover(Sold):
    """A paid Stripe period, a trial or a complimentary subscription: prepaid time waits."""

    starts: datetime
    ends: datetime
    credits: list[Credit] = field(default_factory=list)

    def holds(self, at: datetime) -> bool:
        is_there = self.starts <= at < self.ends
        return is_there and not self.is_removed(at) and not self.is_credited(at)

    def is_credited(self, at: datetime) -> bool:
        return any(credit.holds(at) for credit in self.credits)

    def paid_end(self, now: datetime) -> datetime:
        """The end of what counts as paid, as far as is known now."""
        return min([self.ends, *(credit.since for credit in self.credits if credit.holds(now))])

    def billed_end(self) -> datetime:
        """The end by the processor, which knows no refunds."""
        return min([self.ends, *(credit.since for credit in self.credits)])

    def changes_at(self) -> Iterator[datetime | None]:
        yield from (self.starts, self.ends)
        yield from (credit.since for credit in self.credits)
        yield from super().changes_at()


@dataclass(eq=False)
class Prepaid(Sold):
    """A pass or prepaid period of so many hours, or of so many months in a zone.

    A month that follows another at once is counted from the first of them: `counted_from` is
    where their counting began, and `counted_months` how many there are with this one.
    """

    paid_at: datetime
    order: tuple[str, str]
    hours: int = 0
    months: int = 0
    zone: str = "UTC"
    left: timedelta | None = None
    used: list[list[datetime]] = field(default_factory=list)
    counted_from: datetime | None = None
    counted_months: int = 0

    def changes_at(self) -> Iterator[datetime | None]:
        yield self.paid_at
        yield from super().changes_at()

    def is_used_up(self) -> bool:
        return self.left is not None and not self.left

    def start(self, at: datetime, before: "Prepaid | None") -> timedelta:
        """How long it lasts if it starts now, right after `before`, or after nothing."""
        if not self.months:
            return self.hours * HOUR
        if before is not None and before.zone == self.zone and before.counted_from is not None:
            self.counted_from, self.counted_months = before.counted_from, before.counted_months
        else:
            self.counted_from, self.counted_months = at, 0
        self.counted_months += self.months
        return months_after(self.counted_from, self.counted_months, self.zone) - at

    def use(self, starts: datetime, ends: datetime) -> None:
        assert self.left is not None
        self.left -= ends - starts
        if self.used and self.used[-1][1] == starts:
            self.used[-1][1] = ends
        else:
            self.used.append([starts, ends])

    @property
    def uses(self) -> list[Span]:
        return [Span(starts, ends) for starts, ends in self.used]

    def ends_unbroken_at(self, at: datetime) -> bool:
        """Whether months that were never interrupted are used up now."""
        return self.months > 0 and self.is_used_up() and [ends for _, ends in self.used] == [at]


def months_after(at: datetime, months: int, zone: str) -> datetime:
    """The same day and time in the zone, months later; the month's last day where it is shorter.

    A local time that is skipped is the instant by the offset before the gap; of one that occurs
    twice it is the first.
    """
    local = at.astimezone(ZoneInfo(zone))
    year, month = local.year, local.month
    for _ in range(months):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    day = min(local.day, monthrange(year, month)[1])
    return local.replace(year=year, month=month, day=day, fold=0).astimezone(UTC)


@dataclass
class PrepaidModel:
    """The facts of any number of readers, and what follows from them."""

    prepaid: list[Prepaid] = field(default_factory=list)
    covers: list[Cover] = field(default_factory=list)
    holders: list[Holder] = field(default_factory=list)
    complimentary: dict[str, Cover] = field(default_factory=dict)

    def holder(self, reader: str, since: datetime) -> Holder:
        """Something new of this reader."""
        holder = Holder([(since, reader)])
        self.holders.append(holder)
        return holder

    def put_complimentary(self, reader: str, ends: datetime, now: datetime) -> None:
        """It covers from now to this end; what it covered before now stays as it was."""
        held = self.complimentary.get(reader)
        if held is not None:
            held.ends = min(held.ends, now)
        cover = Cover(self.holder(reader, now), 0, now, max(now, ends))
        self.complimentary[reader] = cover
        self.covers.append(cover)

    def has_complimentary(self, reader: str, at: datetime) -> bool:
        return reader in self.complimentary and self.complimentary[reader].holds(at)

    def merge(self, from_id: str, into_id: str, now: datetime) -> None:
        """Of two complimentary subscriptions the one with the later end stays."""
        pair = [self.complimentary[one] for one in (from_id, into_id) if one in self.complimentary]
        if pair:
            latest = max(cover.ends for cover in pair)
            self.put_complimentary(from_id, now, now)
            self.put_complimentary(into_id, latest, now)
            del self.complimentary[from_id]
        self.rename(from_id, into_id, now)

    def rename(self, reader: str, name: str, now: datetime) -> None:
        for holder in self.holders:
            if holder.now() == reader:
                holder.ids.append((now, name))

    def play(self) -> None:
        """Use all payments, from the first fact to the last, and on until nothing is left."""
        for one in self.prepaid:
            one.left, one.used, one.counted_from, one.counted_months = None, [], None, 0
        facts = [*self.prepaid, *self.covers]
        times = sorted({at for one in facts for at in one.changes_at() if at is not None})
        for starts, ends in pairwise(times):
            self._play(starts, ends)
        if times:
            self._play(times[-1], datetime.max.replace(tzinfo=UTC))

    def _play(self, starts: datetime, ends: datetime) -> None:
        """No fact changes between these times."""
        covered = {cover.holder.at(starts) for cover in self.covers if cover.holds(starts)}
        mine: dict[str, list[Prepaid]] = {}
        for one in self.prepaid:
            if one.paid_at <= starts and (reader := one.holder.at(starts)) not in covered:
                mine.setdefault(reader, []).append(one)
        for held in mine.values():
            held.sort(key=lambda one: (one.paid_at, one.order))
            there = [one for one in held if not one.is_removed(starts) and not one.is_used_up()]
            at = starts
            while at < ends and there:
                first = there[0]
                if first.left is None:
                    before = [one for one in held if one.ends_unbroken_at(at)]
                    first.left = first.start(at, before[-1] if before else None)
                until = at + min(HOUR, first.left, ends - at)
                first.use(at, until)
                at = until
                if first.is_used_up():
                    there.remove(first)

    def is_covered(self, reader: str, at: datetime) -> bool:
        return any(cover.holds(at) and cover.holder.at(at) == reader for cover in self.covers)

    def uses_of(self, reader: str) -> list[Span]:
        """The times at which payments of this reader were used, or will be, in order."""
        mine = [one for one in self.prepaid if one.holder.now() == reader]
        return sorted(span for one in mine for span in one.uses)
