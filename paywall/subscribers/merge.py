"""Merging two ids of the same person: everything moves to the id that stays.

Stored responses to an Idempotency-Key are not changed: they describe the state at that time. Ledger
entries keep their actor, so they can name the old id.
"""

import secrets
from datetime import datetime

from sqlalchemy.orm import aliased
from sqlmodel import SQLModel, col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.access.meter import merge_views
from paywall.clock import Clock
from paywall.credits.locking import lock_or_create_subscriber, lock_subscriber
from paywall.database.dialect import insert
from paywall.database.tables import (
    CancellationReceipt,
    Checkout,
    Clawback,
    ComplimentaryPeriod,
    CreditGrant,
    KhqrCode,
    LedgerEntry,
    Merge,
    MergedSequence,
    Purchase,
    StripeCustomer,
    Subscriber,
    SubscriberTotals,
    Subscription,
    Unlock,
    UnlockPayment,
    UnmatchedPayment,
    Withdrawal,
)
from paywall.database.tables.totals import COUNTED, Added, add_to_totals
from paywall.payments.checkouts import plans_to_close_before_merge
from paywall.problems import SUBSCRIBER_UNKNOWN, Problem, invalid, unavailable
from paywall.rules.enums import Actor, SubscriptionKind
from paywall.subscriptions.prepaid import recompute_prepaid
from paywall.unlocks.revoke import revoke

MOVED_TABLES: tuple[type[SQLModel], ...] = (
    CreditGrant,
    LedgerEntry,
    Unlock,
    UnlockPayment,
    Subscription,
    CancellationReceipt,
    Purchase,
    Clawback,
    StripeCustomer,
    Checkout,
    ComplimentaryPeriod,
    MergedSequence,
    Withdrawal,
    KhqrCode,
    UnmatchedPayment,
)


SEQUENCE_TABLES: tuple[type[Subscription | ComplimentaryPeriod | StripeCustomer], ...] = (
    Subscription,
    ComplimentaryPeriod,
    StripeCustomer,
)


async def merge_readers(
    session: AsyncSession, from_id: str, into_id: str, *, actor: Actor, clock: Clock
) -> None:
    """Move everything of one reader to another; nothing stays on record under the old id.

    Merging twice is a no-op. Raises Problem(SUBSCRIBER_UNKNOWN), and refuses to merge a reader with
    itself.
    """
    if from_id == into_id:
        raise invalid("into", "is the reader itself; send the other id of the same person")
    # In the order of their ids, so that concurrent merges do not deadlock.
    locked = [id_ for id_ in sorted((from_id, into_id)) if await lock_subscriber(session, id_)]
    if from_id not in locked:
        if await session.get(Merge, (from_id, into_id)):
            return
        raise Problem(SUBSCRIBER_UNKNOWN)
    await lock_or_create_subscriber(session, into_id, clock.now())
    now = clock.now()
    await _keep_older_unlocks(session, from_id, into_id, actor, now)
    await _keep_later_complimentary(session, from_id, into_id)
    await _refuse_open_plans(session, from_id, into_id)
    await _keep_sequence_apart(session, from_id, now)
    for table in MOVED_TABLES:
        owner = col(table.reader_id)  # type: ignore[attr-defined]  # every one of MOVED has it
        await session.exec(update(table).where(owner == from_id).values(reader_id=into_id))
    await _move_totals(session, from_id, into_id)
    await recompute_prepaid(session, into_id)
    await merge_views(session, from_id, into_id)
    await session.exec(delete(Subscriber).where(col(Subscriber.id) == from_id))
    remembered = insert(session, Merge).values(from_id=from_id, into_id=into_id)
    await session.exec(remembered.on_conflict_do_nothing())


async def _move_totals(session: AsyncSession, from_id: str, into_id: str) -> None:
    totals = await session.get(SubscriberTotals, from_id, populate_existing=True)
    if totals is not None:
        connection = await session.connection()
        added = Added(*(getattr(totals, name) for name in COUNTED))
        await connection.run_sync(add_to_totals, [(into_id, added)])
        await session.delete(totals)
        await session.flush()


async def _keep_older_unlocks(
    session: AsyncSession, from_id: str, into_id: str, actor: Actor, now: datetime
) -> None:
    """Of two unlocks of one article the older stays; the other's credits are returned."""
    one, other = aliased(Unlock), aliased(Unlock)
    statement = (
        select(one, other)
        .join(other, col(other.article_id) == col(one.article_id))
        .where(
            col(one.reader_id) == from_id,
            col(other.reader_id) == into_id,
            col(one.revoked_at).is_(None),
            col(other.revoked_at).is_(None),
        )
        .order_by(col(one.id))
    )
    for pair in (await session.exec(statement)).all():
        newer = max(pair, key=lambda unlock: (unlock.unlocked_at, unlock.id))
        await revoke(session, newer, return_credits=True, actor=actor, at=now)


async def _refuse_open_plans(session: AsyncSession, from_id: str, into_id: str) -> None:
    """The handler closed them before; raises Problem(UNAVAILABLE) if another was opened."""
    if await plans_to_close_before_merge(session, from_id, into_id):
        raise unavailable(
            "A checkout for a plan was opened, or a trial began, in the meantime: repeat the"
            " request."
        )


async def _keep_sequence_apart(session: AsyncSession, from_id: str, now: datetime) -> None:
    """Mark what the moved reader had until now: its prepaid time was used on its own.

    From now on it is used together with that of the other reader.
    """
    merged = MergedSequence(
        id=f"sequence_{secrets.token_hex(12)}", reader_id=from_id, merged_at=now
    )
    for table in SEQUENCE_TABLES:
        owner, sequence_id = col(table.reader_id), col(table.sequence_id)
        own = update(table).where(owner == from_id, sequence_id.is_(None))
        await session.exec(own.values(sequence_id=merged.id))
    earlier = update(MergedSequence).where(
        col(MergedSequence.reader_id) == from_id, col(MergedSequence.into_id).is_(None)
    )
    await session.exec(earlier.values(into_id=merged.id))
    session.add(merged)
    await session.flush()


async def _keep_later_complimentary(session: AsyncSession, from_id: str, into_id: str) -> None:
    """Of two complimentary subscriptions, the one with the later end stays."""
    statement = (
        select(Subscription)
        .where(
            col(Subscription.reader_id).in_([from_id, into_id]),
            col(Subscription.kind) == SubscriptionKind.COMPLIMENTARY,
        )
        .order_by(col(Subscription.entitled_until).desc(), col(Subscription.id))
    )
    for earlier in (await session.exec(statement)).all()[1:]:
        await session.delete(earlier)
    await session.flush()
