"""Revoking an unlock: it stays on record but opens nothing; its credits may be returned."""

from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.clock import Clock
from paywall.credits.ledger import add_entry, grant_balance, write_off
from paywall.credits.locking import lock_subscriber
from paywall.database.tables import CreditGrant, Unlock, UnlockPayment
from paywall.problems import SUBSCRIBER_UNKNOWN, Problem
from paywall.rules.enums import Actor, EntryKind
from paywall.rules.spending import is_expired
from paywall.unlocks.unlock import unlock_in_force


async def revoke_unlock_of_article(
    session: AsyncSession,
    reader_id: str,
    article_id: str,
    *,
    return_credits: bool,
    actor: Actor,
    clock: Clock,
) -> None:
    """Revoke a reader's unlock of an article; a no-op if none is in force.

    Raises Problem(SUBSCRIBER_UNKNOWN).
    """
    if not await lock_subscriber(session, reader_id):
        raise Problem(SUBSCRIBER_UNKNOWN)
    if unlock := await unlock_in_force(session, reader_id, article_id):
        await revoke(session, unlock, return_credits=return_credits, actor=actor, at=clock.now())


async def revoke(
    session: AsyncSession, unlock: Unlock, *, return_credits: bool, actor: Actor, at: datetime
) -> None:
    """Revoke an unlock in force; the caller holds the subscriber's lock."""
    unlock.revoked_at = at
    unlock.credits_returned = return_credits
    session.add(unlock)
    if return_credits:
        await _return_credits(session, unlock, actor, at)
    await session.flush()


async def _return_credits(
    session: AsyncSession, unlock: Unlock, actor: Actor, at: datetime
) -> None:
    """Return to each grant what it paid, and write it off if the grant cannot be spent any more."""
    statement = (
        select(CreditGrant, UnlockPayment.amount)
        .join(UnlockPayment, col(UnlockPayment.grant_id) == CreditGrant.id)
        .where(UnlockPayment.unlock_id == unlock.id)
        .order_by(col(CreditGrant.id))
    )
    for grant, amount in (await session.exec(statement)).all():
        add_entry(
            session, grant, EntryKind.RESTORED, amount, actor=actor, at=at, unlock_id=unlock.id
        )
        if grant.voided_at is not None or is_expired(grant_balance(grant), at):
            write_off(session, grant, actor=actor, at=at)
