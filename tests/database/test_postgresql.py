"""PostgreSQL connections that break, or are left in the middle of a transaction."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy import exc
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.credits.locking import lock_or_create_subscriber, lock_subscriber
from paywall.database import driver as by_driver
from paywall.database.engine import Database
from paywall.database.errors import is_unavailable
from tests.conftest import START
from tests.database.rows import add, count, turns

REFUSE_AT_COMMIT = """
create function refuse() returns trigger language plpgsql as
    $$ begin raise check_violation using message = 'not this one'; end $$;
create constraint trigger refuses after insert on subscriber deferrable initially deferred
    for each row when (new.id = 'ann') execute function refuse();
"""


async def fail(session: AsyncSession) -> None:
    connection = await session.connection()
    await connection.execute(sa.text("select 1 / 0"))


@contextmanager
def hanging(driver: asyncpg.Connection) -> Iterator[None]:
    """The server keeps the connection open and does not respond on it."""
    pid = driver.get_server_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def driver_of(session: AsyncSession) -> asyncpg.Connection:
    connection = await session.connection()
    return (await connection.get_raw_connection()).driver_connection


async def terminate(operator: asyncpg.Connection, driver: asyncpg.Connection) -> None:
    """End a connection as an operator or a failover does."""
    await operator.execute("select pg_terminate_backend($1)", driver.get_server_pid())


@pytest.fixture(params=["postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
async def operator(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def test_it_runs_with_its_default_durability(database: Database) -> None:
    async with database.writing() as session:
        connection = await session.connection()
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert (await connection.execute(sa.text(f"show {setting}"))).scalar() == "on"


async def test_reads_after_a_lock_see_the_latest_rows_at_any_default_isolation(
    database: Database, operator: asyncpg.Connection
) -> None:
    name = await operator.fetchval("select current_database()")
    await operator.execute(
        f"alter database {name} set default_transaction_isolation = 'repeatable read'"
    )
    async with database.writing() as session:
        await lock_subscriber(session, "ann")
        await operator.execute("insert into subscriber values ('bo', now())")
        assert await count(session) == 1


async def test_a_connection_that_the_server_ended_is_not_used_again(
    database: Database, operator: asyncpg.Connection
) -> None:
    async with database.writing() as session:
        driver = await driver_of(session)
    ended = asyncio.Event()
    driver.add_termination_listener(lambda _: ended.set())
    await terminate(operator, driver)
    async with asyncio.timeout(5):
        await ended.wait()
    await add(database, "ann")
    async with database.reading() as session:
        assert await count(session) == 1


@pytest.mark.parametrize("by_the_driver", [True, False])
async def test_a_transaction_that_the_server_aborts_is_lost_as_a_whole(
    database: Database, operator: asyncpg.Connection, *, by_the_driver: bool
) -> None:
    with pytest.raises(Exception, match=r".*") as refused:
        async with database.writing() as session:
            await lock_or_create_subscriber(session, "ann", START)
            await terminate(operator, await driver_of(session))
            await (lock_subscriber(session, "ann") if by_the_driver else count(session))
    assert is_unavailable(refused.value)
    await add(database, "bo")
    assert await operator.fetch("select id from subscriber") == [("bo",)]


async def test_after_a_cancellation_at_any_point_the_next_commit_is_kept(
    database: Database, operator: asyncpg.Connection
) -> None:
    for later in range(0, 200, 4):
        cut_off = asyncio.create_task(add(database, "ann"))
        await turns(later)
        cut_off.cancel()
        await asyncio.gather(cut_off, return_exceptions=True)
        await add(database, "bo")
        assert await operator.fetchval("delete from subscriber where id = 'bo' returning 1")
        await operator.execute("delete from subscriber")


@pytest.mark.parametrize("is_writing", [True, False])
async def test_a_cancelled_request_ends_though_the_database_hangs(
    database: Database, monkeypatch: pytest.MonkeyPatch, *, is_writing: bool
) -> None:
    monkeypatch.setattr(by_driver, "CLOSE_TIMEOUT_SECONDS", 0)
    async with database.writing() as session:
        driver = await driver_of(session)
    before = asyncio.all_tasks()
    with hanging(driver):
        work = add(database, "ann") if is_writing else database.fetch_once(sa.select(1), {})
        cut_off = asyncio.create_task(work)
        await turns(20)
        cut_off.cancel()
        await turns(100)
        assert cut_off.cancelled()
        assert driver.is_closed()
        assert asyncio.all_tasks() == before
        assert database.connections_in_use == 0
        await add(database, "bo")


async def test_reading_that_is_cancelled_ends_though_the_database_hangs(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_driver, "CLOSE_TIMEOUT_SECONDS", 0)
    is_read = asyncio.Event()

    async def read() -> None:
        async with database.reading() as session:
            await count(session)
            is_read.set()
            await asyncio.Event().wait()

    async with database.writing() as session:
        driver = await driver_of(session)
    reading = asyncio.create_task(read())
    await is_read.wait()
    with hanging(driver):
        reading.cancel()
        await turns(100)
        assert reading.cancelled()
        assert database.connections_in_use == 0


async def test_a_request_cancelled_while_waiting_releases_its_locks(
    database: Database, operator: asyncpg.Connection
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


async def test_a_commit_that_ends_as_a_rollback_raises(database: Database) -> None:
    with pytest.raises(RuntimeError, match="Nothing was committed"):
        async with database.writing() as session:
            await lock_or_create_subscriber(session, "ann", START)
            with suppress(exc.DBAPIError):
                await fail(session)
    await add(database, "bo")
    async with database.reading() as session:
        assert await count(session) == 1


async def test_a_rollback_to_a_savepoint_keeps_the_rest(database: Database) -> None:
    async with database.writing() as session:
        await lock_or_create_subscriber(session, "ann", START)
        with suppress(exc.DBAPIError):
            async with session.begin_nested():
                await fail(session)
    async with database.reading() as session:
        assert await count(session) == 1


async def test_a_refused_commit_raises_like_a_refused_statement(
    database: Database, operator: asyncpg.Connection
) -> None:
    await operator.execute(REFUSE_AT_COMMIT)
    with pytest.raises(exc.DBAPIError, match="not this one") as refused:
        await add(database, "ann")
    assert not is_unavailable(refused.value)
    await add(database, "bo")


async def test_a_connection_left_in_a_transaction_is_not_used_again(
    database: Database,
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
