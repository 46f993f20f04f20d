"""PostgreSQL's own driver, past SQLAlchemy, on SQLAlchemy's connections.

For what a reader waits for at every click: SQLAlchemy takes several times as long over a statement,
and over a transaction, as the driver does.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import lru_cache
from typing import Any, NamedTuple

import asyncpg
import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi, PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.errors import CannotConnect

Rows = Sequence[Sequence[Any]]
Statement = sa.Select[*tuple[Any, ...]] | sa.Insert | sa.Update
Values = Mapping[str, object]
CLOSED_WITHIN_SECONDS = 0.25
"""Time for a database that answers to hear that what was cut off is to stop.

Cut without it, PostgreSQL would go on waiting for a lock, and keep those that it has.
"""
REFUSALS = (AsyncAdapt_asyncpg_dbapi.Error, asyncpg.InternalClientError, OSError)
"""What comes of a connection that cannot be made; OSError has time-outs and unknown names."""
MADE_MAX = 64
"""Statements that are kept as text. Those that are sent here are made once, and are far fewer."""


class _Made(NamedTuple):
    """A statement as the driver takes it: its text, and its parameters in their order."""

    text: str
    order: Sequence[str]
    constants: Values


@asynccontextmanager
async def transaction(
    engine: AsyncEngine, *, discards_writes: bool
) -> AsyncIterator[AsyncConnection]:
    """One transaction of the driver's: committed at the end, or rolled back.

    The engine's own isolation level is AUTOCOMMIT, so a session on the connection that it gives
    works in this transaction and ends nothing.

    Raises RuntimeError where nothing was committed, since an error of the database was swallowed.
    """
    connection = await engine.connect()
    driver = _driver_of(connection)
    is_over = False
    try:
        # Whatever the server's default is: what is read after a lock must be what is there then.
        await driver.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
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
                await _give_up(connection, driver)
        finally:
            await connection.close()


async def send(session: AsyncSession, statement: Statement, values: Values) -> Rows:
    """A statement that is made once, in the transaction of this session: the rows that it gives.

    By the driver itself, where the transaction is the driver's. Types are then the driver's, too:
    an enum is its value.
    """
    if isinstance(session.bind, AsyncConnection):
        return await _fetch(_driver_of(session.bind), statement, values)
    connection = await session.connection()
    result = await connection.execute(statement, values)
    return result.all() if result.returns_rows else ()


async def send_alone(engine: AsyncEngine, statement: Statement, values: Values) -> Rows:
    """The same outside of any transaction."""
    connection = await engine.raw_connection()
    try:
        return await _fetch(connection.driver_connection, statement, values)
    except asyncio.CancelledError:
        connection.invalidate()
        raise
    finally:
        connection.close()


def give_out_only_what_is_free(engine: AsyncEngine) -> None:
    """No connection that the database has closed, and none that is still in a transaction.

    The driver knows both at once; SQLAlchemy finds out by a failure, or not at all.
    """

    @event.listens_for(engine.sync_engine, "checkout")
    def checkout(
        _connection: object, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection
    ) -> None:
        driver: asyncpg.Connection = entry.driver_connection
        if driver.is_closed() or driver.is_in_transaction():
            raise exc.DisconnectionError


def wrap_connection_errors(engine: AsyncEngine) -> None:
    """Raise CannotConnect for everything that PostgreSQL and the network answer to a connection.

    Of the codes for it some mean a fault of a statement's anywhere else: 42501, 55000.
    """

    @event.listens_for(engine.sync_engine, "do_connect")
    def connect(
        dialect: sa.Dialect, _entry: object, arguments: Sequence[Any], named: dict[str, Any]
    ) -> object:
        try:
            return dialect.connect(*arguments, **named)
        except REFUSALS as error:
            raise CannotConnect(str(error)) from error


async def _commit(driver: asyncpg.Connection) -> None:
    try:
        said = await driver.execute("COMMIT")
    except asyncpg.PostgresError as error:
        # As SQLAlchemy tells what a statement refuses: callers need not know which of them did.
        raise exc.DBAPIError("COMMIT", None, error, hide_parameters=True) from error
    if said != "COMMIT":
        raise RuntimeError(
            f"Nothing was committed, but {said}: an error of the database was swallowed before."
        )


async def _give_up(connection: AsyncConnection, driver: asyncpg.Connection) -> None:
    """Nobody else must come into the transaction; what loses its connection is rolled back."""
    try:
        # Whatever it raises, the driver has cut the connection then.
        with suppress(Exception):
            await driver.close(timeout=CLOSED_WITHIN_SECONDS)
    finally:
        await connection.invalidate()


async def _fetch(driver: asyncpg.Connection, statement: Statement, values: Values) -> Rows:
    made = _made(statement)
    given = {**made.constants, **values}
    rows: Rows = await driver.fetch(made.text, *[given[name] for name in made.order])
    return rows


@lru_cache(MADE_MAX)
def _made(statement: Statement) -> _Made:
    compiled = statement.compile(dialect=PGDialect_asyncpg())  # type: ignore[no-untyped-call]  # SQLAlchemy's own
    return _Made(str(compiled), compiled.positiontup or (), compiled.params)


def _driver_of(connection: AsyncConnection) -> asyncpg.Connection:
    """Of a connection that was made."""
    held = connection.sync_connection
    if held is None:
        raise RuntimeError("the connection is yet to be made")
    driver: asyncpg.Connection = held.connection.driver_connection
    return driver
