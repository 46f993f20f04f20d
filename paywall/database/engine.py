"""reading() and writing(): the only places that open a transaction, and the only one that commits.

On PostgreSQL writing() begins and commits by its driver, past SQLAlchemy (`driver`).

PostgreSQL for any number of processes. SQLite for one: Python here links 3.40.1, and a WAL of
SQLite before 3.51.3 can be corrupted when two connections write or checkpoint at once
(https://www.sqlite.org/wal.html#walresetbug). So one connection writes, and an operating-system
lock keeps a second process from writing.
"""

import asyncio
import fcntl
import os
import time
import traceback
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from copy import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

import msgspec
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall import telemetry
from paywall.clock import Clock
from paywall.database.driver import (
    Rows,
    Statement,
    Values,
    give_out_only_what_is_free,
    send,
    send_alone,
    transaction,
    wrap_connection_errors,
)
from paywall.database.errors import CannotConnect, is_unavailable
from paywall.private_files import make_private_sqlite
from paywall.settings import Settings
from paywall.telemetry import logger

SQLITE_READERS = 4
SQLITE_CACHE_KIB = 32 * 1024
SQLITE_TIME = "%Y-%m-%d %H:%M:%S.%f"


class DatabaseInUse(Exception):  # noqa: N818 (a state of things, told to a person)
    """Another process has the SQLite database; the text says what to do."""


class _Cursor(Protocol):
    def execute(self, statement: str, /) -> object: ...
    def close(self) -> None: ...


class _DriverConnection(Protocol):
    isolation_level: str | None

    def cursor(self) -> _Cursor: ...


class Database:
    """The store of one process. `for_writing=False` opens it beside a running service."""

    def __init__(
        self, settings: Settings, clock: Clock | None = None, *, for_writing: bool = True
    ) -> None:
        self.clock = clock or Clock()
        self.is_sqlite = settings.is_sqlite
        self.dialect = "sqlite" if self.is_sqlite else "postgresql"
        self._discards_writes = False
        self._lock: _FileLock | None = None
        if self.is_sqlite:
            path = Path(settings.database.removeprefix("sqlite:///"))
            if for_writing:
                self._lock = _locked(path)
            self.readers = _sqlite_readers(path, settings)
            self.writer = _sqlite_writer(path, settings) if for_writing else self.readers
        else:
            self.writer = _postgres(settings)
            self.readers = self.writer.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )

    def discarding(self) -> Self:
        """The same database, for a HEAD request: every transaction ends with a rollback."""
        discarding = copy(self)
        discarding._discards_writes = True  # noqa: SLF001 (its own class)
        return discarding

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """One snapshot: every statement sees the database as the first one saw it."""
        async with AsyncSession(self.readers, expire_on_commit=False) as session:
            yield session

    async def glance(self, statement: Statement, values: Values) -> Rows:
        """One statement that is made once and reads: it needs no transaction for one snapshot."""
        if not self.is_sqlite:
            return await send_alone(self.writer, statement, values)
        async with AsyncSession(self.readers) as session:
            return await send(session, statement, values)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed at the end, or rolled back where anything was raised.

        An error of the database must not be swallowed within, but to a savepoint, and being cut off
        not turned into another error.
        """
        if self.is_sqlite:
            with _letting_go():
                async with (
                    AsyncSession(self.writer, expire_on_commit=False) as session,
                    session.begin(),
                ):
                    yield session
                    if self._discards_writes:
                        await session.rollback()
            return
        async with transaction(self.writer, discards_writes=self._discards_writes) as connection:
            session = AsyncSession(connection, expire_on_commit=False)
            try:
                yield session
                if session.in_transaction():
                    # What was added is written now; the transaction itself is the driver's.
                    await session.commit()
            finally:
                if session.in_transaction():
                    await session.close()

    @property
    def connections_in_use(self) -> int:
        pools = {self.writer.pool, self.readers.pool}
        return sum(pool.checkedout() for pool in pools if isinstance(pool, sa.QueuePool))

    async def measure_clock(self) -> None:
        if self.is_sqlite:
            asked = time.monotonic()
            self.clock.measured(datetime.now(UTC), asked, asked)
            return
        async with self.readers.connect() as connection:
            await connection.execute(sa.select(1))
            asked = time.monotonic()
            told = (await connection.execute(sa.select(sa.func.clock_timestamp()))).scalar_one()
            self.clock.measured(told, asked, time.monotonic())

    async def close(self) -> None:
        await self.readers.dispose()
        await self.writer.dispose()
        if self._lock is not None:
            self._lock.release()
            self._lock = None


def dialect_of(session: AsyncSession) -> str:
    """`sqlite` or `postgresql`; a statement that is large is made once for each, and kept."""
    return session.get_bind().dialect.name


def insert(session: AsyncSession, table: type[SQLModel]) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that can say ON CONFLICT, in the words of the session's database."""
    dialect = session.get_bind().dialect.name
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


