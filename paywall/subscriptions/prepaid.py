"""Passes and prepaid periods: one-time purchases that run one after the other."""

import secrets
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from sqlmodel import col, func, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import Purchase, Refund, Subscription
from paywall.rules.entitlement import PaidAccess, entitled_until
from paywall.rules.enums import SubscriptionKind
from paywall.rules.passes import PassPayment, pass_starts
from paywall.rules.refunds import ClawbackAmount, wholly_clawed_back_at


async def add_prepaid_period(
    session: AsyncSession, purchase: Purchase, ends_after: Callable[[datetime], datetime]
) -> Subscription:
    """Add the prepaid period that was bought; it starts when the running one ends.

    Sites report these payments when they take them, so they arrive in order.
    """
    paid_at = purchase.created_at
    latest = select(func.max(Subscription.entitled_until)).where(
        Subscription.reader_id == purchase.reader_id,
        Subscription.kind == SubscriptionKind.PREPAID,
        # A period that was refunded or ended before its start covers no time.
        col(Subscription.entitled_until) > col(Subscription.starts_at),
    )
    running_until: datetime | None = (await session.exec(latest)).one()
    starts_at = max(paid_at, running_until or paid_at)
    period = _new_subscription(purchase, SubscriptionKind.PREPAID, starts_at, ends_after(starts_at))
    period.plan_id = purchase.product_id
    session.add(period)
    await session.flush()
    return period


async def add_pass(session: AsyncSession, purchase: Purchase, days: int) -> None:
    """Add the pass that was bought to the reader's queue of passes."""
    paid_at = purchase.created_at
    bought = _new_subscription(
        purchase, SubscriptionKind.PASS, paid_at, paid_at + timedelta(days=days)
    )
    bought.pass_id = purchase.product_id
    session.add(bought)
    await schedule_passes(session, purchase.reader_id)


def _new_subscription(
    purchase: Purchase, kind: SubscriptionKind, starts_at: datetime, paid_through: datetime
) -> Subscription:
    return Subscription(
        id=f"{kind}_{secrets.token_hex(12)}",
        reader_id=purchase.reader_id,
        kind=kind,
        purchase_id=purchase.id,
        starts_at=starts_at,
        paid_through=paid_through,
        entitled_until=paid_through,
        access_until=paid_through,
        created_at=purchase.created_at,
    )


async def schedule_passes(session: AsyncSession, reader_id: str) -> None:
    """Recompute when each of a reader's passes starts, in the order of their payments.

    Stripe may report a later payment first, or a refund after a purchase that it preceded.
    """
    statement = (
        select(Subscription, Purchase)
        .join(Purchase, col(Purchase.id) == Subscription.purchase_id)
        .where(Subscription.reader_id == reader_id, Subscription.kind == SubscriptionKind.PASS)
        .order_by(col(Purchase.created_at), col(Purchase.processor), col(Purchase.reference))
    )
    rows = (await session.exec(statement)).all()
    refunded_at = await _wholly_refunded_at(session, [purchase for _, purchase in rows])
    starts = pass_starts(
        [
            PassPayment(
                purchase.created_at,
                subscription.paid_through - subscription.starts_at,
                subscription.ended_at,
                refunded_at.get(purchase.id),
            )
            for subscription, purchase in rows
        ]
    )
    for (subscription, _), starts_at in zip(rows, starts, strict=True):
        subscription.paid_through += starts_at - subscription.starts_at
        subscription.starts_at = starts_at
        recompute_access(session, subscription)
    await session.flush()


async def _wholly_refunded_at(
    session: AsyncSession, purchases: Collection[Purchase]
) -> dict[int, datetime | None]:
    """When refunds or disputes of each purchase, pending ones included, reached its price."""
    statement = select(Refund).where(
        col(Refund.purchase_id).in_([purchase.id for purchase in purchases]),
        or_(col(Refund.is_in_force), col(Refund.is_pending)),
    )
    refunds = (await session.exec(statement)).all() if purchases else []
    return {
        purchase.id: wholly_clawed_back_at(
            purchase.amount_paid,
            [
                (refund.created_at, ClawbackAmount(refund.amount, refund.keep_access))
                for refund in refunds
                if refund.purchase_id == purchase.id
            ],
        )
        for purchase in purchases
    }


def recompute_access(session: AsyncSession, subscription: Subscription) -> None:
    """Recompute when access ends from what was paid, ended and clawed back."""
    end = entitled_until(
        PaidAccess(
            subscription.starts_at,
            subscription.paid_through,
            subscription.ended_at,
            subscription.is_taken_back,
        )
    )
    subscription.entitled_until = subscription.access_until = end
    session.add(subscription)


async def apply_period_clawback(session: AsyncSession, purchase: Purchase) -> None:
    """End the period if its whole price is clawed back; restore it otherwise."""
    statement = select(Subscription).where(Subscription.purchase_id == purchase.id)
    for subscription in (await session.exec(statement)).all():
        subscription.is_taken_back = 0 < purchase.amount_paid == purchase.taken_back
        recompute_access(session, subscription)
        if subscription.kind is SubscriptionKind.PASS:
            await schedule_passes(session, subscription.reader_id)
