"""How a database of any age gets today's schema: expand first, contract in a later release.

All pending migrations run in one transaction, so a failed one leaves nothing half applied.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from paywall.database import Database

FOLDER = Path(__file__).parent
LOCK_KEY = 7292_5901
LOCK_WAIT_SECONDS = 60


async def migrate(database: Database) -> list[str]:
    """Apply what is pending, and tell which; several processes may ask at once."""
    async with database.writing() as session:
        connection = await session.connection()
        if not database.is_sqlite:
            await connection.run_sync(_wait_for_others)
        revisions = await connection.run_sync(_pending)
        if revisions:
            await connection.run_sync(_upgrade)
        return revisions


async def pending(database: Database) -> list[str]:
    """The migrations that this database lacks, oldest first; none where it is newer than we are."""
    async with database.reading() as session:
        return await (await session.connection()).run_sync(_pending)


def configuration(connection: sa.Connection) -> Config:
    """Alembic's settings, without a file: the scripts are here and the connection is given."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    return config


def _wait_for_others(connection: sa.Connection) -> None:
    connection.execute(sa.text(f"set local lock_timeout = '{LOCK_WAIT_SECONDS}s'"))
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK_KEY)))
    # A change of a table that waits for long makes every request wait behind it.
    connection.execute(sa.text("set local lock_timeout to default"))


def _upgrade(connection: sa.Connection) -> None:
    command.upgrade(configuration(connection), "head")


def _pending(connection: sa.Connection) -> list[str]:
    scripts = ScriptDirectory.from_config(configuration(connection))
    ours = [script.revision for script in reversed(list(scripts.walk_revisions()))]
    applied = MigrationContext.configure(connection).get_current_revision()
    if applied is None:
        return ours
    # An older release, rolled back to, meets a revision that it doesn't know: expand and contract
    # let it run on that schema.
    return ours[ours.index(applied) + 1 :] if applied in ours else []
