"""Writes and counts rows, and runs the event loop for some turns."""

import asyncio

from sqlmodel import func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.engine import Database
from paywall.database.tables import Subscriber
from tests.conftest import START


async def add(database: Database, reader_id: str) -> None:
    async with database.writing() as session:
        session.add(Subscriber(id=reader_id, created_at=START))


async def count(session: AsyncSession) -> int:
    return (await session.exec(select(func.count()).select_from(Subscriber))).one()


async def turns(count: int) -> None:
    """Let tasks run that wait for nothing outside of this event loop."""
    for _ in range(count):
        await asyncio.sleep(0)
