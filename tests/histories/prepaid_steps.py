"""Random histories of prepaid time: what is bought, taken back, given, ended and merged."""

import asyncio
from datetime import datetime, timedelta
from typing import Any, ClassVar, NamedTuple

from sqlmodel import select

from paywall.database.engine import Database
from paywall.database.tables import Pass, Plan, Purchase, Subscription
from paywall.payments.purchase import Payment, record_purchase
from paywall.problems import SUBSCRIPTION_ENDED, Problem
from paywall.rules.enums import (
    CancelWhen,
    CreditsExpire,
    Interval,
    ProductKind,
)
from paywall.subscribers.merge import merge_readers
from paywall.subscriptions.cancel import cancel_subscription
from paywall.subscriptions.complimentary import put_complimentary
from tests.conftest import START
from tests.histories.base import ACTOR, record_taken_back
from tests.histories.prepaid_base import HOURS
from tests.histories.prepaid_compare import Expected
from tests.histories.prepaid_model import Clawback, Cover, Prepaid, Sold
from tests.histories.stripe_side import (
    PASS_DAYS,
    Invoice,
    Sale,
    clawback_snapshots,
    stripe_prices,
)
from tests.histories.stripe_steps import PRICES, StripeSteps

# Thirds of a price.
PARTS = (1, 2, 3, 3, 3)
MONTHS = {"month": 1, "quarter": 3, "year": 12}
WEEKS = {"week": 7}
BOUGHT = (*["month"] * 6, "quarter", "year", *["week"] * 2, *PASS_DAYS, *PASS_DAYS)
# Hours after which a processor tells of a refund or dispute.
LATE = (0, 0, 0, 1, 5, 24, 24 * 6)


def catalogue() -> list[Pass | Plan]:
    plans = {"week": (Interval.WEEK, 1), "year": (Interval.YEAR, 1)}
    plans |= {"month": (Interval.MONTH, 1), "quarter": (Interval.MONTH, 3)}
    return [
        *(Pass(id=one, title="", days=days, prices=[], created_at=START)
          for one, days in PASS_DAYS.items()),
        *(Plan(id=one, title="", interval=interval, interval_count=count, credits=0, prices=[],
               credits_expire=CreditsExpire.NEVER, created_at=START)
          for one, (interval, count) in plans.items()),
    ]  # fmt: skip


async def fill(database: Database) -> None:
    async with database.writing() as session:
        session.add_all([*catalogue(), *stripe_prices()])


class Bought(NamedTuple):
    """A purchase that the site recorded itself; `inquiries` take nothing back yet."""

    purchase_id: int
    prepaid: Prepaid
    inquiries: dict[str, int]


Source = Bought | Sale | Invoice


