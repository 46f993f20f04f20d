"""Which errors mean that the database cannot be used now, so that the same may succeed later.

All others are faults of this service, and are answered as such.
"""

import errno
import socket
import sqlite3
from collections.abc import Iterator, Mapping

import asyncpg
from sqlalchemy import exc

CAUSES_MAX = 32
"""Errors that are followed from one to its cause, so that a circle comes to an end."""
PRIMARY_CODE = 0xFF
"""The part of SQLite's extended result codes that is the primary code."""
FEATURE_NOT_SUPPORTED = "0A000"

START_IT = "Start the database, or correct database_url."
TRY_AGAIN = "Try again."

SQLSTATES: Mapping[str, str] = {
    "08": f"The connection was lost. {START_IT}",
    "25006": "The database is a standby. Let database_url lead to the primary.",
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
"""Classes and codes of PostgreSQL 18, Appendix A: the cause, and what to do.

Not among them: what our own statements may get wrong (22, 23, 25001, 25P02, 42, P0), limits of one
statement (54), damage (XX001), and 55000 but for the refusal to connect.
"""
SQLITE_CODES: Mapping[int, str] = {
    sqlite3.SQLITE_BUSY: "Another process holds the database. Stop that process.",
    sqlite3.SQLITE_LOCKED: f"Another transaction holds the database. {TRY_AGAIN}",
    sqlite3.SQLITE_NOMEM: "The process is out of memory. Give it more.",
    sqlite3.SQLITE_IOERR: "The disk cannot be read or written. Look at the system's log.",
    sqlite3.SQLITE_FULL: "The disk is full. Free some space.",
    sqlite3.SQLITE_CANTOPEN: "It cannot be opened. Let the service read and write its folder.",
    sqlite3.SQLITE_PROTOCOL: f"Another process holds the database. {TRY_AGAIN}",
}
"""SQLite's primary result codes (https://www.sqlite.org/rescode.html)."""
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
    """The database refused a connection, for whatever reason."""


def is_unavailable(error: BaseException) -> bool:
    """The database is gone, full or busy: the question can be asked again later."""
    return why_unavailable(error) is not None


def why_unavailable(error: BaseException) -> str | None:
    """The cause and what to do, in a sentence; None where it is no such error.

    The first of the errors that lead to one another decides, of those that the database or the
    system gave a code.
    """
    is_refused = False
    for cause in _causes(error):
        is_refused |= isinstance(cause, CannotConnect)
        if why := _by_type(cause) or _by_code(cause):
            return why
        if _code_of(cause) is not None:
            break
    return START_IT if is_refused else None


def first_line(error: BaseException) -> str:
    """The message, without the statement and the values that SQLAlchemy adds below it."""
    return str(error).partition("\n")[0]


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, then what SQLAlchemy wrapped in it, then what led to it."""
    waiting: list[BaseException | None] = [error]
    seen: list[BaseException] = []
    while waiting and len(seen) < CAUSES_MAX:
        cause = waiting.pop(0)
        if cause is None or any(cause is earlier for earlier in seen):
            continue
        seen.append(cause)
        yield cause
        if isinstance(cause, BaseExceptionGroup):
            waiting += cause.exceptions
        original = getattr(cause, "orig", None)
        waiting.append(original if isinstance(original, BaseException) else None)
        waiting.append(cause.__cause__)
        waiting.append(None if cause.__suppress_context__ else cause.__context__)


def _by_type(error: BaseException) -> str | None:
    match error:
        case ConnectionError() | socket.gaierror():
            return START_IT
        case TimeoutError():
            return f"The database does not answer in time. {START_IT}"
        case exc.TimeoutError():
            return "All connections have been in use for too long. Raise database_pool_size."
        # The driver loses count where a connection is ended between two statements.
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
    """What PostgreSQL, SQLite or the system says that went wrong."""
    if isinstance(error, OSError):
        return error.errno
    code: str | int | None = getattr(error, "sqlite_errorcode", None)
    sqlstate: str | None = getattr(error, "sqlstate", None)
    # For a statement whose plan is no longer valid, the driver's own type says more.
    return code if sqlstate is None else sqlstate if sqlstate != FEATURE_NOT_SUPPORTED else None
