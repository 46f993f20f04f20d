"""With `database_pooler` nothing is set for a whole connection, and limits hold all the same."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import sqlalchemy as sa

from paywall.credits.locking import lock_subscriber
from paywall.database.engine import Database
from paywall.database.errors import is_unavailable
from paywall.database.postgresql import IDLE_TRANSACTION_TIMEOUT_MS
from paywall.server.check_connections import SERVER_SETTINGS
from paywall.settings import Settings
from tests.database.rows import add

# What this connection itself set, at its start or later.
OWN_SETTINGS = "select name, setting from pg_settings where source in ('client', 'session')"


@pytest.fixture(params=["postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
async def pooled(database_url: str) -> AsyncIterator[Database]:
    """A database with the setting, on a connection of its own to PostgreSQL."""
    database = Database(
        Settings(database_url=database_url, database_pooler=True, request_timeout_seconds=0.2)
    )
    yield database
    await database.close()


async def test_nothing_is_set_but_for_one_transaction(pooled: Database) -> None:
    statement = sa.text(OWN_SETTINGS)
    async with pooled.writing() as session:
        within: dict[str, str] = dict((await (await session.connection()).execute(statement)).all())
    async with pooled.reading() as session:
        after: dict[str, str] = dict((await (await session.connection()).execute(statement)).all())
    assert pooled.connector is not None
    for_checks = await pooled.connector.connect(SERVER_SETTINGS)
    of_checks = dict(await for_checks.fetch(OWN_SETTINGS))
    await for_checks.close()
    # The driver always names its encoding, which a pooler knows.
    encoding = {"client_encoding": "UTF8"}
    read_only = {"transaction_isolation": "repeatable read", "transaction_read_only": "on"}
    limits = {
        "idle_in_transaction_session_timeout": str(IDLE_TRANSACTION_TIMEOUT_MS),
        "lock_timeout": "200",
    }
    isolation = {"transaction_isolation": "read committed"}
    assert within in ({**encoding, **limits}, {**encoding, **limits, **isolation})
    assert {**after, **read_only} == {**encoding, **read_only}
    assert of_checks == encoding


async def test_a_lock_is_waited_for_no_longer_than_a_request(
    database: Database, pooled: Database
) -> None:
    await add(database, "ann")
    async with database.writing() as session:
        await lock_subscriber(session, "ann")
        with pytest.raises(asyncpg.LockNotAvailableError) as refused:
            async with pooled.writing() as other:
                await lock_subscriber(other, "ann")
    assert is_unavailable(refused.value)
