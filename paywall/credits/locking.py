"""The lock on the subscriber's row, which protects everything that belongs to a reader.

After locking, read the time and the state in a second statement: in the same statement, they would
come from a snapshot older than the lock.
"""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database import driver
from paywall.database.dialect import insert
from paywall.database.tables import Subscriber
from paywall.problems import SUBSCRIBER_UNKNOWN, Problem

# Built once and sent by the driver, because every unlock takes this lock.
LOCK_STATEMENT = (
    sa.select(col(Subscriber.id))
    .where(col(Subscriber.id) == sa.bindparam("reader_id"))
    .with_for_update()
)


async def lock_subscriber(session: AsyncSession, reader_id: str) -> bool:
    """Lock the reader's row until the transaction ends; False if there is none."""
    return bool(await driver.execute(session, LOCK_STATEMENT, {"reader_id": reader_id}))


async def lock_or_create_subscriber(session: AsyncSession, reader_id: str, now: datetime) -> None:
    """Lock the reader's row; create it first if it does not exist."""
    await lock_or_create_subscribers(session, [reader_id], now)


async def lock_or_create_subscribers(
    session: AsyncSession, reader_ids: Iterable[str], now: datetime
) -> None:
    """The same for many readers, in the order of their ids to avoid deadlocks."""
    opened = [{"id": reader_id, "created_at": now} for reader_id in sorted(set(reader_ids))]
    if not opened:
        return
    opening = insert(session, Subscriber)
    connection = await session.connection()
    await connection.execute(
        opening.on_conflict_do_update(
            index_elements=[col(Subscriber.id)], set_={"id": opening.excluded.id}
        ),
        opened,
    )


async def require_subscriber(session: AsyncSession, reader_id: str) -> None:
    """Raise Problem(SUBSCRIBER_UNKNOWN) if the reader has no row; takes no lock."""
    statement = select(Subscriber.id).where(Subscriber.id == reader_id)
    if (await session.exec(statement)).first() is None:
        raise Problem(SUBSCRIBER_UNKNOWN)
