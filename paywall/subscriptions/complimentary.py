"""Complimentary subscriptions: at most one a reader, given and changed by the site."""

import secrets
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.clock import Clock
from paywall.credits.locking import lock_or_open_subscriber
from paywall.rules.words import SubscriptionKind
from paywall.subscriptions.period import restate
from paywall.tables import Subscription


async def put_complimentary(
    session: AsyncSession,
    reader_id: str,
    *,
    plan_id: str | None,
    current_period_end: datetime,
    clock: Clock,
) -> tuple[Subscription, bool]:
    """Give, prolong or shorten it; an end that is past ends it. Tells whether it is new."""
    await lock_or_open_subscriber(session, reader_id, clock.now())
    now = clock.now()
    statement = select(Subscription).where(
        Subscription.reader_id == reader_id,
        col(Subscription.kind) == SubscriptionKind.COMPLIMENTARY,
    )
    subscription = (await session.exec(statement)).first()
    is_new = subscription is None
    if subscription is None:
        subscription = Subscription(
            id=f"complimentary_{secrets.token_hex(12)}",
            reader_id=reader_id,
            kind=SubscriptionKind.COMPLIMENTARY,
            starts_at=now,
            paid_through=current_period_end,
            entitled_until=current_period_end,
            access_until=current_period_end,
            created_at=now,
        )
    elif subscription.entitled_until <= now:
        subscription.starts_at = now
    subscription.plan_id = plan_id
    subscription.paid_through = current_period_end
    subscription.ended_at = None
    restate(session, subscription)
    await session.flush()
    return subscription, is_new
