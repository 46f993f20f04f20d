"""What the design promises of SQLite."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
import sqlalchemy as sa
from sqlalchemy import exc
from sqlmodel import delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.engine import Database
from paywall.database.sqlite import DatabaseInUse
from paywall.database.tables import Subscriber
from paywall.settings import Settings
from tests.conftest import PATIENT_SECONDS, START
from tests.database.rows import add, count


async def pragma(session: AsyncSession, name: str) -> object:
    connection = await session.connection()
    return (await connection.execute(sa.text(f"PRAGMA {name}"))).scalar()


@pytest.fixture(params=["sqlite"])
def database_kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
async def beside(database: Database, settings: Settings) -> AsyncIterator[Database]:
    """The database as another process opens it, such as `paywall audit`."""
    assert database.is_sqlite
    other = Database(settings, for_writing=False)
    yield other
    await other.close()


async def test_a_cancelled_writer_keeps_no_lock(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even while its error is referenced, as in a background task that skips a turn."""
    asks = aiosqlite.Connection._execute  # noqa: SLF001 (every call to the other thread)

    async def write() -> None:
        async with database.writing() as session:
            session.add(Subscriber(id="ann", created_at=START))
            await session.flush()
            await session.exec(select(Subscriber))

    async def cut_off_at(call: int) -> bool:
        calls = itertools.count(1)

        async def ask(connection: aiosqlite.Connection, *words: Any) -> Any:
            if next(calls) == call:
                writing.cancel()
            return await asks(connection, *words)  # type: ignore[no-untyped-call]  # aiosqlite's

        async def cut_off() -> None:
            try:
                await write()
            finally:
                monkeypatch.undo()
                await add(database, "bo")

        monkeypatch.setattr(aiosqlite.Connection, "_execute", ask)
        writing = asyncio.create_task(cut_off())
        await asyncio.wait([writing])
        return writing.cancelled()

    cut_off = 0
    while await cut_off_at(cut_off + 1):
        cut_off += 1
        async with database.writing() as session:
            await session.exec(delete(Subscriber))
    assert cut_off > 8


async def test_every_commit_reaches_the_disk(database: Database) -> None:
    async with database.writing() as session:
        assert await pragma(session, "synchronous") == 2
        assert await pragma(session, "journal_mode") == "wal"


async def test_a_second_writer_is_refused_and_referred_to_postgresql(
    database: Database, settings: Settings
) -> None:
    with pytest.raises(DatabaseInUse, match="PostgreSQL"):
        Database(settings)
    await database.close()
    await Database(settings).close()


async def test_a_command_reads_beside_the_service_and_cannot_write(
    database: Database, beside: Database
) -> None:
    await add(database, "ann")
    async with beside.reading() as session:
        assert await count(session) == 1
        assert await pragma(session, "query_only") == 1
    with pytest.raises(exc.OperationalError, match="readonly"):
        await add(beside, "bo")


async def test_reading_does_not_wait_for_a_writer(database: Database) -> None:
    async with database.writing() as writing:
        writing.add(Subscriber(id="ann", created_at=START))
        await writing.flush()
        async with asyncio.timeout(PATIENT_SECONDS), database.reading() as reading:
            assert await count(reading) == 0


async def test_writing_takes_its_turn_from_the_first_statement_on(
    database: Database, settings: Settings
) -> None:
    """BEGIN IMMEDIATE: a transaction blocks other writers even before it has written."""
    async with database.writing() as session:
        assert await count(session) == 0
        path = settings.database.removeprefix("sqlite:///")
        engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 0})
        with engine.connect() as other, pytest.raises(exc.OperationalError, match="locked"):
            other.exec_driver_sql("insert into subscriber values ('bo', '2026-01-01')")
        engine.dispose()


async def test_closing_a_reader_never_checkpoints(database: Database, settings: Settings) -> None:
    await add(database, "ann")
    wal = Path(settings.database.removeprefix("sqlite:///") + "-wal")
    before = wal.read_bytes()
    other = Database(settings, for_writing=False)
    async with other.reading() as session:
        assert await count(session) == 1
    await other.close()
    assert wal.read_bytes() == before
