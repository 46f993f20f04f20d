"""What is stored on the machine is for the service's own user, whatever the umask."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import select

from paywall.clock import Clock
from paywall.database.engine import Database
from paywall.database.migrations import migrate
from paywall.private_files import SQLITE_SUFFIXES
from paywall.server.serve import CannotServe, make_folder
from paywall.settings import Settings, SettingsError
from paywall.tokens.keys import Keyring

OTHERS = 0o077


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=str(tmp_path / "var"))


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


async def used(settings: Settings) -> dict[str, int]:
    """Start as `serve` does, write, and see the modes of all files while it runs."""
    make_folder(settings)
    Keyring(settings.data_path).newest(Clock().now())
    database = Database(settings)
    await migrate(database)
    async with database.reading() as session:
        await session.exec(select(1))
        modes = {path.name: mode_of(path) for path in settings.data_path.iterdir()}
    await database.close()
    return modes


async def test_every_file_is_created_private(settings: Settings) -> None:
    modes = await used(settings)
    assert {"keys.json", "paywall.sqlite3", "paywall.sqlite3-wal", "paywall.sqlite3-shm"} <= set(
        modes
    )
    assert [name for name, mode in modes.items() if mode & OTHERS] == []
    assert mode_of(settings.data_path) == 0o700


async def test_open_folders_and_databases_are_made_private_at_start(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.data_path.mkdir(mode=0o755)
    path = settings.data_path / "paywall.sqlite3"
    earlier = sqlite3.connect(path)
    earlier.execute("pragma journal_mode = wal")
    earlier.execute("create table kept (id integer)")
    open_files = [Path(f"{path}{suffix}") for suffix in ("", "-wal", "-shm")]
    assert {mode_of(item) for item in open_files} == {0o644}
    modes = await used(settings)
    assert [name for name, mode in modes.items() if mode & OTHERS] == []
    assert mode_of(settings.data_path) == 0o700
    assert earlier.execute("select count(*) from kept").fetchone() == (0,)
    earlier.close()
    for closed in (settings.data_path, *open_files):
        assert f"access to {closed} (mode was" in caplog.text


@pytest.mark.parametrize("mode", [0o755, 0o1777])
def test_an_open_folder_with_other_files_stops_the_start(settings: Settings, mode: int) -> None:
    settings.data_path.mkdir()
    settings.data_path.chmod(mode)
    (settings.data_path / "index.html").write_text("")
    for start in (make_folder, lambda given: Keyring(given.data_path).newest(Clock().now())):
        with pytest.raises(SettingsError, match=f"chmod 700 {settings.data_path}"):
            start(settings)
    assert settings.data_path.stat().st_mode & 0o7777 == mode
    settings.data_path.chmod(0o700)
    make_folder(settings)


async def test_a_database_outside_data_dir_is_made_private(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir(mode=0o755)
    path = folder / "paywall.sqlite3"
    await used(Settings(database_url=f"sqlite:///{path}", data_dir=str(tmp_path / "var")))
    assert mode_of(folder) == 0o755
    assert {mode_of(item) for item in folder.iterdir()} == {0o600}


def test_all_files_that_sqlite_creates_are_known() -> None:
    assert {"", "-wal", "-shm", "-journal"} <= set(SQLITE_SUFFIXES)


def test_a_folder_that_cannot_be_created_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotServe, match="data_dir"):
        make_folder(Settings(data_dir=str(tmp_path / "file" / "var")))
