"""What readers do on Stripe's pages and Stripe does with them; the service hears of it later."""

from datetime import datetime, timedelta
from typing import ClassVar

from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.processors.stripe.objects import Snapshot
from paywall.rules.enums import StripeStatus
from tests.histories.prepaid_base import PrepaidBase
from tests.histories.prepaid_model import Cover, Credit, Prepaid
from tests.histories.stripe_side import (
    PASS_DAYS,
    PLAN_DAYS,
    Billed,
    Customer,
    Invoice,
    ProrationCredit,
    Sale,
    end_now,
    link,
    record_snapshot,
)

PRICES = (0, 3, 300, 300)
# Only the first allows days of grace.
FAILED = (
    StripeStatus.PAST_DUE, StripeStatus.PAST_DUE, StripeStatus.UNPAID, StripeStatus.PAUSED,
)  # fmt: skip


class StripeSteps(PrepaidBase):
    """Passes, subscriptions and trials by Stripe."""

    RULES: ClassVar[dict[str, int]] = PrepaidBase.RULES | {
        "pay_stripe": 2, "subscribe": 2, "bill": 3, "fail_payment": 1, "end_at_stripe": 1,
        "cancel_stripe_now": 1, "switch": 2, "deliver_one": 1, "deliver_all": 2,
    }  # fmt: skip

    async def customer(self, reader: str) -> Customer:
        """The reader's customer in Stripe; one who was merged may have several."""
        mine = [one for one in self.customers if one.holder.now() == reader]
        if mine:
            return self.chance.choice(mine)
        id_ = self.name(f"cus{len(self.customers)}")
        customer = Customer(id_, self.model.holder(reader, self.now))
        self.customers.append(customer)
        await self.write(lambda session: link(session, customer, reader, self.now))
        return customer

    async def pay_stripe(self) -> str:
        """A pass on Stripe's page; its event is still to come."""
        reader, pass_id = self.reader(), self.chance.choice(list(PASS_DAYS))
        customer, price = await self.customer(reader), self.chance.choice(PRICES)
        id_ = self.name(f"cs{len(self.sales):03}")
        prepaid = Prepaid(
            customer.holder, price, self.now, ("stripe", id_), hours=24 * PASS_DAYS[pass_id]
        )
        self.model.prepaid.append(prepaid)
        sale = Sale(id_, customer, prepaid)
        self.sales.append(sale)

        async def open_page(session: AsyncSession) -> None:
            session.add(sale.checkout(pass_id, reader))

        await self.write(open_page)
        self.outstanding.append(sale)
        return "pass"

    async def subscribe(self) -> str:
        customer = await self.customer(self.reader())
        id_, plan = (
            self.name(f"sub{len(self.billed)}"),
            self.chance.choice([*PLAN_DAYS, "weekly", "monthly"]),
        )
        billed = Billed(id_, customer, plan, self.now)
        self.billed.append(billed)
        self.outstanding.append(billed)
        if self.chance.random() < 0.4:
            days = self.chance.choice([1, 3, 7])
            ends = self.now + timedelta(days=days)
            billed.trial = Cover(customer.holder, 0, self.now, ends)
            billed.status = StripeStatus.TRIALING
            self.model.covers.append(billed.trial)
            return "trial"
        self.invoice(billed, self.now)
        return plan

    def invoice(
        self, billed: Billed, starts: datetime, credit: ProrationCredit | None = None
    ) -> None:
        ends = starts + timedelta(days=PLAN_DAYS[billed.plan_id])
        cover = Cover(billed.customer.holder, self.chance.choice(PRICES), starts, ends)
        self.model.covers.append(cover)
        id_ = f"{billed.id}-in{len(billed.invoices)}"
        invoice = Invoice(id_, billed.plan_id, cover, self.now, ends, credit)
        billed.invoices.append(invoice)
        billed.status = StripeStatus.ACTIVE
        self.outstanding.append(invoice)

    async def switch(self) -> str:
        """To another plan at once: the rest of the period is credited, and a new one begins."""
        running = [
            one
            for one in self.billed
            if not one.is_over()
            and one.invoices
            and one.invoices[-1].cover.starts <= self.now < one.invoices[-1].cover.ends
        ]
        if not running:
            return f"none but {await self.subscribe()}"
        billed = self.chance.choice(running)
        billed.plan_id = self.chance.choice([one for one in PLAN_DAYS if one != billed.plan_id])
        last = billed.invoices[-1]
        cover, whole = last.cover, last.period_ends_at - last.cover.starts
        amount = cover.price * (cover.ends - self.now) // whole
        self.invoice(
            billed, self.now, ProrationCredit(last.id, self.now, last.period_ends_at, amount)
        )
        cover.credits.append(Credit(self.now, amount, billed.invoices[-1].cover))
        self.outstanding.append(billed)
        return "whole" if amount == cover.price else "rest"

    def due(self) -> list[Billed]:
        """Subscriptions whose period is over, or is about to be: then the time comes first."""
        running = [one for one in self.billed if not one.is_over()]
        if running and not any(one.period_ends_at() <= self.now for one in running):
            self.clock.at = min(one.period_ends_at() for one in running)
        month = timedelta(days=30)
        return [one for one in running if self.now - month <= one.period_ends_at() <= self.now]

    async def bill(self) -> str:
        """The next period is paid: in time, or after days of grace."""
        if not (due := self.due()):
            return f"none but {await self.subscribe()}"
        billed = self.chance.choice(due)
        was_failed = billed.status in FAILED
        self.invoice(billed, billed.period_ends_at())
        self.outstanding.append(billed)
        return "late" if was_failed else "in_time"

    async def fail_payment(self) -> str:
        if not (due := self.due()):
            return f"none but {await self.subscribe()}"
        billed = self.chance.choice(due)
        billed.status = self.chance.choice(FAILED)
        self.outstanding.append(billed)
        return str(billed.status.value)

    async def end_at_stripe(self) -> str:
        """It is not billed any more; what was paid stays."""
        running = [one for one in self.billed if not one.is_over()]
        if not running:
            return f"none but {await self.subscribe()}"
        billed = self.chance.choice(running)
        was, billed.status = billed.status, StripeStatus.CANCELED
        self.outstanding.append(billed)
        return str(was.value)

    async def cancel_stripe_now(self) -> str:
        """By the reader, here: Stripe has confirmed it."""
        running = [one for one in self.billed if not one.is_over()]
        if not running:
            return f"none but {await self.subscribe()}"
        billed = self.chance.choice(running)
        await self.deliver_objects(billed, *billed.invoices)
        was_open = any(cover.holds(self.now) for cover in billed.covers())
        billed.status, billed.ended_at = StripeStatus.CANCELED, self.now
        for cover in billed.covers():
            cover.ended_at = self.now

        async def end(session: AsyncSession) -> None:
            snapshot = Snapshot(subscriptions=(billed.snapshot(),))
            await record_snapshot(session, billed.customer, snapshot, self.settings, self.clock)
            await end_now(session, billed, self.now)

        await self.write(end)
        return "covering" if was_open else "over"

    async def deliver_one(self) -> str:
        if not self.outstanding:
            return "none"
        await self.deliver_objects(self.chance.choice(self.outstanding))
        return "one"

    async def deliver_all(self) -> str:
        outcome = "several" if self.outstanding else "none"
        while self.outstanding:
            await self.deliver_one()
        return outcome

    async def deliver_objects(self, *several: Sale | Billed | Invoice) -> None:
        """Record these as they are in Stripe now; an invoice comes with its subscription."""
        invoices = [one for one in several if isinstance(one, Invoice)]
        sales = [one for one in several if isinstance(one, Sale)]
        billed = [one for one in several if isinstance(one, Billed)]
        billed += [
            one for one in self.billed if one not in billed and {*one.invoices} & {*invoices}
        ]
        done: list[Sale | Billed | Invoice] = [*invoices, *sales, *billed]
        self.outstanding = [one for one in self.outstanding if one not in done]
        of = {invoice: one for one in billed for invoice in one.invoices}
        snapshot = Snapshot(
            tuple(sale.snapshot() for sale in sales),
            tuple(one.snapshot() for one in billed),
            tuple(invoice.snapshot(of[invoice]) for invoice in invoices),
        )
        (customer,) = {*(one.customer for one in sales), *(one.customer for one in billed)}
        await self.write(
            lambda session: record_snapshot(session, customer, snapshot, self.settings, self.clock)
        )
