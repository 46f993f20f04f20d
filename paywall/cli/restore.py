"""`paywall restore`."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import msgspec
import sqlalchemy as sa
from sqlmodel import SQLModel, func, select

from paywall.cli.audit import report_lines, run_audit
from paywall.cli.backup import MANIFEST_NAME, Manifest, inspect_database
from paywall.cli.errors import FOUND_SOMETHING
from paywall.database.errors import BackupError
from paywall.database.migrations import known, pending
from paywall.database.opening import open_database
from paywall.database.pg_dump import restore_postgres
from paywall.database.sqlite_backup import restore_sqlite
from paywall.database.tables import Subscriber, Unlock
from paywall.load_settings import load_settings
from paywall.private_files import make_private_folder, write_private
from paywall.settings import Settings
from paywall.tokens import keys

# Tables, views and sequences of users, without those of extensions.
COUNT_RELATIONS = sa.text(
    """
    select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
      and not exists (select 1 from pg_depend d where d.objid = c.oid and d.deptype = 'e')
    """
)


class Restored(NamedTuple):
    """What the restored database contains, and the migrations that it lacks."""

    subscribers: int
    unlocks: int
    pending: list[str]


@click.command("restore")
@click.argument("source", type=click.Path(path_type=Path))
def restore_command(source: Path) -> None:
    """Restore the backup in the folder SOURCE.

    It goes to the database and the data_dir of the settings, and overwrites nothing: there must be
    no SQLite file, or an empty PostgreSQL database, and no other signing keys. The result is
    checked, and audited unless it needs migrations first.

    Exit status: 0 restored, 1 restored and something does not add up, 2 nothing was restored.
    """
    loaded = load_settings()
    manifest = _read_manifest(source)
    _require_fit(loaded, manifest)
    _require_same_keys(loaded, source)
    copy = source / manifest.database_file
    if manifest.is_sqlite:
        restore_sqlite(copy, Path(loaded.database.removeprefix("sqlite:///")))
    else:
        restore_postgres(loaded, asyncio.run(_require_empty(loaded)), copy)
    _restore_keys(loaded, source)
    restored = asyncio.run(_inspect_result(loaded))
    click.echo(
        f"Restored the backup of {manifest.taken_at.isoformat(timespec='seconds')}:"
        f" {restored.subscribers} subscribers, {restored.unlocks} unlocks."
    )
    is_sound = True
    if not restored.pending:
        report = asyncio.run(run_audit(loaded))
        is_sound = not report.findings
        for line in report_lines(report):
            click.echo(line)
    for line in _next_steps(loaded, restored):
        click.echo(line)
    if not is_sound:
        raise click.exceptions.Exit(FOUND_SOMETHING)


def _next_steps(loaded: Settings, restored: Restored) -> Iterator[str]:
    if restored.pending:
        yield "Next: `paywall migrate`, because the backup is of an older release."
        yield "Then: `paywall audit`."
    if loaded.sells_by_stripe:
        yield "Then: `paywall reconcile`, which records what Stripe has since the backup."
    yield "docs/backup.md lists what the site has to repeat, such as erasures."


def _read_manifest(source: Path) -> Manifest:
    try:
        return msgspec.json.decode((source / MANIFEST_NAME).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise BackupError(
            f"{source} is not a backup: {MANIFEST_NAME} in it cannot be read. Name the folder that"
            " `paywall backup` wrote."
        ) from error


def _require_fit(loaded: Settings, manifest: Manifest) -> None:
    if manifest.is_sqlite != loaded.is_sqlite:
        kind = "SQLite (sqlite:///FILE)" if manifest.is_sqlite else "PostgreSQL (postgresql://…)"
        raise BackupError(f"The backup is of {kind}: set database_url to a database of this kind.")
    if manifest.migration not in known():
        raise BackupError(
            f"The backup was made by a newer release, {manifest.release}: restore it with that one."
        )


def _require_same_keys(loaded: Settings, source: Path) -> None:
    """Refuse to replace other keys; raises BackupError."""
    copy, file = source / keys.FILE_NAME, loaded.data_path / keys.FILE_NAME
    if copy.exists() and file.exists() and file.read_bytes() != copy.read_bytes():
        raise BackupError(
            f"{file} has other keys than the backup, and nothing is overwritten: move it away,"
            " or remove keys.json from the backup."
        )


def _restore_keys(loaded: Settings, source: Path) -> None:
    copy, file = source / keys.FILE_NAME, loaded.data_path / keys.FILE_NAME
    if copy.exists() and not file.exists():
        make_private_folder(loaded.data_path)
        write_private(file, copy.read_bytes())


async def _require_empty(loaded: Settings) -> int:
    """The major version of the server; raises BackupError unless the database is empty."""
    async with (
        open_database(loaded, for_writing=False, requires_migrations=False) as database,
        database.reading() as session,
    ):
        relations = (await (await session.connection()).execute(COUNT_RELATIONS)).scalar_one()
    if relations:
        raise BackupError(
            "The database of database_url is not empty, and nothing is overwritten: create a new"
            " one, and set database_url to it."
        )
    return (await inspect_database(loaded)).server_version


async def _inspect_result(loaded: Settings) -> Restored:
    async with (
        open_database(loaded, for_writing=False, requires_migrations=False) as database,
        database.reading() as session,
    ):

        async def count(table: type[SQLModel]) -> int:
            return (await session.exec(select(func.count()).select_from(table))).one()

        return Restored(await count(Subscriber), await count(Unlock), await pending(database))
