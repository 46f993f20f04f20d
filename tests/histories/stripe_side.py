"""What Stripe knows in a history of prepaid time, and the snapshots that it gives of it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import Checkout, StripePrice, Subscription
from paywall.processors.stripe.customers import link_customer, lock_customer, version_of
from paywall.processors.stripe.objects import (
    InvoiceLine,
    SessionStatus,
    Snapshot,
    StripeInvoiceSnapshot,
    StripeSessionSnapshot,
    StripeSubscriptionSnapshot,
)
from paywall.processors.stripe.record import record
from paywall.rules.enums import CheckoutStatus, ClawbackKind, ProductKind, StripeStatus
from paywall.rules.refunds import ClawbackSnapshot
from paywall.settings import Settings
from paywall.subscriptions.billed import end_billed_access
from tests.conftest import START, SetClock
from tests.histories.prepaid_model import Cover, Holder, Prepaid, Sold

PLAN_DAYS = {"weekly": 7, "monthly": 30, "yearly": 365}
RENEWING = (StripeStatus.ACTIVE, StripeStatus.TRIALING)
PASS_DAYS = {"one": 1, "three": 3, "ten": 10}


def stripe_prices() -> list[StripePrice]:
    """The prices of this catalogue; a period's end comes with its invoice."""
    terms = {"interval": "day", "interval_count": 1, "credits": 0, "credits_expire": "never"}
    sold = [(ProductKind.PLAN, plan, terms) for plan in PLAN_DAYS]
    sold += [(ProductKind.PASS, one, {"days": days}) for one, days in PASS_DAYS.items()]
    return [
        StripePrice(id=f"price_{id_}", product_kind=kind, product_id=id_, amount=500,
                    currency="usd", terms=terms, created_at=START)
        for kind, id_, terms in sold
    ]  # fmt: skip


def clawback_snapshots(sold: Sold, inquiries: dict[str, int]) -> list[ClawbackSnapshot]:
    """Refunds (`r…`) and disputes (`d…`) as a processor states them now."""
    kinds = {"r": ClawbackKind.REFUND, "d": ClawbackKind.DISPUTE}
    known = [
        ClawbackSnapshot(
            reference, kinds[reference[0]], one.amount, one.withdrawn_at is None, one.is_pending,
            one.keeps_access, one.effective_at, one.effective_at, one.withdrawn_at,
        )
        for reference, one in sold.clawbacks.items()
    ]  # fmt: skip
    waiting = [
        ClawbackSnapshot(reference, kinds[reference[0]], amount, False, True, False, START)
        for reference, amount in inquiries.items()
    ]
    return known + waiting


@dataclass(eq=False)
class Customer:
    id: str
    holder: Holder


class ProrationCredit(NamedTuple):
    """What an invoice gives back of an earlier one, whose period ends at `starts_at` by it."""

    invoice_id: str
    starts_at: datetime
    ends_at: datetime
    amount: int


@dataclass(eq=False)
class Invoice:
    """A paid invoice, and its period as sold; `cover` carries its clawbacks."""

    id: str
    plan_id: str
    cover: Cover
    paid_at: datetime
    period_ends_at: datetime
    credit: ProrationCredit | None = None
    inquiries: dict[str, int] = field(default_factory=dict)

    def snapshot(self, of: "Billed") -> StripeInvoiceSnapshot:
        lines = [
            InvoiceLine(
                f"{self.id}-charge", f"price_{self.plan_id}", self.cover.starts,
                self.period_ends_at, False, self.cover.price, False,
            )
        ]  # fmt: skip
        if self.credit is not None:
            credited, starts_at, ends_at, amount = self.credit
            lines.append(
                InvoiceLine(
                    f"{self.id}-credit", f"price_{self.plan_id}", starts_at, ends_at, True,
                    -amount, True, credited,
                )
            )  # fmt: skip
        return StripeInvoiceSnapshot(
            self.id, of.customer.id, of.id, self.paid_at, self.cover.price, "usd", tuple(lines),
            tuple(clawback_snapshots(self.cover, self.inquiries)),
        )  # fmt: skip


