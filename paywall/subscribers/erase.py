"""Erasing a reader: the reading history is deleted, payments stay under a random id.

Afterwards the reader's id is nowhere in the database:
- As subscriber and as actor, it is replaced by a random tombstone.
- In the references of the reader's own grants, purchases and refunds, it is replaced wherever it
  stands whole (`rules/tombstone`). References of other readers are not changed: they detect
  repeated payments, and contain a short id such as `7` by chance.
- Revocations of the reader's tokens are deleted: such tokens can only read an empty reader.
An id that was merged into the reader is erased too, unless it has been used anew.

Billing was ended before. The reader's customers, subscriptions and checkouts in Stripe are kept as
keyed hashes of their ids, so that late events are ignored. The ids of payments stay, because the
accounts need them.
"""

import secrets
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlmodel import SQLModel, case, col, delete, func, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.credits.locking import lock_or_create_subscriber
from paywall.database.columns import ID_LENGTH_MAX
from paywall.database.tables import (
    CancellationReceipt,
    Checkout,
    Clawback,
    ComplimentaryPeriod,
    CreditGrant,
    IdempotencyKey,
    KhqrCode,
    LedgerEntry,
    Merge,
    MergedSequence,
    MeteredViews,
    PolicyChange,
    Purchase,
    Refund,
    RevokedSubject,
    RevokedToken,
    StripeCustomer,
    Subscriber,
    SubscriberTotals,
    Subscription,
    Unlock,
    UnlockPayment,
    UnmatchedPayment,
    Withdrawal,
)
from paywall.rules.enums import SubscriptionKind
from paywall.rules.tombstone import replace_ids
from paywall.tokens.issuers import OWN_NAME

DELETED_TABLES: tuple[type[SQLModel], ...] = (
    UnlockPayment,
    Unlock,
    CancellationReceipt,
    IdempotencyKey,
    Checkout,
    StripeCustomer,
    ComplimentaryPeriod,
    MergedSequence,
)
KEPT_TABLES: tuple[type[SQLModel], ...] = (
    CreditGrant,
    LedgerEntry,
    Subscription,
    Purchase,
    Clawback,
    Withdrawal,
    KhqrCode,
    UnmatchedPayment,
)
ACTOR_TABLES: tuple[type[SQLModel], ...] = (
    LedgerEntry,
    Purchase,
    Refund,
    PolicyChange,
    UnmatchedPayment,
)


async def lock_ids_to_erase(session: AsyncSession, reader_id: str, now: datetime) -> list[str]:
    """Lock the reader, who may be unknown, and return all ids that are erased together.

    An unknown reader's row is created, so that nothing can be written for them concurrently.
    """
    await lock_or_create_subscriber(session, reader_id, now)
    return await ids_to_erase(session, reader_id)


async def erase_reader(
    session: AsyncSession, reader_id: str, ids: Collection[str], billing_ids: Collection[str]
) -> None:
    """Erase a reader permanently; the id can be used anew. Erasing an unknown reader is a no-op.

    The caller has locked `ids`, and each processor's data has been deleted. `billing_ids` are the
    processors' ids that references of the remaining rows can contain.
    """
    tombstones = {id_: _new_tombstone() for id_ in ids}
    await _delete(session, tombstones)
    replacements = tombstones | {id_: _new_tombstone() for id_ in billing_ids}
    await _replace_ids_in_references(session, reader_id, replacements)
    is_kept = await _rename(session, reader_id, tombstones[reader_id])
    await _rename_totals(session, reader_id, tombstones[reader_id] if is_kept else None)
    await _rename_actors(session, tombstones)
    row = col(Subscriber.id) == reader_id
    if is_kept:
        await session.exec(update(Subscriber).where(row).values(id=tombstones[reader_id]))
    else:
        await session.exec(delete(Subscriber).where(row))


def _new_tombstone() -> str:
    return f"erased_{secrets.token_hex(16)}"


async def ids_to_erase(session: AsyncSession, reader_id: str) -> list[str]:
    """The reader's id, and the ids merged into it that have not been used anew."""
    merged = await ids_merged_into(session, reader_id)
    statement = select(Subscriber.id).where(col(Subscriber.id).in_(merged))
    began_anew = set((await session.exec(statement)).all())
    return [reader_id, *(id_ for id_ in merged if id_ not in began_anew)]


async def ids_merged_into(session: AsyncSession, reader_id: str) -> list[str]:
    """Every id that was merged into this reader, directly or through another merge."""
    ids = [reader_id]
    for id_ in ids:  # which grows on the way
        merged = select(Merge.from_id).where(
            col(Merge.into_id) == id_, col(Merge.from_id).not_in(ids)
        )
        ids += (await session.exec(merged)).all()
    return ids[1:]


