"""The database of a process. Only its reading() and writing() open transactions.

PostgreSQL serves any number of processes, SQLite one.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from copy import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import sqlalchemy as sa
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall import telemetry
from paywall.clock import Clock
from paywall.database import driver, postgresql, sqlite
from paywall.database.connector import Connector
from paywall.database.driver import Rows, Statement, Values
from paywall.database.errors import is_unavailable
from paywall.settings import Settings
from paywall.tasks import cancel_tasks
from paywall.telemetry import logger

MEASURED = sa.select(sa.func.clock_timestamp(), sa.func.pg_is_in_recovery())


class Database:
    """The connections of one process; `for_writing=False` works beside a service on SQLite."""

    def __init__(
        self, settings: Settings, clock: Clock | None = None, *, for_writing: bool = True
    ) -> None:
        self.clock = clock or Clock()
        self.is_sqlite = settings.is_sqlite
        self.dialect = "sqlite" if self.is_sqlite else "postgresql"
        self.discards_writes = False
        self._lock: sqlite.FileLock | None = None
        self.connector: Connector | None = None
        self.timeout_seconds = settings.request_timeout_seconds
        if self.is_sqlite:
            path = Path(settings.database.removeprefix("sqlite:///"))
            if for_writing:
                self._lock = sqlite.lock_file(path)
            timeout_seconds = settings.request_timeout_seconds
            self.readers = sqlite.create_readers(path, timeout_seconds)
            self.writer = (
                sqlite.create_writer(path, timeout_seconds) if for_writing else self.readers
            )
        else:
            self.connector = Connector(settings)
            self._begin = postgresql.begin_statement(settings)
            self.writer = postgresql.create_engine(settings, self.connector)
            self.readers = self.writer

    def discarding(self) -> Self:
        """The same database, for HEAD requests and previews: transactions end with a rollback."""
        discarding = copy(self)
        discarding.discards_writes = True
        return discarding

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """One snapshot: every statement sees the same state of the database."""
        if self.is_sqlite:
            async with AsyncSession(self.readers, expire_on_commit=False) as session:
                yield session
            return
        # SQLAlchemy would wait for ever for the end of a transaction on a frozen server.
        async with driver.transaction(
            self.writer, begin=postgresql.BEGIN_READING, discards_writes=True
        ) as connection:
            session = AsyncSession(connection, expire_on_commit=False)
            try:
                yield session
            finally:
                await session.close()

    async def fetch_once(self, statement: Statement, values: Values) -> Rows:
        """The rows of one query, which is a snapshot without a transaction around it.

        The statement is compiled once per statement object: pass the same one each time.
        """
        if not self.is_sqlite:
            return await driver.execute_autocommit(self.writer, statement, values)
        async with AsyncSession(self.readers) as session:
            return await driver.execute(session, statement, values)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed at the end, or rolled back where anything was raised.

        Inside, roll database errors back to a savepoint or let them propagate, and do not turn a
        cancellation into another error.
        """
        if self.is_sqlite:
            with sqlite.release_cursors_on_cancellation():
                async with (
                    AsyncSession(self.writer, expire_on_commit=False) as session,
                    session.begin(),
                ):
                    yield session
                    if self.discards_writes:
                        await session.rollback()
            return
        async with driver.transaction(
            self.writer, begin=self._begin, discards_writes=self.discards_writes
        ) as connection:
            session = AsyncSession(connection, expire_on_commit=False)
            try:
                yield session
                if session.in_transaction():
                    # Flushes what was added. The transaction itself is the driver's.
                    await session.commit()
            finally:
                if session.in_transaction():
                    await session.close()

    @property
    def connections_in_use(self) -> int:
        return sum(pool.checkedout() for pool in self._pools())

    @property
    def connections_max(self) -> int:
        """The size of the pools, which never open more."""
        return sum(pool.size() for pool in self._pools())

    def _pools(self) -> Iterator[sa.QueuePool]:
        for pool in {self.writer.pool, self.readers.pool}:
            if isinstance(pool, sa.QueuePool):
                yield pool

    async def measure_clock(self) -> None:
        """Compare this process's clock with the database's, and notice that it is a standby now.

        A pooler keeps connections open while the server behind it changes its role.
        """
        if self.is_sqlite:
            asked_at = time.monotonic()
            self.clock.measured(datetime.now(UTC), asked_at, asked_at)
            return
        async with self.reading() as session:
            connection = await session.connection()
            asked_at = time.monotonic()
            result = await connection.execute(MEASURED)
            server_time, is_standby = result.one()
            self.clock.measured(server_time, asked_at, time.monotonic())
        if is_standby and self.connector is not None and self.connector.requires_primary:
            self.connector.forget_primary()

    async def close(self) -> None:
        await self.readers.dispose()
        await self.writer.dispose()
        if self._lock is not None:
            self._lock.release()
            self._lock = None


async def keep_measuring(database: Database, every_seconds: float = 2) -> None:
    """Follow the database's clock, also while the database is unavailable."""
    telemetry.set_database_reachable(database.dialect, is_reachable=True)
    while True:
        await asyncio.sleep(every_seconds)
        try:
            is_reachable = await _measure_or_reconnect(database)
        except Exception as error:
            is_reachable = False
            if not is_unavailable(error):
                logger.exception("the clock was not measured")
        telemetry.set_database_reachable(database.dialect, is_reachable=is_reachable)


async def _measure_or_reconnect(database: Database) -> bool:
    """Whether the clock was measured in time.

    A frozen server keeps its connections open: a new one shows where the primary is now.
    """
    measuring = asyncio.create_task(database.measure_clock())
    try:
        await asyncio.wait([measuring], timeout=database.timeout_seconds)
        if measuring.done():
            measuring.result()
        elif database.connector is not None:
            # Before the old connection is closed, because that waits for the server again.
            connection = await database.connector.connect({})
            connection.terminate()
        return measuring.done()
    finally:
        await cancel_tasks({measuring})
