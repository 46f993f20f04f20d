"""Which errors mean that the database is unavailable, and which are faults of ours."""

import asyncio
import errno
import sqlite3

import asyncpg
import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from paywall.database.engine import Database
from paywall.database.errors import CAUSES_MAX, is_unavailable
from paywall.database.tables import Subscriber
from tests.conftest import START, Bearer
from tests.database.rows import add
from tests.postgres import psql
from tests.test_story import put_article


def wrapped(error: BaseException, times: int) -> BaseException:
    """An error with this number of errors around it."""
    for _ in range(times):
        outer = RuntimeError("of the one before")
        outer.__cause__ = error
        error = outer
    return error


@pytest.mark.parametrize(
    "statement",
    [
        "select * from nothing",
        "select nothing",
        "selct",
        "insert into subscriber (id) values (null)",
    ],
)
async def test_a_wrong_statement_is_a_fault_of_ours(database: Database, statement: str) -> None:
    with pytest.raises(exc.DBAPIError) as refused:
        async with database.writing() as session:
            await (await session.connection()).execute(sa.text(statement))
    assert not is_unavailable(refused.value)


async def test_a_row_that_is_there_already_is_a_fault_of_ours(database: Database) -> None:
    await add(database, "ann")
    with pytest.raises(exc.IntegrityError) as refused:
        await add(database, "ann")
    assert not is_unavailable(refused.value)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_to_write_while_reading_is_a_fault_of_ours(database: Database) -> None:
    with pytest.raises(exc.OperationalError, match="readonly") as refused:
        async with database.reading() as session:
            session.add(Subscriber(id="ann", created_at=START))
            await session.flush()
    assert not is_unavailable(refused.value)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_a_misused_driver_is_a_fault_of_ours(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    with pytest.raises(asyncpg.DataError) as wrong_type:
        await connection.fetch("select $1::int", "one")
    at_once = await asyncio.gather(
        *(connection.fetch("select 1") for _ in range(2)), return_exceptions=True
    )
    (refused,) = (it for it in at_once if isinstance(it, asyncpg.InterfaceError))
    await connection.close()
    with pytest.raises(asyncpg.InterfaceError) as closed:
        await connection.fetch("select 1")
    assert [is_unavailable(it) for it in (wrong_type.value, refused, closed.value)] == [
        False,
        False,
        True,
    ]


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_a_write_to_a_standby_is_unavailable_and_not_a_fault_of_ours(
    database_url: str, database: Database
) -> None:
    name = database_url.rpartition("/")[2]
    psql(database_url, f"alter database {name} set default_transaction_read_only = on")
    with pytest.raises(exc.DBAPIError, match="read-only") as refused:
        await add(database, "ann")
    assert is_unavailable(refused.value)


@pytest.mark.parametrize("kind", [FileNotFoundError, PermissionError, IsADirectoryError, KeyError])
def test_a_file_that_is_missing_is_not_the_database(kind: type[Exception]) -> None:
    assert not is_unavailable(kind(errno.ENOENT, "no such file"))


def test_the_first_code_decides_and_not_that_of_its_cause() -> None:
    gone = asyncpg.ConnectionDoesNotExistError("gone")
    twice = asyncpg.UniqueViolationError("there already")
    twice.__cause__ = gone
    assert not is_unavailable(twice)
    gone.__cause__ = twice
    twice.__cause__ = None
    assert is_unavailable(gone)


def test_a_fault_of_ours_while_handling_an_unavailable_database_is_ours() -> None:
    fault = KeyError("ours")
    fault.__context__ = asyncpg.ConnectionDoesNotExistError("gone")
    assert not is_unavailable(fault)


def test_a_circle_of_causes_ends() -> None:
    first, second = RuntimeError("first"), RuntimeError("second")
    first.__cause__, second.__cause__ = second, first
    assert not is_unavailable(first)


@pytest.mark.parametrize(("times", "is_seen"), [(CAUSES_MAX - 1, True), (CAUSES_MAX, False)])
def test_a_bounded_number_of_causes_is_followed(times: int, *, is_seen: bool) -> None:
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    assert is_unavailable(wrapped(full, times)) is is_seen


def test_one_unavailable_member_of_a_group_is_enough() -> None:
    group = ExceptionGroup("both", [ValueError("ours"), ConnectionResetError("theirs")])
    assert is_unavailable(group)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_a_check_that_fails_by_a_fault_of_ours_is_a_500(
    service: httpx.AsyncClient, bearer: Bearer, database: Database
) -> None:
    """The next check is answered, on the same connection or another."""
    await put_article(service, bearer, "a1")
    question = {"article_id": "a1", "reader_id": "ann"}

    async def status() -> int:
        asked = await service.post("/v1/access/check", json=question, headers=bearer.site())
        return asked.status_code

    assert await status() == 200
    await _run(database, "alter table article rename to elsewhere")
    assert await status() == 500
    await _run(database, "alter table elsewhere rename to article")
    assert await status() == 200


async def _run(database: Database, statement: str) -> None:
    async with database.writing() as session:
        await (await session.connection()).execute(sa.text(statement))