class Each(NamedTuple):
    """Rows that a statement is asked about, given by one parameter: any number by one statement.

    JSON on both databases: asyncpg takes longer over one array than over a whole statement.
    """

    name: str
    """The parameter's, which takes what `rows_as_json` gives."""
    table: sa.FromClause
    columns: Mapping[str, sa.ColumnElement[Any]]
    """Each column's expression by its name, and the row's number from 0 as `key`."""
    keys: sa.ColumnElement[str]
    """The numbers of the rows that a condition leaves, as one text with commas."""
    knows_lateral: bool

    def has(self, row: sa.Select[Any]) -> sa.ColumnElement[bool]:
        """Whether there is such a row, looked up for each of these.

        For EXISTS PostgreSQL may rather read a table of some thousand rows as a whole.
        """
        if not self.knows_lateral:
            return row.exists()
        return row.limit(_bare("1")).scalar_subquery().is_not(None)

    def with_its(self, other: sa.Table, is_it: sa.ColumnElement[bool]) -> tuple[sa.FromClause, Any]:
        """Each row with the one of another table that is its own, or none; and that one's columns.

        PostgreSQL thinks that a hundred are asked, and would scan some thousand rows for them; a
        limit inside keeps it from that.
        """
        if not self.knows_lateral:
            return self.table.outerjoin(other, is_it), other.c
        found = sa.select(other).where(is_it).limit(_bare("1")).lateral("found")
        return self.table.outerjoin(found, sa.true()), found.c


def each(dialect: str, name: str, **types: sa.types.TypeEngine[Any]) -> Each:
    """A table of rows with columns of these types, in their order."""
    rows = sa.bindparam(name, type_=sa.Text)
    if dialect == "sqlite":
        key, value = sa.column("key", sa.Integer), sa.column("value", sa.Text)
        table = sa.func.json_each(rows).table_valued(key, value, name=name)
        columns: dict[str, sa.ColumnElement[Any]] = {
            column: sa.func.json_extract(table.c.value, _bare(f"'$[{place}]'"), type_=type_)
            for place, (column, type_) in enumerate(types.items())
        }
        keys = sa.func.group_concat(table.c.key, _bare("','"))
        return Each(name, table, {**columns, "key": table.c.key}, keys, knows_lateral=False)
    value = sa.column("value", postgresql.JSONB)
    json = sa.cast(rows, postgresql.JSONB)
    table = sa.func.jsonb_array_elements(json).table_valued(value, with_ordinality="number")
    table = table.render_derived(name=name)
    columns = {
        column: sa.cast(table.c.value.op("->>")(_bare(str(place))), type_)
        for place, (column, type_) in enumerate(types.items())
    }
    number = table.c.number - _bare("1")
    keys = sa.func.string_agg(sa.cast(number, sa.Text), _bare("','"))
    return Each(name, table, {**columns, "key": number}, keys, knows_lateral=True)


def as_kept(dialect: str, at: datetime) -> object:
    """A time as the driver takes it: as it is, or as the text that SQLite keeps."""
    return at.strftime(SQLITE_TIME) if dialect == "sqlite" else at


def as_told(text: str | None) -> datetime | None:
    """The time of a text that SQLite kept."""
    return datetime.fromisoformat(f"{text}+00:00") if text else None


def _bare(text: str) -> sa.ColumnElement[Any]:
    """A constant in the statement's own text, where a parameter would have to be sent."""
    return sa.literal_column(text)


