"""The time in which a reader has access without prepaid time, so that prepaid time is paused.

These are the paid periods and trials of Stripe, and complimentary subscriptions. Grace and leeway
are no cover: nothing was paid for them.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import (
    ComplimentaryPeriod,
    Purchase,
    StripeInvoice,
    StripeSubscription,
    Subscription,
)
from paywall.rules.calendar import FAR_FUTURE
from paywall.rules.enums import StripeStatus, SubscriptionKind
from paywall.rules.prepaid import Cover, Span, without
from paywall.rules.refunds import wholly_clawed_back
from paywall.subscriptions.clawback_times import clawback_effects, prorations_of

NEVER_PAID = (StripeStatus.INCOMPLETE, StripeStatus.INCOMPLETE_EXPIRED)


async def covers_of(session: AsyncSession, reader_id: str) -> list[Cover]:
    return [
        *await _complimentary_covers(session, reader_id),
        *await _stripe_covers(session, reader_id),
    ]


async def _complimentary_covers(session: AsyncSession, reader_id: str) -> list[Cover]:
    """The periods, and the subscription's own time: an earlier release writes no periods."""
    periods = select(ComplimentaryPeriod).where(ComplimentaryPeriod.reader_id == reader_id)
    subscription = select(Subscription).where(
        Subscription.reader_id == reader_id, Subscription.kind == SubscriptionKind.COMPLIMENTARY
    )
    return [
        *(
            Cover(Span(period.starts_at, period.ends_at), period.sequence_id)
            for period in await session.exec(periods)
        ),
        *(
            Cover(Span(held.starts_at, held.entitled_until), held.sequence_id)
            for held in await session.exec(subscription)
        ),
    ]


async def _stripe_covers(session: AsyncSession, reader_id: str) -> list[Cover]:
    statement = select(Subscription).where(
        Subscription.reader_id == reader_id, Subscription.kind == SubscriptionKind.STRIPE
    )
    subscriptions = (await session.exec(statement)).all()
    if not subscriptions:
        return []
    ids = [subscription.id for subscription in subscriptions]
    billed = select(StripeSubscription).where(col(StripeSubscription.id).in_(ids))
    billing = {row.id: row for row in await session.exec(billed)}
    paid_spans = await _paid_spans(session, {one.id: one.starts_at for one in subscriptions})
    return [
        Cover(part, subscription.sequence_id)
        for subscription in subscriptions
        for span in _spans(subscription, billing.get(subscription.id), paid_spans[subscription.id])
        for part in without(span, _ended(subscription))
    ]


def _spans(
    subscription: Subscription, billing: StripeSubscription | None, paid_spans: list[Span]
) -> list[Span]:
    if billing is None:
        # Imported, and not fetched from Stripe yet.
        return [Span(subscription.starts_at, subscription.paid_through)]
    if billing.status in NEVER_PAID:
        return []
    if billing.trial_ends_at is None:
        return paid_spans
    trial_starts_at = billing.trial_starts_at or subscription.starts_at
    return [Span(trial_starts_at, billing.trial_ends_at), *paid_spans]


def _ended(subscription: Subscription) -> list[Span]:
    """The time since the reader cancelled "now"."""
    ended_at = subscription.ended_at
    return [] if ended_at is None else [Span(ended_at, FAR_FUTURE)]


async def _paid_spans(
    session: AsyncSession, began_at: Mapping[str, datetime]
) -> dict[str, list[Span]]:
    """The paid time that was not taken back of the subscriptions that began then, by their ids."""
    invoices = await _invoices(session, began_at.keys())
    effects = await clawback_effects(session, [invoice.purchase_id for invoice, _ in invoices])
    credited: dict[str, list[Span]] = defaultdict(list)
    for proration in await prorations_of(session, began_at.keys()):
        credited[proration.row.credited_invoice_id] += proration.spans
    ends: dict[str, datetime] = {}
    spans: dict[str, list[Span]] = defaultdict(list)
    for invoice, amount_paid in invoices:
        # Only rows of earlier releases lack a start: they follow one another from the first day.
        before = ends.get(invoice.subscription_id, began_at[invoice.subscription_id])
        period = Span(invoice.period_starts_at or before, invoice.period_ends_at)
        removed = wholly_clawed_back(amount_paid, effects[invoice.purchase_id])
        spans[invoice.subscription_id] += without(period, [*removed, *credited[invoice.id]])
        ends[invoice.subscription_id] = invoice.period_ends_at
    return spans


async def _invoices(
    session: AsyncSession, subscription_ids: Collection[str]
) -> Sequence[tuple[StripeInvoice, int]]:
    """The paid invoices, in the order of their periods' ends, and their amounts."""
    statement = (
        select(StripeInvoice, Purchase.amount_paid)
        .join(Purchase, col(Purchase.id) == StripeInvoice.purchase_id)
        .where(col(StripeInvoice.subscription_id).in_(subscription_ids))
        .order_by(col(StripeInvoice.period_ends_at), col(StripeInvoice.id))
    )
    return (await session.exec(statement)).all()
