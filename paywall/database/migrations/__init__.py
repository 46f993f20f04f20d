"""Migrations of the schema: expand in one release, contract in a later one.

All pending migrations run in one transaction, so a failed one leaves no partial schema. On
PostgreSQL they run while the service does: see `LOCK_TIMEOUT_MS`.
"""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from paywall.database.engine import Database
from paywall.database.errors import is_lock_timeout
from paywall.lazy_import import lazy_import

if TYPE_CHECKING:
    from paywall.database.migrations import upgrade
else:
    # `pending` does without Alembic.
    upgrade = lazy_import("paywall.database.migrations.upgrade")

FOLDER = Path(__file__).parent
LOCK_KEY = 7292_5901
# Waiting for another `paywall migrate`.
LOCK_WAIT_SECONDS = 60
# While ALTER TABLE waits for its lock, every request on that table waits behind it. So it gives up
# soon, lets them pass, and tries again.
LOCK_TIMEOUT_MS = 500
TRY_AGAIN_AFTER_SECONDS = 0.5
TRY_FOR_SECONDS = 60
# Alembic's table has one row; before the first migration it does not exist.
APPLIED = sa.table("alembic_version", sa.column("version_num", sa.Text))


async def migrate(database: Database) -> list[str]:
    """Apply pending migrations and return them; several processes may call it at once.

    While others hold a lock that it needs, it tries again; after TRY_FOR_SECONDS it raises.
    """
    ends_at = time.monotonic() + TRY_FOR_SECONDS
    while True:
        try:
            return await _try_to_migrate(database)
        except Exception as error:
            if not is_lock_timeout(error) or time.monotonic() > ends_at:
                raise
        await asyncio.sleep(TRY_AGAIN_AFTER_SECONDS)


async def _try_to_migrate(database: Database) -> list[str]:
    async with database.writing() as session:
        connection = await session.connection()
        if not database.is_sqlite:
            await connection.run_sync(_wait_for_others)
        revisions = await connection.run_sync(_pending)
        if revisions:
            await connection.run_sync(upgrade.upgrade, FOLDER)
        return revisions


async def pending(database: Database) -> list[str]:
    """The missing migrations, oldest first; none where the database is newer than this release."""
    async with database.reading() as session:
        return await (await session.connection()).run_sync(_pending)


async def newest_applied(database: Database) -> str | None:
    """The last migration that the database has; None before the first."""
    async with database.reading() as session:
        return await (await session.connection()).run_sync(_applied)


def known() -> list[str]:
    """The migrations of this release, oldest first."""
    return [path.name.partition("_")[0] for path in sorted((FOLDER / "versions").glob("[0-9]*.py"))]


def _wait_for_others(connection: sa.Connection) -> None:
    connection.execute(sa.text(f"set local lock_timeout = '{LOCK_WAIT_SECONDS}s'"))
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK_KEY)))
    connection.execute(sa.text(f"set local lock_timeout = '{LOCK_TIMEOUT_MS}ms'"))


def _applied(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(APPLIED.name):
        return None
    return connection.execute(sa.select(APPLIED.c.version_num)).scalar()


def _pending(connection: sa.Connection) -> list[str]:
    ours = known()
    applied = _applied(connection)
    if applied is None:
        return ours
    # After a rollback to an older release the revision is unknown: expand and contract let that
    # release run on the newer schema.
    return ours[ours.index(applied) + 1 :] if applied in ours else []
