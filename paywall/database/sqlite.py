"""SQLite: one connection that writes, a few that only read, and a lock against a second service.

Python here links SQLite 3.40.1, and before 3.51.3 a WAL can be corrupted when two connections
write or checkpoint at once (https://www.sqlite.org/wal.html#walresetbug).
"""

import asyncio
import fcntl
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from paywall.database.errors import CannotConnect
from paywall.private_files import make_private_sqlite

READERS = 4
CACHE_KIB = 32 * 1024
BUSY_TIMEOUT_MS = 2000


class DatabaseInUse(Exception):  # noqa: N818 (a state of things, told to a person)
    """Another process has the SQLite database; the message says what to do."""


class FileLock:
    """Held by the one process that may write to this file; the system releases it at its end."""

    def __init__(self, database: Path) -> None:
        self._descriptor = os.open(f"{database}.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            raise DatabaseInUse(
                f"Another process is writing to {database}: SQLite allows only one writer."
                " Stop that process first, or use PostgreSQL (database_url ="
                " postgresql://…), which takes any number."
            ) from error

    def release(self) -> None:
        os.close(self._descriptor)


def lock_file(database: Path) -> FileLock:
    """Lock the database, and create its folder and file with private modes where they are missing.

    Raises DatabaseInUse or CannotConnect.
    """
    try:
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_private_sqlite(database)
        return FileLock(database)
    except OSError as error:
        raise CannotConnect(f"{database} cannot be opened: {error.strerror}") from error


def create_writer(database: Path, pool_timeout_seconds: float) -> AsyncEngine:
    """The one connection that writes."""
    return _create(
        URL.create("sqlite+aiosqlite", database=str(database)),
        pool_timeout_seconds,
        size=1,
        begin="BEGIN IMMEDIATE",
        # `secure_delete`: deleted rows, such as an erased reader's, must not stay in free pages.
        pragmas=["journal_mode = wal", "synchronous = full", "secure_delete = on"],
    )


def create_readers(database: Path, pool_timeout_seconds: float) -> AsyncEngine:
    """Connections that can neither write nor checkpoint."""
    return _create(
        URL.create(
            "sqlite+aiosqlite", database=f"file:{database}", query={"mode": "ro", "uri": "true"}
        ),
        pool_timeout_seconds,
        size=READERS,
        begin="BEGIN",
        pragmas=["query_only = 1"],
    )


def _create(
    url: URL, pool_timeout_seconds: float, *, size: int, begin: str, pragmas: list[str]
) -> AsyncEngine:
    engine = create_async_engine(
        url,
        hide_parameters=True,
        poolclass=sa.AsyncAdaptedQueuePool,
        pool_size=size,
        max_overflow=0,
        pool_timeout=pool_timeout_seconds,
    )
    pragmas = [*pragmas, f"busy_timeout = {BUSY_TIMEOUT_MS}", f"cache_size = -{CACHE_KIB}"]

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: AsyncAdapt_aiosqlite_connection, _record: object) -> None:
        # Otherwise the driver would send a BEGIN of its own before each write, and none for reads.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def send_begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


@contextmanager
def release_cursors_on_cancellation() -> Iterator[None]:
    """SQLite keeps its lock while a cursor exists, and the frames of an error keep cursors."""
    try:
        yield
    except asyncio.CancelledError as error:
        traceback.clear_frames(error.__traceback__)
        raise
