"""`paywall doctor`: finds problems of this installation, and changes nothing."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import sqlalchemy as sa

from paywall.cli.errors import FOUND_SOMETHING
from paywall.clock import Clock
from paywall.database.engine import Database
from paywall.database.errors import first_line, why_unavailable
from paywall.database.migrations import pending
from paywall.database.opening import open_database
from paywall.diagnosis import Diagnosis
from paywall.load_settings import load_settings
from paywall.private_files import is_open_to_others, sqlite_files
from paywall.processors.bakong.doctor import diagnose_bakong
from paywall.processors.stripe.doctor import diagnose_stripe
from paywall.server.check_batches import CONNECTIONS as CHECK_CONNECTIONS
from paywall.server.saturation import folders, free_bytes
from paywall.settings import Settings, SettingsError
from paywall.tokens.verify import Verifier

CLOCK_SECONDS_MAX = 5
MIB = 1024 * 1024
FREE_BYTES_MIN = 1024 * MIB
# PostgreSQL 16 introduced reserved_connections; before, it is null here.
CONNECTIONS_FOR_ROLES = """
select current_setting('max_connections')::int
  - current_setting('superuser_reserved_connections')::int
  - coalesce(current_setting('reserved_connections', true)::int, 0)
"""
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")


@click.command("doctor")
@click.option(
    "--workers",
    type=click.IntRange(1, 10_000),
    default=1,
    show_default=True,
    help="Number of workers on all machines, to compare with PostgreSQL's max_connections.",
)
def doctor_command(workers: int) -> None:
    """Find problems of this installation, and print how to fix each.

    If the service sells through Stripe, this also checks Stripe: the key, the products and prices,
    and whether events were missed. If it sells through Bakong: the token and when it ends, the
    account, and the clock.

    Works while the service runs, and changes nothing. Exit status: 0 all is well, 1 something is
    wrong.
    """
    settings = load_settings()
    findings = asyncio.run(diagnose(settings, workers))
    for finding in findings:
        click.echo(str(finding))
    if any(isinstance(finding, Diagnosis) for finding in findings):
        raise click.exceptions.Exit(FOUND_SOMETHING)
    click.echo(_checked(settings))
    click.echo("All well.")


def _checked(settings: Settings) -> str:
    """What was checked besides Stripe and Bakong, where nothing was reported."""
    database = (
        "SQLite: damage and journal mode"
        if settings.is_sqlite
        else "PostgreSQL: durable writes, connections and clock"
    )
    return f"Checked: settings, signing keys, file modes, free disk, migrations, {database}."


async def diagnose(settings: Settings, workers: int = 1) -> list[Diagnosis | str]:
    """Everything that is wrong with these settings, the database, Stripe and Bakong.

    For Stripe and Bakong, sentences about what is right are included.
    """
    findings: list[Diagnosis | str] = [finding async for finding in _keys(settings)]
    findings += _modes(settings)
    findings += _disks(settings)
    try:
        async with open_database(
            settings, for_writing=False, requires_migrations=False
        ) as database:
            of_database = [finding async for finding in _database(database, settings, workers)]
            findings += of_database
            if settings.sells_by_stripe:
                store = None if of_database else database
                findings += [found async for found in diagnose_stripe(settings, store)]
            if settings.sells_by_bakong:
                now = database.clock.now()
                findings += [found async for found in diagnose_bakong(settings, now)]
    except Exception as error:
        why = why_unavailable(error)
        if why is None and not isinstance(error, sa.exc.DBAPIError):
            raise
        what = f"The database cannot be used: {first_line(error)}."
        findings.append(Diagnosis(what, why or "Correct database_url."))
    return findings


async def _keys(settings: Settings) -> AsyncIterator[Diagnosis]:
    """Weak and unreadable keys, the service's own and its issuers'."""
    clock = Clock()
    try:
        verifier = Verifier(settings, clock)
        await verifier.keyring.find(None, clock.now())
        await verifier.close()
    except SettingsError as error:
        yield Diagnosis(str(error), "The service does not start until this is fixed.")


def _modes(settings: Settings) -> Iterator[Diagnosis]:
    """File modes of the folder and the database; the keyring checks its own file."""
    paths = [(settings.data_path, "700")]
    if settings.is_sqlite:
        database = Path(settings.database.removeprefix("sqlite:///"))
        paths += [(path, "600") for path in sqlite_files(database)]
    for path, mode in paths:
        if path.exists() and is_open_to_others(path):
            yield Diagnosis(
                f"{path} can be read by other users of this machine.", f"chmod {mode} {path}"
            )


def _disks(settings: Settings) -> Iterator[Diagnosis]:
    """Disks that will soon be full; a service that cannot write answers 503."""
    existing = {path for path in folders(settings).values() if path.exists()}
    for path in sorted(existing):
        free = free_bytes(path)
        if free < FREE_BYTES_MIN:
            yield Diagnosis(
                f"The disk of {path} has only {free // MIB} MiB left.",
                f"Make room, until at least {FREE_BYTES_MIN // MIB} MiB are free.",
            )


async def _database(
    database: Database, settings: Settings, workers: int
) -> AsyncIterator[Diagnosis]:
    if database.is_sqlite:
        path = Path(settings.database.removeprefix("sqlite:///"))
        if not _is_there(path):
            yield Diagnosis(f"There is no database in {path} yet.", "`paywall serve` creates it.")
            return
        async for finding in _sqlite(database, path):
            yield finding
    else:
        async for finding in _postgres(database):
            yield finding
        async for finding in _connections(database, settings, workers):
            yield finding
    if missing := await pending(database):
        yield Diagnosis(
            f"The database lacks the migrations {', '.join(missing)}.", "Run `paywall migrate`."
        )


def _is_there(path: Path) -> bool:
    return path.exists()


async def _sqlite(database: Database, path: Path) -> AsyncIterator[Diagnosis]:
    async with database.reading() as session:
        connection = await session.connection()
        damage = (await connection.execute(sa.text("pragma quick_check(1)"))).scalar_one()
        journal = (await connection.execute(sa.text("pragma journal_mode"))).scalar_one()
    if damage != "ok":
        yield Diagnosis(f"{path} is damaged: {damage}.", "Stop the service and restore a backup.")
    if journal != "wal":
        yield Diagnosis(
            f"The journal mode of {path} is {journal}, so readers block the writer.",
            "Start `paywall serve` once: it sets wal.",
        )


async def _postgres(database: Database) -> AsyncIterator[Diagnosis]:
    async with database.reading() as session:
        connection = await session.connection()
        for name in DURABLE:
            value = (
                await connection.execute(sa.select(sa.func.current_setting(name)))
            ).scalar_one()
            if value == "off":
                yield Diagnosis(
                    f"PostgreSQL runs with {name} = off: a crash loses acknowledged writes.",
                    f"Set {name} = on in postgresql.conf, and reload it.",
                )
        database_time: datetime = (
            await connection.execute(sa.select(sa.func.clock_timestamp()))
        ).scalar_one()
    apart = abs((datetime.now(UTC) - database_time).total_seconds())
    if apart > CLOCK_SECONDS_MAX:
        yield Diagnosis(
            f"The clocks of this machine and of the database's are {apart:.0f} s apart.",
            "Synchronise both with NTP: tokens are checked by the database's clock.",
        )


async def _connections(
    database: Database, settings: Settings, workers: int
) -> AsyncIterator[Diagnosis]:
    """PostgreSQL refuses connections beyond its limit, and those requests are answered 503."""
    if settings.database_pooler:
        # The number of the pooler's own connections counts.
        return
    async with database.reading() as session:
        connection = await session.connection()
        allowed: int = (await connection.execute(sa.text(CONNECTIONS_FOR_ROLES))).scalar_one()
    per_worker = settings.database_pool_size + CHECK_CONNECTIONS
    if workers * per_worker > allowed:
        yield Diagnosis(
            f"Workers: {workers}. They open up to {workers * per_worker} connections"
            f" ({per_worker} each), and PostgreSQL allows {allowed}.",
            "Raise max_connections and restart PostgreSQL, lower database_pool_size, or use"
            " PgBouncer.",
        )
