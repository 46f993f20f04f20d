"""What this deployment keeps about Stripe as a whole: one row, and hashes of erased ids."""

import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256

from sqlmodel import col, or_, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.dialect import insert
from paywall.database.tables import ErasedStripeId, StripeState
from paywall.database.tables.stripe import THE_ONE

# After this, a process that reconciles counts as dead.
BUSY_FOR = timedelta(minutes=10)


async def state(session: AsyncSession) -> StripeState:
    """The row, created when it is first needed, with a permanent key for hashes."""
    made = insert(session, StripeState).values(id=THE_ONE, hash_key=secrets.token_hex(32))
    await session.exec(made.on_conflict_do_nothing())
    return await session.get_one(StripeState, THE_ONE, populate_existing=True)


async def take_turn(session: AsyncSession, now: datetime) -> StripeState | None:
    """Start to reconcile; None while another process does."""
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
    """Let the next process start; `read_until` is None if the events could not be read."""
    values: dict[str, datetime | None] = {"busy_until": None}
    if read_until is not None:
        values["events_read_until"] = read_until
    await session.exec(update(StripeState).where(col(StripeState.id) == THE_ONE).values(values))


async def remember_erased(session: AsyncSession, stripe_ids: Iterable[str]) -> None:
    """Keep keyed hashes of ids of an erased reader, so that late events are recognised."""
    key = (await state(session)).hash_key
    for stripe_id in stripe_ids:
        kept = insert(session, ErasedStripeId).values(sha256=_hash(key, stripe_id))
        await session.exec(kept.on_conflict_do_nothing())


async def is_erased(session: AsyncSession, stripe_ids: Iterable[str]) -> bool:
    kept = await session.get(StripeState, THE_ONE)
    if kept is None:
        return False
    hashes = [_hash(kept.hash_key, stripe_id) for stripe_id in stripe_ids]
    found = select(ErasedStripeId.sha256).where(col(ErasedStripeId.sha256).in_(hashes))
    return (await session.exec(found)).first() is not None


def _hash(key: str, stripe_id: str) -> str:
    return hmac.new(bytes.fromhex(key), stripe_id.encode(), sha256).hexdigest()
