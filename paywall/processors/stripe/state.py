"""What this deployment remembers of Stripe as a whole, in one row."""

import secrets
from datetime import datetime, timedelta

from sqlmodel import col, or_, update
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.engine import insert
from paywall.database.tables import StripeState
from paywall.database.tables.stripe import THE_ONE

BUSY_FOR = timedelta(minutes=10)
"""Whoever reconciles is taken for dead after this."""


async def state(session: AsyncSession) -> StripeState:
    """The row, made when it is first needed, with a key for hashes that is kept for good."""
    made = insert(session, StripeState).values(id=THE_ONE, hash_key=secrets.token_hex(32))
    await session.exec(made.on_conflict_do_nothing())
    return await session.get_one(StripeState, THE_ONE, populate_existing=True)


async def take_turn(session: AsyncSession, now: datetime) -> StripeState | None:
    """Be the one that reconciles; None while another process does."""
    await state(session)
    free = or_(col(StripeState.busy_until).is_(None), col(StripeState.busy_until) <= now)
    taken = (
        update(StripeState)
        .where(col(StripeState.id) == THE_ONE, free)
        .values(busy_until=now + BUSY_FOR)
        .returning(col(StripeState.id))
    )
    if (await session.exec(taken)).first() is None:
        return None
    return await state(session)


async def end_turn(session: AsyncSession, read_until: datetime | None) -> None:
    """Let the next one begin; `read_until` is None where reading the events did not succeed."""
    values: dict[str, datetime | None] = {"busy_until": None}
    if read_until is not None:
        values["events_read_until"] = read_until
    await session.exec(update(StripeState).where(col(StripeState.id) == THE_ONE).values(values))
