"""The body of `paywall migrate`."""

from paywall.database.engine import Database
from paywall.database.migrations import migrate
from paywall.settings import Settings


async def migrated(settings: Settings) -> list[str]:
    """Apply what is pending, and tell which; raises DatabaseInUse beside a service on SQLite."""
    database = Database(settings)
    try:
        return await migrate(database)
    finally:
        await database.close()
