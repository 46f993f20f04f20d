"""Granting credits, and voiding a grant."""

from datetime import datetime
from typing import NamedTuple

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.clock import Clock
from paywall.credits.ledger import enter, give_up
from paywall.credits.locking import lock_or_open_subscriber, lock_subscriber
from paywall.database import insert
from paywall.problems import GRANT_UNKNOWN, REFERENCE_CONFLICT, SUBSCRIBER_UNKNOWN, Problem
from paywall.rules.words import Actor, EntryKind, GrantSource
from paywall.tables import CreditGrant

PRIORITY_DEFAULT = 100


class GrantTerms(NamedTuple):
    """What is granted: `amount` credits, burnt by `priority` (lower first)."""

    reader_id: str
    amount: int
    source: GrantSource
    reference: str
    expires_at: datetime | None = None
    priority: int = PRIORITY_DEFAULT
    purchase_id: int | None = None


async def grant_credits(
    session: AsyncSession, terms: GrantTerms, *, actor: Actor, clock: Clock
) -> tuple[CreditGrant, bool]:
    """Grant once for each source and reference; tells whether this call did it.

    Raises Problem(REFERENCE_CONFLICT) that names the fields in which an earlier grant of the same
    reference differs.
    """
    await lock_or_open_subscriber(session, terms.reader_id, clock.now())
    now = clock.now()
    grant = await _insert(session, terms, now)
    if grant is None:
        return await _granted_before(session, terms), False
    enter(session, grant, EntryKind.GRANTED, terms.amount, actor=actor, at=now)
    await session.flush()
    return grant, True


async def _insert(session: AsyncSession, terms: GrantTerms, now: datetime) -> CreditGrant | None:
    """Two readers may be granted the same reference at once, so the index decides who is first."""
    statement = (
        insert(session, CreditGrant)
        .values(**terms._asdict(), remaining=0, granted_at=now)
        .on_conflict_do_nothing(
            index_elements=[col(CreditGrant.source), col(CreditGrant.reference)]
        )
        .returning(CreditGrant)
    )
    return (await session.exec(statement)).scalars().first()


async def _granted_before(session: AsyncSession, terms: GrantTerms) -> CreditGrant:
    statement = select(CreditGrant).where(
        CreditGrant.source == terms.source, CreditGrant.reference == terms.reference
    )
    grant = (await session.exec(statement)).one()
    differing = [name for name, told in terms._asdict().items() if getattr(grant, name) != told]
    if differing:
        raise Problem(
            REFERENCE_CONFLICT,
            f"Reference {terms.reference!r} was granted before with another"
            f" {', '.join(differing)}: send the same fields, or choose a new reference.",
            fields=differing,
        )
    return grant


async def void_grant(
    session: AsyncSession, reader_id: str, grant_id: int, *, actor: Actor, clock: Clock
) -> CreditGrant:
    """Take back what is unspent of a grant, for good; voiding twice is voiding once."""
    if not await lock_subscriber(session, reader_id):
        raise Problem(SUBSCRIBER_UNKNOWN)
    now = clock.now()
    statement = select(CreditGrant).where(
        CreditGrant.id == grant_id, CreditGrant.reader_id == reader_id
    )
    grant = (await session.exec(statement)).first()
    if grant is None:
        raise Problem(GRANT_UNKNOWN)
    if grant.voided_at is None:
        give_up(session, grant, actor=actor, at=now)
        grant.voided_at = now
        session.add(grant)
    return grant
