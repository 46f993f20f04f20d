"""The body of `paywall migrate`."""

from paywall.database.migrations import migrate
from paywall.database.opening import open_database
from paywall.settings import Settings


async def migrated(settings: Settings) -> list[str]:
    """Apply what is pending, and tell which; raises DatabaseInUse beside a service on SQLite."""
    async with open_database(settings, requires_migrations=False) as database:
        return await migrate(database)