async def _delete(session: AsyncSession, ids: Collection[str]) -> None:
    for table in DELETED_TABLES:
        reader_id = col(table.reader_id)  # type: ignore[attr-defined]  # every one of them has it
        await session.exec(delete(table).where(reader_id.in_(ids)))
    await session.exec(
        delete(Subscription).where(
            col(Subscription.reader_id).in_(ids),
            col(Subscription.kind) == SubscriptionKind.COMPLIMENTARY,
        )
    )
    # A visitor id that equals the reader's id means the same person.
    await session.exec(delete(MeteredViews).where(col(MeteredViews.viewer_id).in_(ids)))
    await session.exec(
        delete(Merge).where(col(Merge.from_id).in_(ids) | col(Merge.into_id).in_(ids))
    )
    await session.exec(delete(RevokedSubject).where(col(RevokedSubject.subject).in_(ids)))
    for id_ in ids:
        await session.exec(delete(IdempotencyKey).where(_stored_responses_of(id_)))
        await session.exec(
            delete(RevokedToken).where(
                # Tokens minted by this service have random ids, which contain no reader's id.
                col(RevokedToken.issuer) != OWN_NAME,
                _contains(col(RevokedToken.token_id), id_),
            )
        )


def _stored_responses_of(id_: str) -> sa.ColumnElement[bool]:
    """Stored responses to the reader, or with the id in their path or content."""
    path = col(IdempotencyKey.route) + "/"
    quoted = msgspec.json.encode(id_).decode()
    return sa.or_(
        col(IdempotencyKey.caller_subject) == id_,
        _contains(path, f"/{id_}/"),
        _contains(col(IdempotencyKey.answer), quoted),
    )


def _contains(column: Any, text: str) -> sa.ColumnElement[bool]:
    """Case-sensitive, unlike LIKE on SQLite."""
    bears: sa.ColumnElement[bool] = func.replace(column, text, "") != column
    return bears


async def _replace_ids_in_references(
    session: AsyncSession, reader_id: str, tombstones: Mapping[str, str]
) -> None:
    mine = select(Purchase.id).where(Purchase.reader_id == reader_id)
    for statement in (
        select(CreditGrant).where(CreditGrant.reader_id == reader_id),
        select(Purchase).where(Purchase.reader_id == reader_id),
        select(Refund).where(col(Refund.purchase_id).in_(mine)),
    ):
        row: CreditGrant | Purchase | Refund
        for row in await session.exec(statement):
            inscribed = replace_ids(row.reference, tombstones, length_max=ID_LENGTH_MAX)
            row.reference = inscribed or _new_tombstone()
            session.add(row)
    await session.flush()


async def _rename(session: AsyncSession, reader_id: str, tombstone: str) -> bool:
    """The one permitted change to the ledger; returns whether there was anything to rename."""
    rows = 0
    for table in KEPT_TABLES:
        owner = col(table.reader_id)  # type: ignore[attr-defined]  # every one of KEPT has it
        renamed = update(table).where(owner == reader_id).values(reader_id=tombstone)
        rows += (await session.exec(renamed)).rowcount
    return rows > 0


async def _rename_totals(session: AsyncSession, reader_id: str, tombstone: str | None) -> None:
    """Keep the totals of the rows that are kept; delete them if none are."""
    row = col(SubscriberTotals.subscriber_id) == reader_id
    if tombstone is None:
        await session.exec(delete(SubscriberTotals).where(row))
        return
    left = select(func.count()).where(Subscription.reader_id == tombstone).scalar_subquery()
    renamed = update(SubscriberTotals).where(row)
    await session.exec(renamed.values(subscriber_id=tombstone, unlocks=0, subscriptions=left))


async def _rename_actors(session: AsyncSession, tombstones: Mapping[str, str]) -> None:
    """Replace the reader as actor, and the id within the token's id."""
    for table in ACTOR_TABLES:
        issuer, subject, token_id = (
            sa.inspect(table).columns[f"actor_{part}"] for part in ("issuer", "subject", "token_id")
        )
        for id_, tombstone in tombstones.items():
            renamed = update(table).where(subject == id_)
            new_token_id = case(
                (issuer == OWN_NAME, token_id), else_=func.replace(token_id, id_, tombstone)
            )
            await session.exec(renamed.values(actor_subject=tombstone, actor_token_id=new_token_id))
