"""`paywall migrate`."""

import asyncio

import click

from paywall.database.migrations import migrate
from paywall.database.opening import open_database
from paywall.load_settings import load_settings
from paywall.settings import Settings


@click.command("migrate")
def migrate_command() -> None:
    """Update the database's tables to this release.

    Run it before the service starts. A failed migration leaves the database unchanged. The
    previous release works on the new tables too. On SQLite, `paywall serve` migrates by itself; to
    migrate here, stop the service first.
    """
    applied = asyncio.run(_migrate(load_settings()))
    click.echo(f"Applied: {', '.join(applied)}." if applied else "Nothing to do: up to date.")


async def _migrate(loaded: Settings) -> list[str]:
    async with open_database(loaded, requires_migrations=False) as database:
        return await migrate(database)