def rows_as_json(rows: Sequence[Sequence[object]]) -> str:
    """What the parameter of `each` takes."""
    return msgspec.json.encode(rows).decode()


class _FileLock:
    """Held by the one process that may write to this SQLite file; ends with the process."""

    def __init__(self, database: Path) -> None:
        self._descriptor = os.open(f"{database}.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            raise DatabaseInUse(
                f"Another process is writing to {database}: SQLite takes one writer alone."
                " Stop that process first, or use PostgreSQL (database_url ="
                " postgresql://…), which takes any number."
            ) from error

    def release(self) -> None:
        os.close(self._descriptor)


def _locked(database: Path) -> _FileLock:
    """The lock of this SQLite file, in a folder that is made where there is none."""
    try:
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_private_sqlite(database)
        return _FileLock(database)
    except OSError as error:
        raise CannotConnect(f"{database} cannot be opened: {error.strerror}") from error


def _postgres(settings: Settings) -> AsyncEngine:
    timeout_ms = str(int(settings.request_timeout_seconds * 1000))
    url = make_url(settings.database).set(drivername="postgresql+asyncpg")
    connect_args: dict[str, Any] = {
        "server_settings": {
            "application_name": "paywall",
            "idle_in_transaction_session_timeout": "60000",
            "jit": "off",
            "lock_timeout": timeout_ms,
            "timezone": "UTC",
        },
        "timeout": settings.request_timeout_seconds,
    }
    if "sslmode" in url.query:
        connect_args["ssl"] = url.query["sslmode"]
        url = url.difference_update_query(["sslmode"])
    engine = create_async_engine(
        url,
        hide_parameters=True,
        connect_args=connect_args,
        # SQLAlchemy sends no BEGIN and no COMMIT: writing() does, by the driver.
        isolation_level="AUTOCOMMIT",
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=settings.request_timeout_seconds,
    )
    give_out_only_what_is_free(engine)
    wrap_connection_errors(engine)
    return engine


def _sqlite_writer(path: Path, settings: Settings) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        hide_parameters=True,
        poolclass=sa.AsyncAdaptedQueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=settings.request_timeout_seconds,
    )
    # What an erasure deletes must not be left in the file's free pages.
    _on_connect(
        engine,
        "journal_mode = wal",
        "synchronous = full",
        "busy_timeout = 2000",
        "secure_delete = on",
    )
    _on_begin(engine, "BEGIN IMMEDIATE")
    return engine


def _sqlite_readers(path: Path, settings: Settings) -> AsyncEngine:
    """Read-only connections: they can neither write nor checkpoint."""
    engine = create_async_engine(
        URL.create(
            "sqlite+aiosqlite", database=f"file:{path}", query={"mode": "ro", "uri": "true"}
        ),
        hide_parameters=True,
        poolclass=sa.AsyncAdaptedQueuePool,
        pool_size=SQLITE_READERS,
        max_overflow=0,
        pool_timeout=settings.request_timeout_seconds,
    )
    _on_connect(engine, "query_only = 1", "busy_timeout = 2000")
    _on_begin(engine, "BEGIN")
    return engine


def _on_connect(engine: AsyncEngine, *pragmas: str) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def connect(connection: _DriverConnection, _record: object) -> None:
        # Otherwise the driver would send a BEGIN of its own before each write, and none for reads.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (*pragmas, f"cache_size = -{SQLITE_CACHE_KIB}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()


def _on_begin(engine: AsyncEngine, statement: str) -> None:
    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(statement)


@contextmanager
def _letting_go() -> Iterator[None]:
    """Whoever is cut off keeps no cursor: SQLite's lock lasts for as long as there is one."""
    try:
        yield
    except asyncio.CancelledError as error:
        traceback.clear_frames(error.__traceback__)
        raise


async def keep_measuring(database: Database, every_seconds: float = 2) -> None:
    """Keep the process's clock near the database's; a gone database is tried again."""
    while True:
        await asyncio.sleep(every_seconds)
        telemetry.connections_are_in_use(database.connections_in_use)
        try:
            await database.measure_clock()
        except Exception as error:
            if not is_unavailable(error):
                logger.exception("the clock was not measured")
