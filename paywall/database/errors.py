"""Which errors mean that the database is unavailable, so that the same request may succeed later.

All other errors are faults of this service.
"""

import errno
import socket
import sqlite3
from collections.abc import Iterator, Mapping
from itertools import islice

import asyncpg
from asyncpg.exceptions import TargetServerAttributeNotMatched
from sqlalchemy import exc

# Bounds a circle of causes.
CAUSES_MAX = 32
# Mask of the primary code within SQLite's extended result codes.
PRIMARY_CODE = 0xFF
FEATURE_NOT_SUPPORTED = "0A000"
LOCK_NOT_AVAILABLE = "55P03"

START_IT = "Start the database, or correct database_url."
TRY_AGAIN = "Try again."
STANDBY = "The database is a standby. Let database_url lead to the primary."

# Classes and codes of PostgreSQL 18, Appendix A: the cause, and what to do. Left out are faults of
# our own statements (22, 23, 25001, 25P02, 42, P0), limits of one statement (54), damage (XX001),
# and 55000, which means "unavailable" only while connecting.
SQLSTATES: Mapping[str, str] = {
    "08": f"The connection was lost. {START_IT}",
    "25006": STANDBY,
    "25P03": f"The database ended a transaction that was idle for too long. {TRY_AGAIN}",
    "25P04": f"The database ended a transaction that took too long. {TRY_AGAIN}",
    "28": "The database refuses the role. Correct the password in database_url.",
    "3D": "The database does not exist. Create it, or correct database_url.",
    "40001": f"Another transaction was in the way. {TRY_AGAIN}",
    "40003": f"The connection was lost during a statement. {TRY_AGAIN}",
    "40P01": f"Two transactions waited for each other. {TRY_AGAIN}",
    "53": "The database is out of connections, disk space or memory. Give it more.",
    "55P03": f"Another transaction held a lock for too long. {TRY_AGAIN}",
    "57": f"The database is stopping or starting, or its operator ended the work. {START_IT}",
    "58": "The database's disk or operating system failed. Read its log.",
}
# SQLite's primary result codes (https://www.sqlite.org/rescode.html).
SQLITE_CODES: Mapping[int, str] = {
    sqlite3.SQLITE_BUSY: "Another process holds the database. Stop that process.",
    sqlite3.SQLITE_LOCKED: f"Another transaction holds the database. {TRY_AGAIN}",
    sqlite3.SQLITE_NOMEM: "The process is out of memory. Give it more.",
    sqlite3.SQLITE_IOERR: "The disk cannot be read or written. Look at the system's log.",
    sqlite3.SQLITE_FULL: "The disk is full. Free some space.",
    sqlite3.SQLITE_CANTOPEN: "It cannot be opened. Let the service read and write its folder.",
    sqlite3.SQLITE_PROTOCOL: f"Another process holds the database. {TRY_AGAIN}",
}
SYSTEM_ERRORS: Mapping[int, str] = {
    errno.ENOSPC: SQLITE_CODES[sqlite3.SQLITE_FULL],
    errno.EDQUOT: SQLITE_CODES[sqlite3.SQLITE_FULL],
    errno.EFBIG: "The file has reached the size that the system allows. Raise that limit.",
    errno.EIO: SQLITE_CODES[sqlite3.SQLITE_IOERR],
    errno.EMFILE: "The process has too many open files. Raise the limit of open files.",
    errno.ENFILE: "The system has too many open files. Raise the limit of open files.",
    errno.ENOBUFS: "The system is out of memory for connections. Give it more.",
    errno.ENOMEM: SQLITE_CODES[sqlite3.SQLITE_NOMEM],
    errno.EADDRNOTAVAIL: "The system has no free port. Lower the number of connections.",
    errno.EHOSTDOWN: START_IT,
    errno.EHOSTUNREACH: START_IT,
    errno.ENETDOWN: START_IT,
    errno.ENETUNREACH: START_IT,
}


class CannotConnect(Exception):  # noqa: N818 (a state of things, told to a person)
    """A connection to the database could not be opened, for any reason."""


class BackupError(Exception):
    """A backup cannot be made or restored; the message names the reason and what to do."""


def is_unavailable(error: BaseException) -> bool:
    """Whether the database is down, full or busy, so that a retry can succeed."""
    return why_unavailable(error) is not None


def is_lock_timeout(error: BaseException) -> bool:
    """Whether a statement gave up waiting for a lock of PostgreSQL."""
    codes = {_code_of(cause) for cause in islice(_causes(error), CAUSES_MAX)}
    return LOCK_NOT_AVAILABLE in codes


def why_unavailable(error: BaseException) -> str | None:
    """The reason and what to do, in a sentence; None for any other error.

    Of the error and its causes, the first with a code of the database or the system decides. What
    was being handled when an error was raised (`__context__`) does not: an error of our own code
    there is a fault of ours.
    """
    is_refused = False
    for cause in islice(_causes(error), CAUSES_MAX):
        is_refused |= isinstance(cause, CannotConnect)
        if why := _by_type(cause) or _by_code(cause):
            return why
        if _code_of(cause) is not None:
            break
    return START_IT if is_refused else None


def first_line(error: BaseException) -> str:
    """The message without the statement that SQLAlchemy appends."""
    return str(error).partition("\n")[0]


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what led to it; of a group, also its members."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for member in error.exceptions:
                yield from _causes(member)
        error = error.__cause__


def _by_type(error: BaseException) -> str | None:
    match error:
        case ConnectionError() | socket.gaierror():
            return START_IT
        case TimeoutError():
            return f"The database does not answer in time. {START_IT}"
        case exc.TimeoutError():
            return "All connections have been in use for too long. Raise database_pool_size."
        case TargetServerAttributeNotMatched():
            return STANDBY
        # asyncpg's own state is wrong after a connection was ended between two statements.
        case exc.DBAPIError(connection_invalidated=True) | asyncpg.InternalClientError():
            return SQLSTATES["08"]
        case asyncpg.InterfaceError() if "closed" in str(error):
            return SQLSTATES["08"]
        case asyncpg.InvalidCachedStatementError():
            return f"The tables were changed meanwhile. {TRY_AGAIN}"
        case _:
            return None


def _by_code(error: BaseException) -> str | None:
    match _code_of(error):
        case str(sqlstate):
            return next((why for code, why in SQLSTATES.items() if sqlstate.startswith(code)), None)
        case int(code) if isinstance(error, OSError):
            return SYSTEM_ERRORS.get(code)
        case int(code):
            return SQLITE_CODES.get(code & PRIMARY_CODE)
        case None:
            return None


def _code_of(error: BaseException) -> str | int | None:
    """The code that PostgreSQL, SQLite or the system gave."""
    if isinstance(error, OSError):
        return error.errno
    code: str | int | None = getattr(error, "sqlite_errorcode", None)
    sqlstate: str | None = getattr(error, "sqlstate", None)
    # asyncpg's type is more precise for a cached plan that is no longer valid.
    return code if sqlstate is None else sqlstate if sqlstate != FEATURE_NOT_SUPPORTED else None
