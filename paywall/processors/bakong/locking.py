"""Locking the reader whose code or payment it is, who may be merged or erased meanwhile."""

from typing import TypeVar

from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.credits.locking import lock_subscriber
from paywall.database.tables import KhqrCode, UnmatchedPayment
from paywall.problems import unavailable

TRIES_MAX = 20

RowT = TypeVar("RowT", KhqrCode, UnmatchedPayment)


async def lock_row(session: AsyncSession, table: type[RowT], row_id: str) -> RowT:
    """Lock the reader whose row this is, and return the row as it is under the lock."""
    for _ in range(TRIES_MAX):
        row = await session.get_one(table, row_id, populate_existing=True)
        reader_id = row.reader_id
        if await lock_subscriber(session, reader_id):
            await session.refresh(row)
            if row.reader_id == reader_id:
                return row
    raise unavailable("The reader was changed several times at once: repeat the request.")
