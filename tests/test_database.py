"""The store: one snapshot to read, one transaction to write, and SQLite with one writer."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy import exc
from sqlmodel import func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall import driver as by_driver
from paywall.credits.locking import lock_or_open_subscriber, lock_subscriber
from paywall.database import Database, DatabaseInUse, is_unavailable
from paywall.settings import Settings
from paywall.tables import Subscriber
from tests.conftest import START


async def add(database: Database, reader_id: str) -> None:
    async with database.writing() as session:
        session.add(Subscriber(id=reader_id, created_at=START))


async def count(session: AsyncSession) -> int:
    return (await session.exec(select(func.count()).select_from(Subscriber))).one()


async def pragma(session: AsyncSession, name: str) -> object:
    connection = await session.connection()
    return (await connection.execute(sa.text(f"PRAGMA {name}"))).scalar()


async def test_reading_sees_one_moment_and_the_next_reading_sees_the_commit(
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
            await lock_or_open_subscriber(session, "ann", START)
            held.set()
            await release.wait()

    holder = asyncio.create_task(hold())
    await held.wait()
    with pytest.raises(Exception, match=r".*") as refused:
        async with asyncio.timeout(0.1), database.writing() as session:
            await lock_or_open_subscriber(session, "ann", START)
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


class TestPostgresql:
    """Its connections: what becomes of one that breaks, or that is left in the middle."""

    @pytest.fixture(params=["postgresql"])
    def database_kind(self, request: pytest.FixtureRequest) -> str:
        kind: str = request.param
        return kind

    @pytest.fixture
    async def operator(self, database_url: str) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(database_url)
        yield connection
        await connection.close()

    async def test_it_runs_with_its_default_durability(self, database: Database) -> None:
        async with database.writing() as session:
            connection = await session.connection()
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                assert (await connection.execute(sa.text(f"show {setting}"))).scalar() == "on"

    async def test_what_is_read_after_a_lock_is_what_is_there_then_whatever_its_default(
        self, database: Database, operator: asyncpg.Connection
    ) -> None:
        name = await operator.fetchval("select current_database()")
        await operator.execute(
            f"alter database {name} set default_transaction_isolation = 'repeatable read'"
        )
        async with database.writing() as session:
            await lock_subscriber(session, "ann")
            await operator.execute("insert into subscriber values ('bo', now())")
            assert await count(session) == 1

    async def test_a_connection_that_it_ended_is_not_given_out(
        self, database: Database, operator: asyncpg.Connection
    ) -> None:
        async with database.writing() as session:
            driver = await driver_of(session)
        ended = asyncio.Event()
        driver.add_termination_listener(lambda _: ended.set())
        await end(operator, driver)
        async with asyncio.timeout(5):
            await ended.wait()
        await add(database, "ann")
        async with database.reading() as session:
            assert await count(session) == 1

    @pytest.mark.parametrize("by_the_driver", [True, False])
    async def test_a_transaction_that_it_ends_is_lost_as_a_whole_and_may_be_tried_again(
        self, database: Database, operator: asyncpg.Connection, *, by_the_driver: bool
    ) -> None:
        with pytest.raises(Exception, match=r".*") as refused:
            async with database.writing() as session:
                await lock_or_open_subscriber(session, "ann", START)
                await end(operator, await driver_of(session))
                await (lock_subscriber(session, "ann") if by_the_driver else count(session))
        assert is_unavailable(refused.value)
        await add(database, "bo")
        assert await operator.fetch("select id from subscriber") == [("bo",)]

    async def test_whenever_a_request_is_cut_off_the_next_commit_is_a_commit(
        self, database: Database, operator: asyncpg.Connection
    ) -> None:
        for turns in range(0, 200, 4):
            cut_off = asyncio.create_task(add(database, "ann"))
            for _ in range(turns):
                await asyncio.sleep(0)
            cut_off.cancel()
            await asyncio.gather(cut_off, return_exceptions=True)
            await add(database, "bo")
            assert await operator.fetchval("delete from subscriber where id = 'bo' returning 1")
            await operator.execute("delete from subscriber")

    @pytest.mark.parametrize("is_writing", [True, False])
    async def test_a_request_that_is_cut_off_ends_though_the_database_hangs(
        self, database: Database, monkeypatch: pytest.MonkeyPatch, *, is_writing: bool
    ) -> None:
        monkeypatch.setattr(by_driver, "CLOSED_WITHIN_SECONDS", 0)
        async with database.writing() as session:
            driver = await driver_of(session)
        before = asyncio.all_tasks()
        with hanging(driver):
            work = add(database, "ann") if is_writing else database.glance(sa.select(1), {})
            cut_off = asyncio.create_task(work)
            await turns(20)
            cut_off.cancel()
            await turns(100)
            assert cut_off.cancelled()
            assert driver.is_closed()
            assert asyncio.all_tasks() == before
            assert database.connections_in_use == 0
            await add(database, "bo")

    async def test_a_request_that_is_cut_off_while_it_waits_lets_go_of_its_locks(
        self, database: Database, operator: asyncpg.Connection
    ) -> None:
        await add(database, "ann")
        await add(database, "bo")
        async with database.writing() as session:
            await lock_subscriber(session, "bo")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1), database.writing() as other:
                    await lock_subscriber(other, "ann")
                    await lock_subscriber(other, "bo")
            await operator.execute("set lock_timeout = '10s'")
            await operator.execute("select from subscriber where id = 'ann' for update")

    async def test_a_commit_that_the_database_made_a_rollback_is_told(
        self, database: Database
    ) -> None:
        with pytest.raises(RuntimeError, match="Nothing was committed"):
            async with database.writing() as session:
                await lock_or_open_subscriber(session, "ann", START)
                with suppress(exc.DBAPIError):
                    await fail(session)
        await add(database, "bo")
        async with database.reading() as session:
            assert await count(session) == 1

    async def test_what_is_undone_to_a_savepoint_does_not_undo_the_rest(
        self, database: Database
    ) -> None:
        async with database.writing() as session:
            await lock_or_open_subscriber(session, "ann", START)
            with suppress(exc.DBAPIError):
                async with session.begin_nested():
                    await fail(session)
        async with database.reading() as session:
            assert await count(session) == 1

    async def test_what_a_commit_refuses_is_told_as_what_a_statement_refuses(
        self, database: Database, operator: asyncpg.Connection
    ) -> None:
        await operator.execute(REFUSE_AT_COMMIT)
        with pytest.raises(exc.DBAPIError, match="not this one") as refused:
            await add(database, "ann")
        assert not is_unavailable(refused.value)
        await add(database, "bo")

    async def test_a_connection_that_was_left_in_a_transaction_is_not_given_out(
        self, database: Database
    ) -> None:
        left = await database.writer.raw_connection()
        driver = left.driver_connection
        assert isinstance(driver, asyncpg.Connection)
        await driver.execute("begin")
        left.close()
        await add(database, "ann")
        assert driver.is_closed()
        async with database.reading() as session:
            assert await count(session) == 1


REFUSE_AT_COMMIT = """
create function refuse() returns trigger language plpgsql as
    $$ begin raise check_violation using message = 'not this one'; end $$;
