"""Folders and files that only the service's own user may read, whatever the umask.

The database has reading histories and the key file signs tokens: other users of the machine have no
business with either.
"""

import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

from paywall.settings import SettingsError
from paywall.telemetry import logger

# Names of what the service keeps in its folder.
SERVICE_FILE_NAMES = re.compile(r"keys\.|.*\.sqlite3(?:\Z|[-.])")
SQLITE_SUFFIXES = ("", "-wal", "-shm", "-journal", ".lock")


def is_open_to_others(path: Path) -> bool:
    """Whether another user, of its group or not, may do anything with it."""
    return bool(stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO))


def make_private_folder(folder: Path) -> None:
    """Make the folder with mode 0700; one that is open to others is closed where it is our own.

    One of another user stays as it is (a volume that is mounted): the files in it are private by
    themselves. Raises OSError where there can be no such folder, and SettingsError for one that is
    open to others and not for the service alone: to close /tmp or a site's folder would break it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.geteuid() or not is_open_to_others(folder):
        return
    if foreign := next(
        (path for path in folder.iterdir() if not SERVICE_FILE_NAMES.match(path.name)), None
    ):
        raise SettingsError(
            f"data_dir: {folder} is open to other users of this machine, and has {foreign.name} in"
            f" it beside what is the service's. Run: chmod 700 {folder}, or set data_dir to a"
            " folder of the service's own."
        )
    _close_to_others(folder)


def make_private_sqlite(database: Path) -> None:
    """Make the database's file with mode 0600, and close what belongs to it to others.

    SQLite would make it for everybody; its other files get the mode of the database itself. Raises
    SettingsError for a file that others can read and this user cannot change.
    """
    os.close(os.open(database, os.O_CREAT | os.O_RDWR, 0o600))
    for path in sqlite_files(database):
        try:
            _close_to_others(path)
        except PermissionError as error:
            raise SettingsError(
                f"{path} can be read by other users of this machine, and belongs to another user"
                f" than this one. As its owner: chmod 600 {path}"
            ) from error


def sqlite_files(database: Path) -> Iterable[Path]:
    """Those files of a database that are there."""
    paths = (Path(f"{database}{suffix}") for suffix in SQLITE_SUFFIXES)
    return [path for path in paths if path.exists()]


def _close_to_others(path: Path) -> None:
    if is_open_to_others(path):
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode & stat.S_IRWXU)
        logger.warning("%s was open to other users (mode %o) and is not any more", path, mode)
