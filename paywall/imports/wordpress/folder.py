"""A folder with the old plug-in's data, as the plug-in's page or the documented SQL writes it.

The files can be of any size and in any order, so their rows are sorted in a temporary database on
disk, which the system removes with the process.
"""

import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta, field

from paywall.http.bodies import RequestModel
from paywall.http.fields import ANY, INK, Text, Timestamp
from paywall.imports.csv_rows import CsvRow, read_rows
from paywall.imports.csv_text import CsvError
from paywall.imports.progress import BadItem, Progress
from paywall.imports.row_kinds import RowShape
from paywall.imports.wordpress.oddities import shown
from paywall.imports.wordpress.php_values import PhpError, PhpValue, unserialize
from paywall.imports.wordpress.user_options import USER_EXISTS, MetaRow, Plugin

SETTINGS_BYTES_MAX = 4 * 1024 * 1024
USERS, POSTS, TERMS, GETPAID = "users.csv", "posts.csv", "terms.csv", "getpaid.csv"
SETTINGS = "settings.json"
ID_DIGITS_MAX = 19
POST_TYPE, GUEST_MODE = "post_type", "penci_guest_mode"
TABLES = """
create table meta (file text, id integer, line integer, key text, value text);
create table profile (id text primary key, profile_id text) without rowid;
"""
# After all rows are in: that is faster than keeping an index up to date.
INDEX = "create index meta_of on meta (file, id, line)"


# Before a number it makes an id of the service.
IdPrefix = Annotated[str, Meta(pattern=rf"^(?:{INK}{ANY}{{0,99}})?\Z")]


class FolderError(Exception):
    """The folder cannot be used; the message says what to do."""


class FolderSettings(RequestModel):
    """What `settings.json` says; fields that it has beside these are not read."""

    plugin: Plugin
    table_prefix: Text = "wp_"
    article_prefix: IdPrefix = ""
    reader_prefix: IdPrefix = ""
    exported_at: Timestamp | None = None
    # The option `theme_mods_<theme>`, as an object or as PHP serialized it.
    theme_mods: dict[str, object] | Text = field(default_factory=dict)


class UserMetaRow(RequestModel):
    """A row of `users.csv`."""

    user_id: Text
    meta_key: Text
    meta_value: Text


class PostMetaRow(RequestModel):
    """A row of `posts.csv`."""

    post_id: Text
    meta_key: Text
    meta_value: Text


class TermMetaRow(RequestModel):
    """A row of `terms.csv`."""

    term_id: Text
    meta_key: Text
    meta_value: Text


class ProfileRow(RequestModel):
    """A row of `getpaid.csv`: a subscription of GetPaid, and its id in the processor."""

    id: Text
    profile_id: Text


MetaFileRow = UserMetaRow | PostMetaRow | TermMetaRow
META_FILES: dict[str, type[UserMetaRow] | type[PostMetaRow] | type[TermMetaRow]] = {
    USERS: UserMetaRow,
    POSTS: PostMetaRow,
    TERMS: TermMetaRow,
}


class FolderMeta(NamedTuple):
    """All rows of one user, post or term, in the order of the file."""

    id: int
    rows: list[MetaRow]