create constraint trigger refuses after insert on subscriber deferrable initially deferred
    for each row when (new.id = 'ann') execute function refuse();
"""


async def fail(session: AsyncSession) -> None:
    connection = await session.connection()
    await connection.execute(sa.text("select 1 / 0"))


async def turns(count: int) -> None:
    """Let everything in this loop go on that waits for nothing outside of it."""
    for _ in range(count):
        await asyncio.sleep(0)


@contextmanager
def hanging(driver: asyncpg.Connection) -> Iterator[None]:
    """The database keeps the connection, and answers nothing on it."""
    pid = driver.get_server_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def driver_of(session: AsyncSession) -> asyncpg.Connection:
    connection = await session.connection()
    return (await connection.get_raw_connection()).driver_connection


async def end(operator: asyncpg.Connection, driver: asyncpg.Connection) -> None:
    """As an operator ends a connection, or a failover does."""
    await operator.execute("select pg_terminate_backend($1)", driver.get_server_pid())


class TestSqlite:
    """Each sentence that the design says of SQLite."""

    @pytest.fixture(params=["sqlite"])
    def database_kind(self, request: pytest.FixtureRequest) -> str:
        kind: str = request.param
        return kind

    @pytest.fixture
    async def beside(self, database: Database, settings: Settings) -> AsyncIterator[Database]:
        """Another process's view, such as `paywall audit` beside the running service."""
        assert database.is_sqlite
        other = Database(settings, for_writing=False)
        yield other
        await other.close()

    async def test_every_commit_reaches_the_disk(self, database: Database) -> None:
        async with database.writing() as session:
            assert await pragma(session, "synchronous") == 2
            assert await pragma(session, "journal_mode") == "wal"

    async def test_a_second_writer_is_refused_with_a_sentence_that_names_postgresql(
        self, database: Database, settings: Settings
    ) -> None:
        with pytest.raises(DatabaseInUse, match="PostgreSQL"):
            Database(settings)
        await database.close()
        await Database(settings).close()

    async def test_a_command_reads_beside_the_service_and_cannot_write(
        self, database: Database, beside: Database
    ) -> None:
        await add(database, "ann")
        async with beside.reading() as session:
            assert await count(session) == 1
            assert await pragma(session, "query_only") == 1
        with pytest.raises(exc.OperationalError, match="readonly"):
            await add(beside, "bo")

    async def test_reading_does_not_wait_for_a_writer(self, database: Database) -> None:
        async with database.writing() as writing:
            writing.add(Subscriber(id="ann", created_at=START))
            await writing.flush()
            async with asyncio.timeout(1), database.reading() as reading:
                assert await count(reading) == 0

    async def test_writing_takes_its_turn_from_the_first_statement_on(
        self, database: Database, settings: Settings
    ) -> None:
        """BEGIN IMMEDIATE: a transaction that has only read already keeps others from writing."""
        async with database.writing() as session:
            assert await count(session) == 0
            path = settings.database.removeprefix("sqlite:///")
            engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 0})
            with engine.connect() as other, pytest.raises(exc.OperationalError, match="locked"):
                other.exec_driver_sql("insert into subscriber values ('bo', '2026-01-01')")
            engine.dispose()

    async def test_closing_a_reader_never_checkpoints(
        self, database: Database, settings: Settings
    ) -> None:
        await add(database, "ann")
        wal = Path(settings.database.removeprefix("sqlite:///") + "-wal")
        before = wal.read_bytes()
        other = Database(settings, for_writing=False)
        async with other.reading() as session:
            assert await count(session) == 1
        await other.close()
        assert wal.read_bytes() == before


async def test_times_come_back_aware_and_in_utc(database: Database) -> None:
    await add(database, "ann")
    async with database.reading() as session:
        subscriber = await session.get_one(Subscriber, "ann")
    assert subscriber.created_at == START
    assert subscriber.created_at.utcoffset() == datetime.now(UTC).utcoffset()
