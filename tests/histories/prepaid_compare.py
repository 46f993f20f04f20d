"""Whether the rows of the database say what the slow model of prepaid time says."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import Purchase, Subscription
from paywall.rules.enums import SubscriptionKind
from paywall.settings import Settings
from tests.histories.prepaid_model import Prepaid, PrepaidModel, Span
from tests.histories.stripe_side import Billed

PREPAID = (SubscriptionKind.PASS, SubscriptionKind.PREPAID)


def joined(spans: Collection[Span], since: datetime) -> list[Span]:
    """What these spans cover together from a time on, without overlaps."""
    covered: list[Span] = []
    for starts, ends in sorted(spans):
        if ends <= max(since, starts):
            continue
        span = Span(max(since, starts), ends)
        if covered and span.starts <= covered[-1].ends:
            span = Span(covered[-1].starts, max(ends, covered.pop().ends))
        covered.append(span)
    return covered


@dataclass
class Expected:
    """The model, played on all facts that are known."""

    model: PrepaidModel
    billed: Collection[Billed]
    settings: Settings
    now: datetime

    def __post_init__(self) -> None:
        self.model.play()

    def is_over(self, prepaid: Prepaid) -> bool:
        return not prepaid.uses or prepaid.uses[-1].ends <= self.now

    def waits(self, reader: str) -> list[Span]:
        """The times from now on that are covered, so that prepaid time waits."""
        covers = [cover for cover in self.model.covers if cover.holder.now() == reader]
        return [
            Span(one.starts, one.paid_end(self.now))
            for one in covers
            if not one.is_removed(self.now)
        ]

    def opens(self, reader: str) -> list[Span]:
        """The times from now on that are open."""
        spans = [*self.model.uses_of(reader), *self.waits(reader)]
        spans += [
            Span(one.started_at, one.opens_until(self.now, self.settings)[0])
            for one in self.billed
            if one.customer.holder.now() == reader
        ]
        return joined(spans, self.now)

    def access_until(self, reader: str) -> datetime:
        """The end that the reader is shown."""
        ends = [span.ends for span in [*self.model.uses_of(reader), *self.waits(reader)]]
        ends += [
            one.opens_until(self.now, self.settings)[1]
            for one in self.billed
            if one.customer.holder.now() == reader
        ]
        return max(ends, default=self.now)


async def compare(session: AsyncSession, expected: Expected, readers: list[str]) -> None:
    """Each row spans the uses of its payment, and all rows open what the model opens."""
    statement = (
        select(Subscription, Purchase)
        .outerjoin(Purchase, col(Purchase.id) == Subscription.purchase_id)
        .where(col(Subscription.reader_id).in_(readers))
    )
    rows = (await session.exec(statement)).all()
    for reader in readers:
        mine = [row for row, _ in rows if row.reader_id == reader]
        opened = joined([Span(row.starts_at, row.entitled_until) for row in mine], expected.now)
        assert opened == expected.opens(reader), (reader, expected.now)
    sold = {(one.processor, one.reference): row for row, one in rows if row.kind in PREPAID}
    assert sold.keys() == {one.order for one in expected.model.prepaid}
    for one in expected.model.prepaid:
        row = sold[one.order]
        assert row.reader_id == one.holder.now(), one
        spans = Span(row.starts_at, row.entitled_until), Span(row.starts_at, row.access_until)
        if one.uses:
            hull = Span(one.uses[0].starts, one.uses[-1].ends)
            assert spans == (hull, hull), one
        else:
            assert {row.starts_at, row.entitled_until, row.access_until} == {row.starts_at}, one
