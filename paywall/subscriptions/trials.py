"""Trials: a reader has one, whatever plan it is of."""

from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import StripeSubscription, Subscription


async def first_trial_of(session: AsyncSession, reader_id: str) -> datetime | None:
    """When the reader's first trial began or, if that was later, when it was recorded.

    None while one is available. Trials of readers who were merged into this one count.
    """
    statement = (
        select(Subscription.created_at, StripeSubscription.trial_starts_at)
        .join(StripeSubscription, col(StripeSubscription.id) == Subscription.id)
        .where(
            Subscription.reader_id == reader_id, col(StripeSubscription.trial_ends_at).is_not(None)
        )
    )
    found = (await session.exec(statement)).all()
    return min((max(recorded, starts or recorded) for recorded, starts in found), default=None)