@dataclass(eq=False)
class Sale:
    """A pass that was paid on Stripe's page; recorded by its Checkout session."""

    id: str
    customer: Customer
    prepaid: Prepaid
    inquiries: dict[str, int] = field(default_factory=dict)

    def snapshot(self) -> StripeSessionSnapshot:
        return StripeSessionSnapshot(
            self.id, self.customer.id, f"checkout-{self.id}", SessionStatus.COMPLETE, None,
            self.prepaid.price, "usd", self.prepaid.paid_at, None,
            tuple(clawback_snapshots(self.prepaid, self.inquiries)),
        )  # fmt: skip

    def checkout(self, pass_id: str, reader: str) -> Checkout:
        return Checkout(
            id=f"checkout-{self.id}", reader_id=reader, product_kind=ProductKind.PASS,
            product_id=pass_id, price_id=f"price_{pass_id}", return_url="https://news.example",
            customer_id=self.customer.id, session_id=self.id, status=CheckoutStatus.OPEN,
            created_at=self.prepaid.paid_at,
        )  # fmt: skip


@dataclass(eq=False)
class Billed:
    """A subscription that Stripe bills; `ended_at` is our own "now"."""

    id: str
    customer: Customer
    plan_id: str
    started_at: datetime
    status: StripeStatus = StripeStatus.ACTIVE
    trial: Cover | None = None
    invoices: list[Invoice] = field(default_factory=list)
    ended_at: datetime | None = None

    def covers(self) -> list[Cover]:
        return [invoice.cover for invoice in self.invoices] + ([self.trial] if self.trial else [])

    def period_ends_at(self) -> datetime:
        return max([self.started_at, *(cover.billed_end() for cover in self.covers())])

    def is_over(self) -> bool:
        return self.status is StripeStatus.CANCELED

    def snapshot(self) -> StripeSubscriptionSnapshot:
        return StripeSubscriptionSnapshot(
            id=self.id,
            customer_id=self.customer.id,
            status=self.status,
            price_id=f"price_{self.plan_id}",
            started_at=self.started_at,
            period_ends_at=self.period_ends_at(),
            trial_ends_at=self.trial.ends if self.trial else None,
            cancels_at_period_end=False,
            is_cancelled=self.is_over(),
            will_renew=self.status in RENEWING,
            latest_invoice_id=self.invoices[-1].id if self.invoices else None,
            payment_type="card",
            quantity=1,
            cancels_at=None,
            schedule_id=None,
            trial_starts_at=self.trial.starts if self.trial else None,
        )

    def opens_until(self, now: datetime, settings: Settings) -> tuple[datetime, datetime]:
        """The end of access by DESIGN, and the end that is shown."""
        ends = [one.paid_end(now) for one in self.covers() if not is_taken_back(one, now)]
        through = max([self.started_at, *ends])
        if self.ended_at is not None:
            through = min(through, max(self.started_at, self.ended_at))
        if self.status is StripeStatus.PAST_DUE:
            has_paid = any(invoice.cover.price > 0 for invoice in self.invoices)
            until = through + timedelta(days=settings.grace_days if has_paid else 0)
            return until, until
        paid = [one.cover for one in self.invoices if one.cover.starts < one.cover.paid_end(now)]
        last_end = max((one.paid_end(now) for one in paid), default=None)
        last = [one for one in paid if one.paid_end(now) == last_end]
        was_taken = bool(last) and all(is_taken_back(one, now) for one in last)
        if self.status not in RENEWING or was_taken or through == self.started_at:
            return through, through
        return through + timedelta(seconds=settings.renewal_leeway_seconds), through


def is_taken_back(cover: Cover, now: datetime) -> bool:
    """What refunds, disputes and credits give back is all that was paid."""
    back = sum(one.amount for one in cover.clawbacks.values() if one.holds(now))
    back += sum(one.amount for one in cover.credits if one.holds(now))
    return 0 < cover.price <= back


async def link(session: AsyncSession, customer: Customer, reader: str, now: datetime) -> None:
    await link_customer(session, customer.id, reader, now)


async def record_snapshot(
    session: AsyncSession, customer: Customer, snapshot: Snapshot, settings: Settings,
    clock: SetClock,
) -> None:  # fmt: skip
    """Record what was fetched, as `sync` does."""
    locked = None
    while locked is None:
        version = await version_of(session, customer.id)
        assert version is not None
        locked = await lock_customer(session, customer.id, version)
    await record(session, snapshot, locked, settings, clock)


async def end_now(session: AsyncSession, billed: Billed, now: datetime) -> None:
    """After Stripe confirmed that it ended."""
    subscription = await session.get_one(Subscription, billed.id)
    await end_billed_access(session, subscription, now)
