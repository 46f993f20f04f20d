"""Which errors mean that the database cannot be used now, and the same may succeed later."""

import asyncpg
from sqlalchemy import exc

UNAVAILABLE_CLASSES = ("08", "28", "3D", "53", "57")
"""No connection, no access, no such database, out of something, stopped by the operator.

PostgreSQL 18, Appendix A.
"""
BUSY_SQLSTATES = frozenset({"40001", "40P01", "55P03"})


def is_unavailable(error: BaseException) -> bool:
    """The database is gone, full or busy: the question can be asked again later."""
    if isinstance(error, exc.TimeoutError | ConnectionError | TimeoutError):
        return True
    # The driver loses count where a connection is ended between two statements.
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError):
        return True
    if isinstance(error, asyncpg.PostgresError):
        return _is_of_the_database(error.sqlstate or "")
    if not isinstance(error, exc.DBAPIError):
        return isinstance(error, OSError)
    sqlstate = getattr(error.orig, "sqlstate", None) or ""
    return (
        error.connection_invalidated
        or isinstance(error, exc.InterfaceError)
        or _is_of_the_database(sqlstate)
        or "database is locked" in str(error.orig)
    )


def _is_of_the_database(sqlstate: str) -> bool:
    return sqlstate.startswith(UNAVAILABLE_CLASSES) or sqlstate in BUSY_SQLSTATES
