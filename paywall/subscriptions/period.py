"""Passes and prepaid periods: bought once, never renewing, one after the other."""

import secrets
from collections.abc import Callable
from datetime import datetime

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.rules.entitlement import Paid, entitled_until
from paywall.rules.words import ProductKind, SubscriptionKind
from paywall.tables import Purchase, Subscription


async def add_period(
    session: AsyncSession,
    purchase: Purchase,
    kind: SubscriptionKind,
    ends_after: Callable[[datetime], datetime],
    now: datetime,
) -> Subscription:
    """Give the period that was bought; it starts when the running one of its kind ends."""
    latest = select(func.max(Subscription.entitled_until)).where(
        Subscription.reader_id == purchase.reader_id,
        Subscription.kind == kind,
        col(Subscription.entitled_until) > now,
    )
    running_until: datetime | None = (await session.exec(latest)).one()
    starts_at = running_until or now
    paid_through = ends_after(starts_at)
    is_plan = purchase.product_kind is ProductKind.PLAN
    subscription = Subscription(
        id=f"{kind}_{secrets.token_hex(12)}",
        reader_id=purchase.reader_id,
        kind=kind,
        plan_id=purchase.product_id if is_plan else None,
        pass_id=None if is_plan else purchase.product_id,
        purchase_id=purchase.id,
        starts_at=starts_at,
        paid_through=paid_through,
        entitled_until=paid_through,
        access_until=paid_through,
        created_at=now,
    )
    session.add(subscription)
    await session.flush()
    return subscription


def restate(session: AsyncSession, subscription: Subscription) -> None:
    """Write down the end that follows from what was paid, ended and taken back."""
    end = entitled_until(
        Paid(
            subscription.starts_at,
            subscription.paid_through,
            subscription.ended_at,
            subscription.is_taken_back,
        )
    )
    subscription.entitled_until = subscription.access_until = end
    session.add(subscription)


async def take_back_period(session: AsyncSession, purchase: Purchase) -> None:
    """The period goes with the whole of its price, and comes back when less is taken back."""
    statement = select(Subscription).where(Subscription.purchase_id == purchase.id)
    for subscription in await session.exec(statement):
        subscription.is_taken_back = 0 < purchase.amount_paid == purchase.taken_back
        restate(session, subscription)
