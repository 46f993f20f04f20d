"""What is wrong with this installation, and what to do; it changes nothing."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from paywall.clock import Clock
from paywall.database.engine import Database
from paywall.database.errors import first_line, why_unavailable
from paywall.database.migrations import pending
from paywall.database.opening import open_database
from paywall.diagnosis import Finding
from paywall.private_files import is_open_to_others, sqlite_files
from paywall.processors.stripe.doctor import stripe_diagnosed
from paywall.settings import Settings, SettingsError
from paywall.tokens.verify import Verifier

CLOCK_SECONDS_MAX = 5
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")


async def diagnosed(settings: Settings) -> list[Finding | str]:
    """Everything that is found wrong, of these settings and of what they lead to.

    Where the service sells by Stripe, what is well with that is told too, each in a sentence.
    """
    findings: list[Finding | str] = [finding async for finding in _keys(settings)]
    findings += _modes(settings)
    try:
        async with open_database(
            settings, for_writing=False, requires_migrations=False
        ) as database:
            of_database = [finding async for finding in _database(database, settings)]
            findings += of_database
            if settings.sells_by_stripe:
                store = None if of_database else database
                findings += [told async for told in stripe_diagnosed(settings, store)]
    except Exception as error:
        why = why_unavailable(error)
        if why is None and not isinstance(error, sa.exc.DBAPIError):
            raise
        what = f"The database cannot be used: {first_line(error)}."
        findings.append(Finding(what, why or "Correct database_url."))
    return findings


async def _keys(settings: Settings) -> AsyncIterator[Finding]:
    """Weak and unreadable keys, the service's own and its issuers'."""
    clock = Clock()
    try:
        verifier = Verifier(settings, clock)
        await verifier.keyring.find(None, clock.now())
        await verifier.close()
    except SettingsError as error:
        yield Finding(str(error), "The service does not start before that.")


def _modes(settings: Settings) -> Iterator[Finding]:
    """The folder and the database; of the signing key its own reader says it."""
    paths = [(settings.data_path, "700")]
    if settings.is_sqlite:
        database = Path(settings.database.removeprefix("sqlite:///"))
        paths += [(path, "600") for path in sqlite_files(database)]
    for path, mode in paths:
        if path.exists() and is_open_to_others(path):
            yield Finding(
                f"{path} can be read by other users of this machine.", f"chmod {mode} {path}"
            )


async def _database(database: Database, settings: Settings) -> AsyncIterator[Finding]:
    if database.is_sqlite:
        path = Path(settings.database.removeprefix("sqlite:///"))
        if not _is_there(path):
            yield Finding(f"There is no database in {path} yet.", "`paywall serve` makes it.")
            return
        async for finding in _sqlite(database, path):
            yield finding
    else:
        async for finding in _postgres(database):
            yield finding
    if missing := await pending(database):
        yield Finding(
            f"The database lacks the migrations {', '.join(missing)}.", "Run `paywall migrate`."
        )


def _is_there(path: Path) -> bool:
    return path.exists()


async def _sqlite(database: Database, path: Path) -> AsyncIterator[Finding]:
    async with database.reading() as session:
        connection = await session.connection()
        damage = (await connection.execute(sa.text("pragma quick_check(1)"))).scalar_one()
        journal = (await connection.execute(sa.text("pragma journal_mode"))).scalar_one()
    if damage != "ok":
        yield Finding(f"{path} is damaged: {damage}.", "Stop the service and put a backup back.")
    if journal != "wal":
        yield Finding(
            f"The journal mode of {path} is {journal}, so a reader stops the writer.",
            "Start `paywall serve` once: it sets wal.",
        )


async def _postgres(database: Database) -> AsyncIterator[Finding]:
    async with database.reading() as session:
        connection = await session.connection()
        for name in DURABLE:
            value = (
                await connection.execute(sa.select(sa.func.current_setting(name)))
            ).scalar_one()
            if value == "off":
                yield Finding(
                    f"PostgreSQL runs with {name} = off: a crash loses what was acknowledged.",
                    f"Set {name} = on in postgresql.conf, and reload it.",
                )
        told: datetime = (
            await connection.execute(sa.select(sa.func.clock_timestamp()))
        ).scalar_one()
    apart = abs((datetime.now(UTC) - told).total_seconds())
    if apart > CLOCK_SECONDS_MAX:
        yield Finding(
            f"The clocks of this machine and of the database's are {apart:.0f} s apart.",
            "Keep both by NTP: tokens are judged by the database's.",
        )
