"""Reading is one snapshot and writing one transaction, on both databases."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import exc

from paywall.credits.locking import lock_or_create_subscriber, lock_subscriber
from paywall.database.engine import Database
from paywall.database.errors import is_unavailable
from paywall.database.tables import Subscriber
from tests.conftest import START
from tests.database.rows import add, count


async def test_reading_is_one_snapshot_and_the_next_sees_the_commit(
    database: Database,
) -> None:
    async with database.reading() as session:
        assert await count(session) == 0
        await add(database, "ann")
        assert await count(session) == 0
    async with database.reading() as session:
        assert await count(session) == 1


async def test_what_raises_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.writing() as session:
            session.add(Subscriber(id="ann", created_at=START))
            await session.flush()
            raise ZeroDivisionError
    async with database.reading() as session:
        assert await count(session) == 0
    await add(database, "bo")


async def test_a_request_past_its_deadline_leaves_nothing_behind(database: Database) -> None:
    held, release = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with database.writing() as session:
            await lock_or_create_subscriber(session, "ann", START)
            held.set()
            await release.wait()

    holder = asyncio.create_task(hold())
    await held.wait()
    with pytest.raises(Exception, match=r".*") as refused:
        async with asyncio.timeout(0.1), database.writing() as session:
            await lock_or_create_subscriber(session, "ann", START)
    assert is_unavailable(refused.value)
    release.set()
    await holder
    await add(database, "bo")
    async with database.reading() as session:
        assert await count(session) == 2


async def test_the_second_to_lock_reads_what_the_first_wrote(database: Database) -> None:
    await add(database, "ann")
    held, release = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with database.writing() as session:
            await lock_subscriber(session, "ann")
            held.set()
            await release.wait()
            session.add(Subscriber(id="bo", created_at=START))

    async def second() -> int:
        async with database.writing() as session:
            await lock_subscriber(session, "ann")
            return await count(session)

    task = asyncio.create_task(first())
    await held.wait()
    waiting = asyncio.create_task(second())
    await asyncio.sleep(0)
    release.set()
    assert await waiting == 2
    await task


async def test_nothing_can_be_written_while_reading(database: Database) -> None:
    with pytest.raises(exc.DBAPIError):
        async with database.reading() as session:
            session.add(Subscriber(id="ann", created_at=START))
            await session.flush()


async def test_times_come_back_aware_and_in_utc(database: Database) -> None:
    await add(database, "ann")
    async with database.reading() as session:
        subscriber = await session.get_one(Subscriber, "ann")
    assert subscriber.created_at == START
    assert subscriber.created_at.utcoffset() == datetime.now(UTC).utcoffset()
