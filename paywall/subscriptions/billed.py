"""Access by subscriptions that Stripe bills."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import (
    Purchase,
    StripeInvoice,
    StripeSubscription,
    Subscription,
)
from paywall.rules.entitlement import (
    Allowance,
    BilledSubscription,
    PaidAccess,
    PaidPeriod,
    billed_access_ends,
    has_paid,
    last_was_clawed_back,
    paid_through,
)
from paywall.rules.enums import STRIPE_ENDED
from paywall.subscriptions.clawback_times import paid_ends
from paywall.subscriptions.prepaid import recompute_prepaid


async def billed_of(session: AsyncSession, reader_ids: Collection[str]) -> Sequence[Subscription]:
    """The subscriptions of these readers that Stripe still bills."""
    statement = (
        select(Subscription)
        .join(StripeSubscription, col(StripeSubscription.id) == Subscription.id)
        .where(
            col(Subscription.reader_id).in_(reader_ids),
            col(StripeSubscription.status).not_in(STRIPE_ENDED),
        )
    )
    return (await session.exec(statement)).all()


async def recompute_billed_access(
    session: AsyncSession, subscription: Subscription, billing: StripeSubscription
) -> None:
    """Recompute when access ends from the paid periods, the clawbacks and the status.

    The caller then recomputes the reader's prepaid time, which pauses in a paid period or a trial.
    """
    periods = await _periods(session, subscription.id)
    subscription.paid_through = paid_through(subscription.starts_at, periods, billing.trial_ends_at)
    ends = billed_access_ends(
        BilledSubscription(
            billing.status,
            PaidAccess(subscription.starts_at, subscription.paid_through, subscription.ended_at),
            billing.will_renew,
            last_was_clawed_back(periods),
            has_paid(periods),
        ),
        Allowance(
            timedelta(seconds=billing.grace_seconds), timedelta(seconds=billing.leeway_seconds)
        ),
    )
    subscription.entitled_until, subscription.access_until = ends
    session.add(subscription)
    await session.flush()


async def end_billed_access(
    session: AsyncSession, subscription: Subscription, now: datetime
) -> None:
    """End access at once, because the reader cancelled with "now"."""
    subscription.ended_at = subscription.ended_at or now
    billing = await session.get_one(StripeSubscription, subscription.id)
    await recompute_billed_access(session, subscription, billing)
    await recompute_prepaid(session, subscription.reader_id)


async def _periods(session: AsyncSession, subscription_id: str) -> list[PaidPeriod]:
    """The periods of its paid invoices, each cut where the rest of it is credited."""
    statement = (
        select(StripeInvoice, Purchase.amount_paid, Purchase.taken_back)
        .join(Purchase, col(Purchase.id) == StripeInvoice.purchase_id)
        .where(StripeInvoice.subscription_id == subscription_id)
    )
    rows = (await session.exec(statement)).all()
    ends = await paid_ends(session, [invoice for invoice, _, _ in rows])
    return [PaidPeriod(ends[invoice.id], 0 < paid == taken, paid) for invoice, paid, taken in rows]


async def paid_until_of(
    session: AsyncSession, purchase_ids: Collection[int]
) -> dict[int, datetime | None]:
    """The end of the period that each of these purchases pays for, of those that paid invoices."""
    statement = select(StripeInvoice).where(col(StripeInvoice.purchase_id).in_(purchase_ids))
    invoices = (await session.exec(statement)).all()
    ends = await paid_ends(session, invoices)
    return {invoice.purchase_id: ends[invoice.id] for invoice in invoices}


async def recompute_access_of_purchase(session: AsyncSession, purchase: Purchase) -> None:
    """Recompute the subscription whose invoice this purchase paid, if there is one.

    The caller then recomputes the reader's prepaid time.
    """
    statement = (
        select(Subscription, StripeSubscription)
        .join(StripeSubscription, col(StripeSubscription.id) == Subscription.id)
        .join(StripeInvoice, col(StripeInvoice.subscription_id) == Subscription.id)
        .where(StripeInvoice.purchase_id == purchase.id)
    )
    for subscription, billing in (await session.exec(statement)).all():
        await recompute_billed_access(session, subscription, billing)
