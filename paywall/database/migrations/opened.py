"""The store for a command that needs its tables: it says once what to run where they lack."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from paywall.database.engine import Database
from paywall.database.migrations import pending
from paywall.settings import Settings


class NotMigratedError(Exception):
    """The database lacks tables; the text says what to do."""


@asynccontextmanager
async def opened(settings: Settings, *, for_writing: bool = True) -> AsyncIterator[Database]:
    """The migrated store, with its clock measured; closed at the end.

    Raises NotMigratedError, or DatabaseInUse beside a running service on SQLite.
    """
    _require_file(settings)
    database = Database(settings, for_writing=for_writing)
    try:
        if missing := await pending(database):
            raise NotMigratedError(
                f"The database lacks the migrations {', '.join(missing)}:"
                " run `paywall migrate` first."
            )
        await database.measure_clock()
        yield database
    finally:
        await database.close()


def _require_file(settings: Settings) -> None:
    """Opening it would make an empty one."""
    path = Path(settings.database.removeprefix("sqlite:///"))
    if settings.is_sqlite and not path.exists():
        raise NotMigratedError(
            f"There is no database in {path} yet: run `paywall migrate` first, or start"
            " `paywall serve`."
        )
