"""Events of Stripe's that were handled: kept by their id, without their payload."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlmodel import col, delete, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.engine import insert
from paywall.database.tables import StripeEvent
from paywall.processors.stripe.objects import StripeEventRef
from paywall.rules.enums import EventOutcome

KEPT_FOR = timedelta(days=45)
"""Longer than Stripe delivers an event again (3 days) or lists it (30 days)."""


async def is_handled(session: AsyncSession, event_ref: StripeEventRef) -> bool:
    statement = select(StripeEvent.id).where(StripeEvent.id == event_ref.id)
    return (await session.exec(statement)).first() is not None


async def handled_of(session: AsyncSession, ids: Collection[str]) -> set[str]:
    """Those of these events that were handled."""
    statement = select(StripeEvent.id).where(col(StripeEvent.id).in_(ids))
    return set((await session.exec(statement)).all())


async def last_handled_at(session: AsyncSession) -> datetime | None:
    """When an event was last handled, of those that are kept."""
    return (await session.exec(select(func.max(StripeEvent.at)))).one()


async def mark(
    session: AsyncSession, event_ref: StripeEventRef, outcome: EventOutcome, now: datetime
) -> bool:
    """Mark an event as handled, with its effect; False where a twin was first."""
    event = (
        insert(session, StripeEvent)
        .values(
            id=event_ref.id,
            type=event_ref.type,
            object_id=event_ref.object_id,
            outcome=outcome,
            at=now,
        )
        .on_conflict_do_nothing()
        .returning(col(StripeEvent.id))
    )
    return (await session.exec(event)).first() is not None


async def forget(session: AsyncSession, now: datetime) -> int:
    """Housekeeping: delete events that Stripe itself knows no more; the number of them."""
    old = delete(StripeEvent).where(col(StripeEvent.at) <= now - KEPT_FOR)
    return (await session.exec(old)).rowcount
