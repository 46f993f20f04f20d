"""`paywall backup`, and what a backup consists of."""

import asyncio
import shutil
import tempfile
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import click
import msgspec
import sqlalchemy as sa

from paywall import __version__
from paywall.database.engine import Database
from paywall.database.errors import BackupError
from paywall.database.migrations import newest_applied
from paywall.database.opening import open_database
from paywall.database.pg_dump import dump_postgres
from paywall.database.sqlite_backup import copy_sqlite
from paywall.load_settings import load_settings
from paywall.private_files import sync_path, write_private
from paywall.settings import Settings
from paywall.tokens import keys

MANIFEST_NAME = "backup.json"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a backup; the last file of it that is written."""

    # Everything that was acknowledged before is in the backup.
    taken_at: datetime
    release: str
    is_sqlite: bool
    migration: str

    @property
    def database_file(self) -> str:
        return "paywall.sqlite3" if self.is_sqlite else "paywall.dump"


class DatabaseState(NamedTuple):
    """What has to be known of a database before it is copied or restored."""

    now: datetime
    migration: str | None
    server_version: int


@click.command(
    "backup",
    help="""Write the database and the signing keys to the new folder TARGET.

    Works while the service runs, and changes nothing. Everything that was acknowledged before the
    backup began is in it. TARGET appears when the backup is complete and on the disk. Settings are
    not in it. PostgreSQL is dumped by pg_dump, which must not be older than the server.

    \b
    Example:
      paywall backup /srv/backups/paywall-$(date +%F)
    """,
)
@click.argument("target", type=click.Path(path_type=Path))
def backup_command(target: Path) -> None:
    loaded = load_settings()
    if target.exists():
        raise BackupError(f"{target} exists, and nothing is overwritten: name a new folder.")
    database = Path(loaded.database.removeprefix("sqlite:///"))
    if loaded.is_sqlite and not database.exists():
        raise BackupError(f"There is no database in {database}: correct database_url or data_dir.")
    state = asyncio.run(inspect_database(loaded))
    if state.migration is None:
        raise BackupError("The database has no tables: correct database_url.")
    manifest = Manifest(
        taken_at=state.now,
        release=__version__,
        is_sqlite=loaded.is_sqlite,
        migration=state.migration,
    )
    try:
        has_keys = _write(loaded, manifest, state.server_version, target)
    except OSError as error:
        raise BackupError(f"{target} cannot be written: {error.strerror}.") from error
    click.echo(f"Backed up to {target}, as of {manifest.taken_at.isoformat(timespec='seconds')}.")
    click.echo(
        "It contains the signing keys and reading histories: let nobody else read it."
        if has_keys
        else f"There are no signing keys in {loaded.data_path}: back up keys.json where they are."
    )


async def inspect_database(loaded: Settings) -> DatabaseState:
    """Raises BackupError or what opening the database raises."""
    async with open_database(loaded, for_writing=False, requires_migrations=False) as database:
        return DatabaseState(
            database.clock.now(), await newest_applied(database), await _server_version(database)
        )


async def _server_version(database: Database) -> int:
    """The major version of PostgreSQL; 0 for SQLite."""
    if database.is_sqlite:
        return 0
    async with database.reading() as session:
        connection = await session.connection()
        number = await connection.execute(
            sa.select(sa.func.current_setting("server_version_num", type_=sa.Text))
        )
        return int(number.scalar_one()) // 10_000


def _write(loaded: Settings, manifest: Manifest, server_version: int, target: Path) -> bool:
    """Write the folder under another name first; returns whether there were keys."""
    # mkdtemp's mode is 0700.
    partial = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.partial-"))
    try:
        database_file = partial / manifest.database_file
        if manifest.is_sqlite:
            copy_sqlite(Path(loaded.database.removeprefix("sqlite:///")), database_file)
        else:
            dump_postgres(loaded, server_version, database_file)
        has_keys = _copy_keys(loaded, partial)
        write_private(partial / MANIFEST_NAME, msgspec.json.encode(manifest))
        for path in (database_file, partial):
            sync_path(path)
        # Fails if somebody else created the target meanwhile, unless it is an empty folder.
        partial.rename(target)
        sync_path(target.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return has_keys


def _copy_keys(loaded: Settings, folder: Path) -> bool:
    try:
        content = (loaded.data_path / keys.FILE_NAME).read_bytes()
    except FileNotFoundError:
        return False
    write_private(folder / keys.FILE_NAME, content)
    return True