class PrepaidHistory(StripeSteps):
    """All rules together."""

    RULES: ClassVar[dict[str, int]] = StripeSteps.RULES | {
        "buy": 5, "buy_at_once": 1, "put_complimentary": 2, "cancel_now": 2, "take_back": 5,
        "take_back_switch": 2, "give_back": 4, "merge": 1,
    }  # fmt: skip

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.bought: list[Bought] = []

    async def begin(self) -> None:
        await self.buy()
        await self.buy()

    def earlier(self, since: datetime) -> datetime:
        """Now, or a time that the service hears of only now."""
        return max(since, self.now - timedelta(hours=self.chance.choice(LATE)))

    async def buy(self) -> str:
        product_id = self.chance.choice(BOUGHT)
        payment, prepaid = self.payment(self.reader(), product_id)
        self.bought.append(await self.record(payment, prepaid))
        return product_id

    async def buy_at_once(self) -> str:
        """Two workers record payments of one reader at the same time, and what Stripe delivers."""
        reader = self.reader()
        pairs = [self.payment(reader, self.chance.choice(BOUGHT)) for _ in range(2)]
        delivered = [self.deliver_one()] if self.outstanding else []
        recording = asyncio.gather(*(self.record(*pair) for pair in pairs))
        await asyncio.gather(recording, *delivered)
        # In the order of the payments, whichever was recorded first.
        self.bought += recording.result()
        return "with_stripe" if delivered else "two"

    def payment(self, reader: str, product_id: str) -> tuple[Payment, Prepaid]:
        kind = ProductKind.PASS if product_id in PASS_DAYS else ProductKind.PLAN
        reference = self.name(f"p{len(self.model.prepaid):03}")
        processor, price = self.chance.choice(["bank", "khqr"]), self.chance.choice(PRICES)
        payment = Payment(reader, processor, reference, kind, product_id, price, "usd")
        days = PASS_DAYS.get(product_id) or WEEKS.get(product_id) or 0
        prepaid = Prepaid(
            self.model.holder(reader, self.now), price, self.now, (processor, reference),
            hours=24 * days, months=MONTHS.get(product_id, 0), zone=self.zone,
        )  # fmt: skip
        self.model.prepaid.append(prepaid)
        return payment, prepaid

    async def record(self, payment: Payment, prepaid: Prepaid) -> Bought:
        purchase, is_new = await self.write(
            lambda session: record_purchase(
                session, payment, timezone=prepaid.zone, actor=ACTOR, clock=self.clock
            )
        )
        assert is_new
        return Bought(purchase.id, prepaid, {})

    async def put_complimentary(self) -> str:
        reader = self.reader()
        ends = self.now + timedelta(hours=self.chance.choice((-24, 0, 1, *HOURS)))
        had_one = self.model.has_complimentary(reader, self.now)
        self.model.put_complimentary(reader, ends, self.now)
        await self.write(
            lambda session: put_complimentary(
                session, reader, plan_id=None, current_period_end=ends, clock=self.clock
            )
        )
        outcome = "changed" if had_one else "new"
        return outcome if ends > self.now else "ended" if had_one else "nothing"

    async def cancel_now(self) -> str:
        """A pass, a prepaid period or a complimentary subscription ends at once."""
        await self.deliver_all()
        reader = self.reader()
        rows = await self.cancellable(reader)
        if not rows:
            return f"none but {await self.buy()}"
        subscription, prepaid = self.chance.choice(rows)
        expected = Expected(self.model, self.billed, self.settings, self.now)
        was_over = (
            expected.is_over(prepaid)
            if prepaid
            else not self.model.has_complimentary(reader, self.now)
        )
        try:
            done = await self.write(
                lambda session: cancel_subscription(
                    session, reader, subscription.id, CancelWhen.NOW, reason=None,
                    clock=self.clock,
                )
            )  # fmt: skip
        except Problem as problem:
            assert problem.kind is SUBSCRIPTION_ENDED
            assert was_over
            return "ended"
        assert done is not None
        if prepaid is None:
            self.model.put_complimentary(reader, self.now, self.now)
        elif prepaid.ended_at is None:
            assert not was_over
            prepaid.ended_at = self.now
        expected = Expected(self.model, self.billed, self.settings, self.now)
        until, own_end = expected.access_until(reader), done[1].access_until
        # What was given back and ended in the same instant was last open before.
        assert own_end == until if until > self.now else own_end <= self.now
        return "prepaid" if prepaid else "complimentary"

    async def cancellable(self, reader: str) -> list[tuple[Subscription, Prepaid | None]]:
        """Those that were never ended, as a repeated cancellation returns the first receipt."""
        by_order = {one.order: one for one in self.model.prepaid}
        statement = (
            select(Subscription, Purchase.processor, Purchase.reference)
            .outerjoin(Purchase, Purchase.id == Subscription.purchase_id)  # type: ignore[arg-type]  # a condition of SQL
            .where(Subscription.reader_id == reader, Subscription.kind != "stripe")
            .order_by(Subscription.id)
        )
        async with self.database.reading() as session:
            found = (await session.exec(statement)).all()
        rows = [(row, by_order.get((processor, ref))) for row, processor, ref in found]
        return sorted(
            (pair for pair in rows if pair[0].ended_at is None),
            key=lambda pair: pair[1].order if pair[1] else ("", ""),
        )

    async def take_back(self) -> str:
        """A refund or a dispute, of which the service may hear late."""
        sources: list[Source] = [*self.bought, *self.sales]
        sources += [invoice for one in self.billed for invoice in one.invoices]
        sources = [one for one in sources if sold_of(one).price > 0]
        if not sources:
            return f"none but {await self.buy()}"
        source = self.chance.choice(sources)
        part = self.chance.choice(PARTS)
        return await self.take(source, max(1, sold_of(source).price * part // 3))

    async def take_back_switch(self) -> str:
        """All that was paid for a switch, so that what it credited may count again."""
        switches = [
            invoice
            for one in self.billed
            for invoice in one.invoices
            if invoice.credit and invoice.cover.price and not invoice.cover.clawbacks
        ]
        if not switches:
            return f"none but {await self.switch()}"
        source = self.chance.choice(switches)
        return await self.take(source, source.cover.price)

    async def take(self, source: Source, amount: int) -> str:
        sold, kind = sold_of(source), self.chance.choice("rd")
        reference = f"{kind}{len(sold.clawbacks) + len(source.inquiries)}"
        is_pending = self.chance.random() < 0.15
        if is_pending and kind == "d":
            source.inquiries[reference] = amount
            await self.changed(source)
            return "inquiry"
        since = sold.paid_at if isinstance(sold, Prepaid) else self.earliest(sold)
        keeps_access = self.chance.random() < 0.1
        at = self.earlier(since)
        sold.clawbacks[reference] = Clawback(
            amount, at, keeps_access=keeps_access, is_pending=is_pending
        )
        await self.changed(source)
        if is_pending:
            return "pending"
        return "keeping_access" if keeps_access else "whole" if sold.is_removed(at) else "part"

    def earliest(self, sold: Sold) -> datetime:
        assert isinstance(sold, Cover)
        return min(sold.starts, self.now)

    def is_open(self, sold: Sold, reference: str) -> bool:
        return reference not in sold.clawbacks or sold.clawbacks[reference].withdrawn_at is None

    async def give_back(self) -> str:
        """A dispute is won, a refund fails or is completed, or an inquiry becomes a dispute."""
        everything: list[Source] = [*self.bought, *self.sales]
        everything += [invoice for one in self.billed for invoice in one.invoices]
        found = [
            (source, reference)
            for source in everything
            for reference in [*source.inquiries, *sold_of(source).clawbacks]
            if self.is_open(sold_of(source), reference)
        ]
        if not found:
            return f"none but {await self.take_back()}"
        source, reference = self.chance.choice(found)
        sold = sold_of(source)
        if reference in source.inquiries:
            sold.clawbacks[reference] = Clawback(source.inquiries.pop(reference), self.now)
            await self.changed(source)
            return "escalated"
        clawback = sold.clawbacks[reference]
        was_pending, clawback.is_pending = clawback.is_pending, False
        if was_pending and self.chance.random() < 0.5:
            await self.changed(source)
            return "settled"
        was_removed = sold.is_removed(self.now)
        clawback.withdrawn_at = self.earlier(clawback.effective_at)
        await self.changed(source)
        if was_pending:
            return "failed"
        return "time" if was_removed and not sold.is_removed(self.now) else "nothing"

    async def changed(self, source: Source) -> None:
        """The site's own processor tells at once; Stripe when it does."""
        if not isinstance(source, Bought):
            self.outstanding.append(source)
            return
        snapshots = clawback_snapshots(source.prepaid, source.inquiries)
        await self.write(
            lambda session: record_taken_back(session, source.purchase_id, snapshots, self.clock)
        )

    async def merge(self) -> str:
        """Two ids of one person; the one that is given up can be used anew."""
        known = {holder.now() for holder in self.model.holders}
        from_id = self.chance.choice([one for one in self.readers if one in known])
        into_id = self.chance.choice([one for one in self.readers if one != from_id])
        self.model.merge(from_id, into_id, self.now)
        await self.write(
            lambda session: merge_readers(session, from_id, into_id, actor=ACTOR, clock=self.clock)
        )
        return "both" if into_id in known else "one"


def sold_of(source: Source) -> Sold:
    return source.cover if isinstance(source, Invoice) else source.prepaid
