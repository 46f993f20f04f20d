"""PostgreSQL's connections: how they are opened, and which of them must not be used again."""

from collections.abc import Sequence
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from paywall.database.errors import CannotConnect
from paywall.settings import Settings

IDLE_TRANSACTION_TIMEOUT_MS = 60_000
# What connecting raises; OSError includes time-outs and unknown host names.
CONNECT_ERRORS = (AsyncAdapt_asyncpg_dbapi.Error, asyncpg.InternalClientError, OSError)


def create_engine(settings: Settings) -> AsyncEngine:
    """An engine that leaves BEGIN and COMMIT to `driver.transaction`."""
    timeout_ms = int(settings.request_timeout_seconds * 1000)
    url = make_url(settings.database).set(drivername="postgresql+asyncpg")
    connect_args: dict[str, Any] = {
        "server_settings": {
            "application_name": "paywall",
            "idle_in_transaction_session_timeout": str(IDLE_TRANSACTION_TIMEOUT_MS),
            "jit": "off",
            "lock_timeout": str(timeout_ms),
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
        isolation_level="AUTOCOMMIT",
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=settings.request_timeout_seconds,
    )
    _discard_unusable(engine)
    _wrap_connection_errors(engine)
    return engine


def _discard_unusable(engine: AsyncEngine) -> None:
    """Replace connections that are closed or still in a transaction when they leave the pool.

    asyncpg knows both at once; SQLAlchemy notices the first only by a failure, the second never.
    """

    @event.listens_for(engine.sync_engine, "checkout")
    def check(
        _connection: object, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection
    ) -> None:
        connection: asyncpg.Connection = entry.driver_connection
        if connection.is_closed() or connection.is_in_transaction():
            raise exc.DisconnectionError


def _wrap_connection_errors(engine: AsyncEngine) -> None:
    """Raise CannotConnect for every error of connecting.

    Some SQLSTATEs mean "unavailable" there and a fault of a statement elsewhere: 42501, 55000.
    """

    @event.listens_for(engine.sync_engine, "do_connect")
    def connect(
        dialect: sa.Dialect, _entry: object, arguments: Sequence[Any], named: dict[str, Any]
    ) -> object:
        try:
            return dialect.connect(*arguments, **named)
        except CONNECT_ERRORS as error:
            raise CannotConnect(str(error)) from error
