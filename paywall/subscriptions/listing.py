"""Subscriptions as they are told."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.http.bodies import Answer
from paywall.rules.words import SubscriptionKind
from paywall.tables import Subscription

AT_MOST = 200


class SubscriptionAnswer(Answer):
    """What opens everything until `access_until`."""

    id: str
    kind: SubscriptionKind
    status: Annotated[str, Meta(description="`active`, or `canceled` once it is over.")]
    plan_id: str | None
    pass_id: str | None
    access_until: datetime | None
    cancel_at_period_end: bool
    next_payment: datetime | None
    payment_type: str | None
    receipt: None


async def subscriptions_of(
    session: AsyncSession, reader_id: str, now: datetime
) -> list[SubscriptionAnswer]:
    """A reader's subscriptions, the one with the latest end first."""
    statement = (
        select(Subscription)
        .where(Subscription.reader_id == reader_id)
        .order_by(col(Subscription.entitled_until).desc(), col(Subscription.id).desc())
        .limit(AT_MOST)
    )
    return [tell(subscription, now) for subscription in await session.exec(statement)]


def tell(subscription: Subscription, now: datetime) -> SubscriptionAnswer:
    return SubscriptionAnswer(
        id=subscription.id,
        kind=subscription.kind,
        status="active" if now < subscription.entitled_until else "canceled",
        plan_id=subscription.plan_id,
        pass_id=subscription.pass_id,
        access_until=subscription.access_until,
        cancel_at_period_end=subscription.cancel_at_period_end,
        next_payment=None,
        payment_type=None,
        receipt=None,
    )
