"""PostgreSQL statements and transactions by asyncpg, on SQLAlchemy's connections.

The unlock, and the look at revoked tokens before every authenticated request, run here. Measured
in November 2026 by the bench's unlocks: with SQLAlchemy for all of it the service's processor time
for an unlock is 1.8 times as long (1.58 to 1.95 in 6 rounds); for the statements of the transaction
alone 1.6 times, for BEGIN, COMMIT and the pool alone 1.3 times, for the revoked tokens alone 1.16
times. See docs/decisions/driver-beside-sqlalchemy.md.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import lru_cache
from time import perf_counter
from typing import Any, NamedTuple

import asyncpg
import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall import telemetry

Rows = Sequence[Sequence[Any]]
Statement = sa.Select[*tuple[Any, ...]] | sa.Insert | sa.Update
Values = Mapping[str, object]
# Closing in time cancels the statement that runs. A connection that is only cut would leave
# PostgreSQL waiting for a lock, with the locks that it holds.
CLOSE_TIMEOUT_SECONDS = 0.25
# Every statement that comes here is a constant of the program, and there are far fewer.
COMPILED_MAX = 64


class _Compiled(NamedTuple):
    """A statement's text, and the names of its parameters in their order."""

    text: str
    order: Sequence[str]
    constants: Values


@asynccontextmanager
async def transaction(
    engine: AsyncEngine, *, begin: str, discards_writes: bool
) -> AsyncIterator[AsyncConnection]:
    """A transaction that asyncpg begins and ends: committed at the end, or rolled back.

    The engine's isolation level is AUTOCOMMIT, so a session on the connection works inside this
    transaction and cannot end it.

    Raises RuntimeError where nothing was committed because a database error was swallowed.
    """
    with _timing_the_pool():
        connection = await engine.connect()
    driver = _asyncpg_connection(connection)
    is_over = False
    try:
        await driver.execute(begin)
        try:
            yield connection
        except Exception:
            with suppress(Exception):
                await driver.execute("ROLLBACK")
                is_over = True
            raise
        if discards_writes:
            await driver.execute("ROLLBACK")
        else:
            await _commit(driver)
        is_over = True
    finally:
        try:
            if not is_over:
                await _abandon(connection, driver)
        finally:
            await connection.close()


async def execute(session: AsyncSession, statement: Statement, values: Values) -> Rows:
    """The rows of a statement in the session's transaction; the statement is compiled once.

    On PostgreSQL values come back as asyncpg's types: an enum is its value.
    """
    if isinstance(session.bind, AsyncConnection):
        return await _fetch(_asyncpg_connection(session.bind), statement, values)
    connection = await session.connection()
    result = await connection.execute(statement, values)
    return result.all() if result.returns_rows else ()


async def execute_autocommit(engine: AsyncEngine, statement: Statement, values: Values) -> Rows:
    """The same outside of a transaction."""
    with _timing_the_pool():
        connection = await engine.raw_connection()
    try:
        return await _fetch(connection.driver_connection, statement, values)
    except asyncio.CancelledError:
        connection.invalidate()
        raise
    finally:
        connection.close()


@contextmanager
def _timing_the_pool() -> Iterator[None]:
    """Also of a wait that ends without a connection, since those are the longest."""
    asked_at = perf_counter()
    try:
        yield
    finally:
        telemetry.observe_pool_wait(perf_counter() - asked_at)


async def _commit(driver: asyncpg.Connection) -> None:
    try:
        status = await driver.execute("COMMIT")
    except asyncpg.PostgresError as error:
        # As SQLAlchemy raises what a statement refuses, such as a deferred constraint.
        raise exc.DBAPIError("COMMIT", None, error, hide_parameters=True) from error
    if status != "COMMIT":
        raise RuntimeError(
            f"Nothing was committed, but {status}: an error of the database was swallowed before."
        )


async def _abandon(connection: AsyncConnection, driver: asyncpg.Connection) -> None:
    """Close a connection whose transaction is not over, so that nobody else gets it."""
    try:
        # Whatever it raises, asyncpg has closed the socket by then.
        with suppress(Exception):
            await driver.close(timeout=CLOSE_TIMEOUT_SECONDS)
    finally:
        await connection.invalidate()


async def _fetch(driver: asyncpg.Connection, statement: Statement, values: Values) -> Rows:
    compiled = _compile(statement)
    given = {**compiled.constants, **values}
    rows: Rows = await driver.fetch(compiled.text, *[given[name] for name in compiled.order])
    return rows


@lru_cache(COMPILED_MAX)
def _compile(statement: Statement) -> _Compiled:
    compiled = statement.compile(dialect=PGDialect_asyncpg())  # type: ignore[no-untyped-call]  # SQLAlchemy's own
    return _Compiled(str(compiled), compiled.positiontup or (), compiled.params)


def _asyncpg_connection(connection: AsyncConnection) -> asyncpg.Connection:
    held = connection.sync_connection
    if held is None:
        raise RuntimeError("the connection is not open yet")
    driver: asyncpg.Connection = held.connection.driver_connection
    return driver
