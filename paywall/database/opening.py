"""The one way to open the database, for the service and for every command."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from paywall.clock import Clock
from paywall.database.engine import Database
from paywall.database.migrations import pending
from paywall.settings import Settings


class NotMigratedError(Exception):
    """The database lacks tables; the message says what to do."""


@asynccontextmanager
async def open_database(
    settings: Settings,
    clock: Clock | None = None,
    *,
    for_writing: bool = True,
    requires_migrations: bool = True,
) -> AsyncIterator[Database]:
    """The database with its clock measured; closed at the end.

    Raises NotMigratedError where migrations are required and pending, and DatabaseInUse when it is
    opened for writing beside a running service on SQLite.
    """
    if requires_migrations:
        _require_file(settings)
    database = Database(settings, clock, for_writing=for_writing)
    try:
        if requires_migrations and (missing := await pending(database)):
            raise NotMigratedError(
                f"The database lacks the migrations {', '.join(missing)}:"
                " run `paywall migrate` first."
            )
        await database.measure_clock()
        yield database
    finally:
        await database.close()


def _require_file(settings: Settings) -> None:
    """Opening SQLite would create an empty file."""
    path = Path(settings.database.removeprefix("sqlite:///"))
    if settings.is_sqlite and not path.exists():
        raise NotMigratedError(
            f"There is no database in {path} yet: run `paywall migrate` first, or start"
            " `paywall serve`."
        )
