"""The ledger: every change to a grant is one entry, written together with the grant."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.rules.spending import Lot, Payment, spendable
from paywall.rules.words import Actor, EntryKind
from paywall.tables import CreditGrant, LedgerEntry, UnlockPayment


def enter(
    session: AsyncSession,
    grant: CreditGrant,
    kind: EntryKind,
    amount: int,
    *,
    actor: Actor,
    at: datetime,
    unlock_id: int | None = None,
) -> None:
    """Change what remains of a grant by `amount` credits (signed): the one place that does.

    The caller holds the subscriber's lock.
    """
    grant.remaining += amount
    session.add(grant)
    session.add(LedgerEntry(**_entry(grant, kind, amount, actor, at), unlock_id=unlock_id))


async def open_grants(
    session: AsyncSession, grants: Sequence[CreditGrant], *, actor: Actor, at: datetime
) -> None:
    """Enter new grants, of which all remains, as granted: one statement for any number."""
    if grants:
        entries = [_entry(grant, EntryKind.GRANTED, grant.amount, actor, at) for grant in grants]
        connection = await session.connection()
        await connection.execute(sa.insert(LedgerEntry), entries)


def _entry(
    grant: CreditGrant, kind: EntryKind, amount: int, actor: Actor, at: datetime
) -> dict[str, Any]:
    return {
        "reader_id": grant.reader_id,
        "grant_id": grant.id,
        "at": at,
        "kind": kind,
        "amount": amount,
        "actor_issuer": actor.issuer,
        "actor_subject": actor.subject,
        "actor_token_id": actor.token_id,
    }


async def spendable_grants(
    session: AsyncSession, reader_id: str, now: datetime, *, at_most: int
) -> Sequence[CreditGrant]:
    """Grants with something left, in burn order; to pay `n` credits the first `n` suffice."""
    statement = (
        select(CreditGrant)
        .where(
            CreditGrant.reader_id == reader_id,
            CreditGrant.remaining > 0,
            col(CreditGrant.expires_at).is_(None) | (col(CreditGrant.expires_at) > now),
        )
        .order_by(
            col(CreditGrant.priority),
            col(CreditGrant.expires_at).nulls_last(),
            col(CreditGrant.granted_at),
            col(CreditGrant.id),
        )
        .limit(at_most)
    )
    return (await session.exec(statement)).all()


def lot(grant: CreditGrant) -> Lot:
    """A grant as the rules see it."""
    return Lot(grant.id, grant.remaining, grant.priority, grant.expires_at, grant.granted_at)


def spend(
    session: AsyncSession,
    grants: Sequence[CreditGrant],
    payments: Sequence[Payment],
    *,
    unlock_id: int,
    actor: Actor,
    at: datetime,
) -> None:
    """Pay for an unlock: an entry and a payment for each grant touched."""
    by_id = {grant.id: grant for grant in grants}
    for payment in payments:
        grant = by_id[payment.grant_id]
        enter(
            session, grant, EntryKind.SPENT, -payment.amount,
            actor=actor, at=at, unlock_id=unlock_id,
        )  # fmt: skip
        session.add(
            UnlockPayment(
                unlock_id=unlock_id,
                grant_id=grant.id,
                reader_id=grant.reader_id,
                amount=payment.amount,
            )
        )


def give_up(session: AsyncSession, grant: CreditGrant, *, actor: Actor, at: datetime) -> None:
    """Enter what remains as voided, or as expired where it had expired before."""
    if grant.remaining > 0:
        kind = EntryKind.VOIDED if spendable(lot(grant), at) else EntryKind.EXPIRED
        enter(session, grant, kind, -grant.remaining, actor=actor, at=at)
