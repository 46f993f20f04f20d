"""Folders and files that only the service's user can read, whatever the umask.

The database contains reading histories and the key file signs tokens.
"""

import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

from paywall.settings import SettingsError
from paywall.telemetry import logger

# Names of the service's own files in its folder.
SERVICE_FILE_NAMES = re.compile(r"keys\.|.*\.sqlite3(?:\Z|[-.])")
SQLITE_SUFFIXES = ("", "-wal", "-shm", "-journal", ".lock")


def is_open_to_others(path: Path) -> bool:
    """Whether the group or other users have any permission."""
    return bool(stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO))


def make_private_folder(folder: Path) -> None:
    """Create the folder with mode 0700, or restrict an existing one that belongs to this user.

    A folder of another user, such as a mounted volume, is not changed; the files in it are private
    themselves. Raises OSError if it cannot be created, and SettingsError for an open folder that
    also contains other files: restricting /tmp or a site's folder would break it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.geteuid() or not is_open_to_others(folder):
        return
    if foreign := next(
        (path for path in folder.iterdir() if not SERVICE_FILE_NAMES.match(path.name)), None
    ):
        raise SettingsError(
            f"data_dir: {folder} is open to other users of this machine and contains"
            f" {foreign.name}, which is not a file of the service. Run: chmod 700 {folder}, or set"
            " data_dir to a separate folder."
        )
    _close_to_others(folder)


def make_private_sqlite(database: Path) -> None:
    """Create the database file with mode 0600, and restrict its accompanying files.

    SQLite would use the umask's mode; it creates the other files with the database's mode. Raises
    SettingsError for a file that others can read and this user cannot change.
    """
    os.close(os.open(database, os.O_CREAT | os.O_RDWR, 0o600))
    for path in sqlite_files(database):
        try:
            _close_to_others(path)
        except PermissionError as error:
            raise SettingsError(
                f"{path} can be read by other users of this machine and belongs to another user."
                f" As its owner, run: chmod 600 {path}"
            ) from error


def sqlite_files(database: Path) -> Iterable[Path]:
    """The existing files of a database."""
    paths = (Path(f"{database}{suffix}") for suffix in SQLITE_SUFFIXES)
    return [path for path in paths if path.exists()]


def write_private(path: Path, content: bytes) -> None:
    """Write a new file with mode 0600, durably; raises FileExistsError if it exists."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_path(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _close_to_others(path: Path) -> None:
    if is_open_to_others(path):
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode & stat.S_IRWXU)
        logger.warning("removed other users' access to %s (mode was %o)", path, mode)
