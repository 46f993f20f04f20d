"""The subscriber's row: the only lock on what a reader has.

The time and all that a verb decides from are read after the lock, in a second statement: read in
one statement with it, they would show the world before the wait.
"""

from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database import insert
from paywall.problems import SUBSCRIBER_UNKNOWN, Problem
from paywall.tables import Subscriber


async def lock_subscriber(session: AsyncSession, reader_id: str) -> bool:
    """Lock the reader's row until the transaction ends; False where nothing is on record."""
    statement = select(Subscriber.id).where(Subscriber.id == reader_id).with_for_update()
    return (await session.exec(statement)).first() is not None


async def lock_or_open_subscriber(session: AsyncSession, reader_id: str, now: datetime) -> None:
    """Lock the reader's row, made on the spot where this is the first thing on record."""
    opened = insert(session, Subscriber).values(id=reader_id, created_at=now)
    await session.exec(
        opened.on_conflict_do_update(
            index_elements=[col(Subscriber.id)], set_={"id": opened.excluded.id}
        )
    )


async def require_subscriber(session: AsyncSession, reader_id: str) -> None:
    """Raises Problem(SUBSCRIBER_UNKNOWN) for a reader with nothing on record; locks nothing."""
    statement = select(Subscriber.id).where(Subscriber.id == reader_id)
    if (await session.exec(statement)).first() is None:
        raise Problem(SUBSCRIBER_UNKNOWN)
