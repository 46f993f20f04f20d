"""The ledger: every change to a grant is one entry, written with the change."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.sqltypes import UTCDateTime

from paywall.database import driver
from paywall.database.dialect import dialect_of
from paywall.database.driver import Statement
from paywall.database.json_rows import encode_rows, json_rows
from paywall.database.tables import CreditGrant, LedgerEntry, Unlock, UnlockPayment
from paywall.database.tables.actor import ActorColumns, actor_values
from paywall.database.tables.totals import Added, add_to_totals, adding, of_entry
from paywall.rules.enums import Actor, EntryKind, UnlockSource
from paywall.rules.spending import GrantBalance, GrantDebit, spendable_credits

BALANCE_COLUMNS = ("id", "remaining", "priority", "expires_at", "granted_at")
BURN_ORDER = (
    col(CreditGrant.priority),
    col(CreditGrant.expires_at).nulls_last(),
    col(CreditGrant.granted_at),
    col(CreditGrant.id),
)


def add_entry(
    session: AsyncSession,
    grant: CreditGrant,
    kind: EntryKind,
    amount: int,
    *,
    actor: Actor,
    at: datetime,
    unlock_id: int | None = None,
) -> None:
    """Change the remaining credits of a grant by `amount` (signed) and add the entry.

    Every change except `spend` goes through here. The caller holds the subscriber's lock.
    """
    grant.remaining += amount
    session.add(grant)
    session.add(LedgerEntry(**_entry_values(grant, kind, amount, actor, at), unlock_id=unlock_id))


async def add_granted_entries(
    session: AsyncSession, grants: Sequence[CreditGrant], *, actor: Actor, at: datetime
) -> None:
    """Add the `granted` entries of new grants, in one statement for any number of grants."""
    if grants:
        entries = [
            _entry_values(grant, EntryKind.GRANTED, grant.amount, actor, at) for grant in grants
        ]
        connection = await session.connection()
        await connection.execute(sa.insert(LedgerEntry), entries)
        added = [(grant.reader_id, of_entry(grant.amount)) for grant in grants]
        await connection.run_sync(add_to_totals, added)


def _entry_values(
    grant: CreditGrant, kind: EntryKind, amount: int, actor: Actor, at: datetime
) -> dict[str, Any]:
    return {
        "reader_id": grant.reader_id,
        "grant_id": grant.id,
        "at": at,
        "kind": kind,
        "amount": amount,
        **actor_values(actor),
    }


async def spendable_grants(
    session: AsyncSession, reader_id: str, now: datetime, *, at_most: int
) -> Sequence[CreditGrant]:
    """Grants with credits that can be spent now, in burn order."""
    statement = select(CreditGrant).where(*_is_spendable(reader_id, now))
    return (await session.exec(statement.order_by(*BURN_ORDER).limit(at_most))).all()


@cache
def spendable_balances_query() -> sa.Select[*tuple[Any, ...]]:
    """The query for spendable grants as `GrantBalance` rows, in burn order.

    Each grant has at least one credit, so the first `n` rows suffice to pay `n` credits.
    """
    columns = [getattr(CreditGrant, name) for name in BALANCE_COLUMNS]
    now = sa.bindparam("now", type_=UTCDateTime())
    statement = sa.select(*columns).where(*_is_spendable(sa.bindparam("reader_id"), now))
    return statement.order_by(*BURN_ORDER).limit(sa.bindparam("at_most", type_=sa.Integer))


def spendable_balances_parameters(
    reader_id: str, now: datetime, *, at_most: int
) -> dict[str, object]:
    return {"reader_id": reader_id, "now": now, "at_most": at_most}


def _is_spendable(reader_id: Any, now: Any) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(CreditGrant.reader_id) == reader_id,
        # A constant, because a generic plan could not use the partial index.
        col(CreditGrant.remaining) > sa.literal_column("0"),
        col(CreditGrant.expires_at).is_(None) | (col(CreditGrant.expires_at) > now),
    )


def grant_balance(grant: CreditGrant) -> GrantBalance:
    """Convert a grant for the spending rules."""
    return GrantBalance(
        grant.id, grant.remaining, grant.priority, grant.expires_at, grant.granted_at
    )


async def spend(
    session: AsyncSession,
    reader_id: str,
    article_id: str,
    payments: Sequence[GrantDebit],
    *,
    actor: Actor,
    at: datetime,
) -> int:
    """Write a new unlock with its payments and entries, and debit the grants; returns its id.

    One statement on PostgreSQL, which can change several tables in one.
    """
    values: dict[str, object] = {
        "paid": encode_rows(payments),
        "reader_id": reader_id,
        "article_id": article_id,
        "at": at,
        **actor_values(actor),
        "subscriber_id": reader_id,
        **Added(len(payments), sum(payment.amount for payment in payments), unlocks=1)._asdict(),
    }
    opening, *paying = _spend_statements(dialect_of(session))
    ((unlock_id,),) = await driver.execute(session, opening, values)
    for statement in paying:
        await driver.execute(session, statement, {**values, "unlock_id": unlock_id})
    return int(unlock_id)


@cache
def _spend_statements(dialect: str) -> Sequence[Statement]:
    """The statements for an unlock and its payment; the first returns the unlock's id."""
    unlock: dict[str, sa.ColumnElement[Any]] = {
        "reader_id": sa.bindparam("reader_id", type_=sa.Text),
        "article_id": sa.bindparam("article_id", type_=sa.Text),
        "source": sa.literal_column(f"'{UnlockSource.CREDITS.value}'"),
        "unlocked_at": sa.bindparam("at", type_=UTCDateTime()),
    }
    opened = sa.insert(Unlock).from_select(list(unlock), sa.select(*unlock.values()))
    opened = opened.returning(col(Unlock.id))
    if dialect == "sqlite":
        unlock_id = sa.bindparam("unlock_id", type_=sa.Integer)
        return [opened, *_payment_statements(dialect, unlock_id)]
    new = opened.cte("opened")
    paying = _payment_statements(dialect, sa.select(new.c.id).scalar_subquery())
    return [sa.select(new.c.id).add_cte(*(statement.cte() for statement in paying))]


