"""Copying a SQLite database while the service runs, and putting a copy where there is none."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from paywall.database.errors import BackupError
from paywall.database.sqlite import FileLock
from paywall.private_files import make_private_sqlite, sqlite_files, sync_path


def copy_sqlite(database: Path, copy: Path) -> None:
    """Copy the database as it is now, into one file; the service goes on reading and writing.

    The connection is read-only, because two that write or checkpoint can corrupt the database. It
    copies in one step: a copy in several steps begins anew whenever the service writes.
    Raises BackupError.
    """
    if not database.exists():
        raise BackupError(f"There is no database in {database}: correct database_url or data_dir.")
    make_private_sqlite(copy)
    try:
        with closing(_read_only(database)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
            # Otherwise the copy would need a second file, the write-ahead log.
            target.execute("pragma journal_mode = delete")
    except sqlite3.Error as error:
        raise BackupError(f"{database} cannot be copied: {error}.") from error


def restore_sqlite(copy: Path, database: Path) -> None:
    """Put a copy in the place of a database that does not exist; raises BackupError.

    The database appears under its name when it is whole and checked.
    """
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(database)
    try:
        taken = [path for path in sqlite_files(database) if path.suffix != ".lock"]
        if taken:
            raise BackupError(
                f"{taken[0]} exists, and nothing is overwritten: move it away, or set database_url"
                " to another file."
            )
        partial = Path(f"{database}.partial")
        partial.unlink(missing_ok=True)
        make_private_sqlite(partial)
        shutil.copyfile(copy, partial)
        try:
            _require_integrity(partial)
            sync_path(partial)
            partial.replace(database)
        finally:
            partial.unlink(missing_ok=True)
        sync_path(database.parent)
    finally:
        lock.release()


def _require_integrity(database: Path) -> None:
    try:
        with closing(_read_only(database)) as connection:
            (damage,) = connection.execute("pragma integrity_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        damage = str(error)
    if damage != "ok":
        raise BackupError(f"The backup is damaged: {damage}. Use another one.")


def _read_only(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True)
