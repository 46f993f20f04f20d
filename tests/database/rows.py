"""Rows to write and count, and turns of the loop."""

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
    """Let everything in this loop go on that waits for nothing outside of it."""
    for _ in range(count):
        await asyncio.sleep(0)