def _payment_statements(
    dialect: str, unlock_id: sa.ColumnElement[int]
) -> Sequence[sa.Insert | sa.Update]:
    """Debit each paying grant, add its entry and its payment, and update the control totals."""
    paid = json_rows(dialect, "paid", grant_id=sa.BigInteger(), amount=sa.BigInteger())
    grant_id, amount = paid.columns["grant_id"], paid.columns["amount"]
    entry: dict[str, sa.ColumnElement[Any]] = {
        "reader_id": sa.bindparam("reader_id", type_=sa.Text),
        "grant_id": grant_id,
        "unlock_id": unlock_id,
        "at": sa.bindparam("at", type_=UTCDateTime()),
        "kind": sa.literal_column(f"'{EntryKind.SPENT.value}'"),
        "amount": -amount,
        **{name: sa.bindparam(name, type_=sa.Text) for name in ActorColumns.model_fields},
    }
    payment = {name: entry[name] for name in ("unlock_id", "grant_id", "reader_id")}
    payment["amount"] = amount
    taken = sa.select(amount).where(grant_id == col(CreditGrant.id)).scalar_subquery()
    return [
        sa.update(CreditGrant)
        .where(col(CreditGrant.id).in_(sa.select(grant_id)))
        .values(remaining=col(CreditGrant.remaining) - taken),
        sa.insert(LedgerEntry).from_select(list(entry), sa.select(*entry.values())),
        sa.insert(UnlockPayment).from_select(list(payment), sa.select(*payment.values())),
        adding(dialect),
    ]


def write_off(session: AsyncSession, grant: CreditGrant, *, actor: Actor, at: datetime) -> None:
    """Add an entry that removes the remaining credits: `expired` if past expiry, else `voided`."""
    if grant.remaining > 0:
        kind = (
            EntryKind.VOIDED if spendable_credits(grant_balance(grant), at) else EntryKind.EXPIRED
        )
        add_entry(session, grant, kind, -grant.remaining, actor=actor, at=at)
