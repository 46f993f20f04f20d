"""The pool of PostgreSQL connections, and which of them must not be used again."""

import asyncpg
from sqlalchemy import event, exc
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from paywall.database.connector import Connector
from paywall.database.errors import CannotConnect
from paywall.settings import Settings

IDLE_TRANSACTION_TIMEOUT_MS = 60_000
# In the information that SQLAlchemy keeps with a connection, and clears when it opens another.
WAS_USED = "was used"
# Explicit, whatever the server's default: statements must see what a lock waited for.
BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
BEGIN_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


def create_engine(settings: Settings, connector: Connector) -> AsyncEngine:
    """An engine that leaves BEGIN and COMMIT to `driver.transaction`."""
    server_settings = {
        "application_name": "paywall",
        "jit": "off",
        "timezone": "UTC",
        **_transaction_limits(settings),
    }

    async def connect() -> asyncpg.Connection:
        return await connector.connect(server_settings)

    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        hide_parameters=True,
        isolation_level="AUTOCOMMIT",
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=settings.request_timeout_seconds,
    )
    _discard_unusable(engine, connector)
    return engine


def begin_statement(settings: Settings) -> str:
    """How a writing transaction begins.

    Through a pooler the limits are set for each transaction, in the same round trip, because the
    next one may be on another connection.
    """
    if not settings.database_pooler:
        return BEGIN
    limits = _transaction_limits(settings)
    return "; ".join([BEGIN, *(f"SET LOCAL {name} = {value}" for name, value in limits.items())])


def _transaction_limits(settings: Settings) -> dict[str, str]:
    """PostgreSQL counts these in milliseconds."""
    return {
        "idle_in_transaction_session_timeout": str(IDLE_TRANSACTION_TIMEOUT_MS),
        "lock_timeout": str(int(settings.request_timeout_seconds * 1000)),
    }


def _discard_unusable(engine: AsyncEngine, connector: Connector) -> None:
    """Replace connections when they leave the pool: closed, in a transaction, to a former primary.

    asyncpg knows the first two at once; SQLAlchemy notices the first only by a failure, the second
    never. After a third such connection in a row SQLAlchemy would raise an error without a cause.
    """

    @event.listens_for(engine.sync_engine, "checkout")
    def check(
        _connection: object, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection
    ) -> None:
        connection: asyncpg.Connection = entry.driver_connection
        was_used = WAS_USED in entry.info
        entry.info[WAS_USED] = True
        if was_used and not connector.is_current(connection):
            # A frozen server would not confirm the end of a connection, so it is not waited for.
            connection.terminate()
        if connection.is_closed() or connection.is_in_transaction():
            if was_used:
                raise exc.DisconnectionError
            raise CannotConnect("The server closed a connection as soon as it was open.")
