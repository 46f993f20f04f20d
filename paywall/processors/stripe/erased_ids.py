"""Ids in Stripe of readers who were erased: a keyed hash of each, so that late events are known."""

import hmac
from collections.abc import Iterable
from hashlib import sha256

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.engine import insert
from paywall.database.tables import ErasedStripeId, StripeState
from paywall.database.tables.stripe import THE_ONE
from paywall.processors.stripe.state import state


async def remember_erased(session: AsyncSession, stripe_ids: Iterable[str]) -> None:
    """Keep their hashes; the ids themselves are no longer needed."""
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
