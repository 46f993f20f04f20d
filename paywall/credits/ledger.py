"""The ledger: every change to a grant is one entry, written together with the grant."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.sqltypes import UTCDateTime

from paywall.database import Each, each, rows_as_json
from paywall.rules.spending import Lot, Payment, spendable
from paywall.rules.words import Actor, EntryKind
from paywall.tables import CreditGrant, LedgerEntry, Unlock, UnlockPayment

LOT_COLUMNS = ("id", "remaining", "priority", "expires_at", "granted_at")
BURN_ORDER = (
    col(CreditGrant.priority),
    col(CreditGrant.expires_at).nulls_last(),
    col(CreditGrant.granted_at),
    col(CreditGrant.id),
)


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
    """Change what remains of a grant by `amount` credits (signed); `spend` alone does so too.

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
    """Grants with something left, in burn order."""
    statement = select(CreditGrant).where(*_is_spendable(reader_id, now))
    return (await session.exec(statement.order_by(*BURN_ORDER).limit(at_most))).all()


def spendable_lots(reader_id: str, now: datetime, *, at_most: int) -> sa.Select[*tuple[Any, ...]]:
    """A statement for the same as the rules see it; to pay `n` credits the first `n` suffice."""
    columns = [getattr(CreditGrant, name) for name in LOT_COLUMNS]
    statement = sa.select(*columns).where(*_is_spendable(reader_id, now))
    return statement.order_by(*BURN_ORDER).limit(at_most)


def _is_spendable(reader_id: str, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(CreditGrant.reader_id) == reader_id,
        col(CreditGrant.remaining) > 0,
        col(CreditGrant.expires_at).is_(None) | (col(CreditGrant.expires_at) > now),
    )


def lot(grant: CreditGrant) -> Lot:
    """A grant as the rules see it."""
    return Lot(grant.id, grant.remaining, grant.priority, grant.expires_at, grant.granted_at)


async def spend(
    session: AsyncSession, unlock: Unlock, payments: Sequence[Payment], *, actor: Actor
) -> None:
    """Pay for a new unlock: the unlock, an entry and a payment for each grant, the grants' rest.

    One statement where the database knows how to change several tables by one. The unlock is
    given its id; it does not become the session's.
    """
    dialect = session.get_bind().dialect
    paid = each(dialect, "paid", grant_id=sa.BigInteger(), amount=sa.BigInteger())
    connection = await session.connection()
    rows = {paid.name: rows_as_json(payments)}
    opened = sa.insert(Unlock).values(
        reader_id=unlock.reader_id,
        article_id=unlock.article_id,
        source=unlock.source,
        unlocked_at=unlock.unlocked_at,
    )
    opened = opened.returning(col(Unlock.id))
    if dialect.name == "sqlite":
        unlock.id = (await connection.execute(opened)).scalar_one()
        for statement in _payment_of(unlock, sa.literal(unlock.id), paid, actor):
            await connection.execute(statement, rows)
        return
    new = opened.cte("opened")
    written = [
        statement.cte(f"written_{n}")
        for n, statement in enumerate(
            _payment_of(unlock, sa.select(new.c.id).scalar_subquery(), paid, actor)
        )
    ]
    unlock.id = (await connection.execute(sa.select(new.c.id).add_cte(*written), rows)).scalar_one()


def _payment_of(
    unlock: Unlock, unlock_id: sa.ColumnElement[int], paid: Each, actor: Actor
) -> Sequence[sa.Insert | sa.Update]:
    grant_id, amount = paid.columns["grant_id"], paid.columns["amount"]
    entry = {
        "reader_id": sa.literal(unlock.reader_id),
        "grant_id": grant_id,
        "unlock_id": unlock_id,
        "at": sa.literal(unlock.unlocked_at, UTCDateTime()),
        "kind": sa.literal(EntryKind.SPENT.value),
        "amount": -amount,
        "actor_issuer": sa.literal(actor.issuer),
        "actor_subject": sa.literal(actor.subject),
        "actor_token_id": sa.literal(actor.token_id),
    }
    payment = {
        "unlock_id": unlock_id,
        "grant_id": grant_id,
        "reader_id": sa.literal(unlock.reader_id),
        "amount": amount,
    }
    taken = sa.select(amount).where(grant_id == col(CreditGrant.id)).scalar_subquery()
    return [
        sa.update(CreditGrant)
        .where(col(CreditGrant.id).in_(sa.select(grant_id)))
        .values(remaining=col(CreditGrant.remaining) - taken),
        sa.insert(LedgerEntry).from_select(list(entry), sa.select(*entry.values())),
        sa.insert(UnlockPayment).from_select(list(payment), sa.select(*payment.values())),
    ]


def give_up(session: AsyncSession, grant: CreditGrant, *, actor: Actor, at: datetime) -> None:
    """Enter what remains as voided, or as expired where it had expired before."""
    if grant.remaining > 0:
        kind = EntryKind.VOIDED if spendable(lot(grant), at) else EntryKind.EXPIRED
        enter(session, grant, kind, -grant.remaining, actor=actor, at=at)