class WordPressFolder:
    """The rows of the files, sorted. `bad` is the number of rows that could not be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.settings = read_settings(path)
        self.bad = 0
        self._rows = sqlite3.connect("", isolation_level=None)
        self._rows.executescript(f"pragma journal_mode = off; {TABLES}")

    def close(self) -> None:
        self._rows.close()

    def load(self, progress_of: Mapping[str, Progress]) -> None:
        """Read all files; only `users.csv` has to be there. Raises FolderError."""
        self._rows.execute("begin")
        for name in META_FILES:
            if name == USERS or (self.path / name).exists():
                self._load_meta(name, progress_of[name])
        if (self.path / GETPAID).exists():
            self._load_profiles(progress_of[GETPAID])
        self._rows.execute(INDEX)
        self._rows.execute("commit")

    def _load_meta(self, name: str, progress: Progress) -> None:
        shape = META_FILES[name]

        def values() -> Iterator[tuple[str, int, int, str, str]]:
            for line in _lines(self.path / name, shape, progress):
                id_ = _id_of(line.row) if line.row else None
                if line.row is not None and id_ is not None:
                    yield name, id_, line.number, line.row.meta_key, line.row.meta_value
                else:
                    self._report(line, id_, progress)

        self._rows.executemany("insert into meta values (?, ?, ?, ?, ?)", values())

    def _load_profiles(self, progress: Progress) -> None:
        def values() -> Iterator[tuple[str, str]]:
            for line in _lines(self.path / GETPAID, ProfileRow, progress):
                if line.row is not None:
                    yield line.row.id, line.row.profile_id
                else:
                    self._report(line, 0, progress)

        self._rows.executemany("insert or ignore into profile values (?, ?)", values())

    def _report(self, line: CsvRow[RowShape], id_: int | None, progress: Progress) -> None:
        """Report a row that could not be read; an empty one is passed over."""
        for error in line.errors:
            progress.bad(BadItem(line.number, error.field, error.detail))
        if line.is_unread:
            progress.bad(BadItem(line.number, "", f"lines up to {line.last} were not read"))
        if line.row is not None and id_ is None:
            name, value = next(iter(msgspec.structs.asdict(line.row).items()))
            what = f"it is {shown(value)}. Write the number that WordPress has for it."
            progress.bad(BadItem(line.number, name, what))
        self.bad += bool(line.errors) or line.is_unread or line.row is not None

    def users(self) -> Iterator[FolderMeta]:
        return self._sorted(USERS)

    def posts(self) -> Iterator[FolderMeta]:
        return self._sorted(POSTS)

    def _sorted(self, name: str) -> Iterator[FolderMeta]:
        statement = "select id, line, key, value from meta where file = ? order by id, line"
        with closing(self._rows.execute(statement, (name,))) as rows:
            for id_, found in groupby(rows, key=lambda row: int(row[0])):
                yield FolderMeta(id_, [MetaRow(*row[1:]) for row in found])

    def _has(self, name: str, key: str) -> bool:
        statement = "select 1 from meta where file = ? and key = ? limit 1"
        return self._rows.execute(statement, (name, key)).fetchone() is not None

    def lists_users(self) -> bool:
        """Whether the file says which users exist."""
        return self._has(USERS, USER_EXISTS)

    def lists_posts(self) -> bool:
        """Whether the file says which posts exist, and their types."""
        return self._has(POSTS, POST_TYPE)

    def post_types(self, post_ids: Collection[int]) -> dict[int, str]:
        """The types of those of these posts that are in the folder."""
        statement = (
            "select id, max(case when key = ? then value end) from meta"
            " where file = ? and id = ? group by id"
        )
        found = (
            self._rows.execute(statement, (POST_TYPE, POSTS, post_id)).fetchone()
            for post_id in post_ids
        )
        return {row[0]: row[1] or "post" for row in found if row is not None}

    def guest_modes(self) -> dict[int, str]:
        """The guest mode of each term that has one."""
        statement = "select id, value from meta where file = ? and key = ? order by line desc"
        return dict(self._rows.execute(statement, (TERMS, GUEST_MODE)))

    def profile_ids(self, ids: Collection[str]) -> dict[str, str]:
        """The processors' ids of these subscriptions of GetPaid."""
        statement = "select id, profile_id from profile where id = ?"
        found = (self._rows.execute(statement, (id_,)).fetchone() for id_ in ids)
        return dict(row for row in found if row is not None)

    @property
    def exported_at(self) -> datetime | None:
        return self.settings.exported_at

    def theme_mods(self) -> Mapping[str, PhpValue]:
        """The theme's settings; empty if there are none."""
        return theme_mods_of(self.settings)


def theme_mods_of(settings: FolderSettings) -> Mapping[str, PhpValue]:
    """The theme's settings that are no arrays, or those that PHP serialized; raises FolderError."""
    stored = settings.theme_mods
    if not isinstance(stored, str):
        return {
            key: value
            for key, value in stored.items()
            if value is None or isinstance(value, bool | int | float | str)
        }
    try:
        value = unserialize(stored) if stored else {}
    except PhpError as error:
        raise FolderError(f"{SETTINGS}: theme_mods: {error}. Export it again.") from error
    if not isinstance(value, dict):
        raise FolderError(f"{SETTINGS}: theme_mods is no array. Export it again.")
    return {str(key): mod for key, mod in value.items()}


def _id_of(row: MetaFileRow) -> int | None:
    text = next(iter(msgspec.structs.astuple(row)))
    is_id = text.isascii() and text.isdigit() and len(text) <= ID_DIGITS_MAX
    return int(text) if is_id and 0 < int(text) < 2**63 else None


def _lines(path: Path, shape: type[RowShape], progress: Progress) -> Iterator[CsvRow[RowShape]]:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(read_rows(file, shape), start=1):
                progress.read(number)
                yield line
    except (CsvError, OSError) as error:
        raise FolderError(f"{path.name}: {error}") from error


def read_settings(folder: Path) -> FolderSettings:
    """The `settings.json` of a folder; raises FolderError."""
    path = folder / SETTINGS
    try:
        with path.open("rb") as file:
            data = file.read(SETTINGS_BYTES_MAX + 1)
        if len(data) > SETTINGS_BYTES_MAX:
            raise FolderError(f"{path.name} has more than {SETTINGS_BYTES_MAX} bytes.")
        fields = msgspec.json.decode(data, type=dict[str, object])
        known = {field.encode_name for field in msgspec.structs.fields(FolderSettings)}
        return msgspec.convert(
            {name: value for name, value in fields.items() if name in known}, FolderSettings
        )
    except OSError as error:
        raise FolderError(
            f'{path.name} cannot be read: {error.strerror}. Write it, such as {{"plugin": "penci",'
            ' "table_prefix": "wp_"}.'
        ) from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise FolderError(f"{path.name}: {error}.") from error
