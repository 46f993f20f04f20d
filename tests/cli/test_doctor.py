"""`paywall doctor` finds what is wrong, and says what to do."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from paywall.cli import doctor
from paywall.cli.doctor import diagnose
from paywall.cli.main import main
from paywall.database.engine import Database
from paywall.database.migrations import migrate
from paywall.setting_types import Issuer, IssuerKey
from paywall.settings import Settings
from paywall.tokens.keys import Keyring
from tests.postgres import psql, running_postgres


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return Settings(database_url=database_url, data_dir=str(folder))


async def _said(settings: Settings, workers: int = 1) -> str:
    return "\n".join(str(finding) for finding in await diagnose(settings, workers))


async def test_all_is_well_beside_a_running_service(database: Database, settings: Settings) -> None:
    async with database.writing():
        assert await diagnose(settings) == []


async def test_pending_migrations_are_named(database: Database, settings: Settings) -> None:
    async with database.writing() as session:
        await (await session.connection()).execute(sa.text("delete from alembic_version"))
    assert "lacks the migrations 0001" in await _said(settings)


async def test_a_key_that_others_can_read_is_named(settings: Settings) -> None:
    keys = settings.data_path / "keys.json"
    Keyring(settings.data_path).newest(datetime.now(UTC))
    keys.chmod(0o644)
    assert f"chmod 600 {keys}" in await _said(settings)


async def test_a_broken_key_file_is_named(settings: Settings) -> None:
    (settings.data_path / "keys.json").touch(mode=0o600)
    (settings.data_path / "keys.json").write_text("{}")
    assert "keys.json cannot be read" in await _said(settings)


async def test_a_folder_that_others_can_read_is_named(settings: Settings) -> None:
    settings.data_path.chmod(0o755)
    assert f"chmod 700 {settings.data_path}" in await _said(settings)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_database_that_others_can_read_is_named(settings: Settings) -> None:
    path = Path(settings.database.removeprefix("sqlite:///"))
    path.chmod(0o640)
    assert f"chmod 600 {path}" in await _said(settings)


async def test_a_weak_secret_is_named(settings: Settings) -> None:
    weak = IssuerKey(algorithm="HS256", secret="secret")
    issuer = Issuer(name="cms", kinds=["site"], keys=[weak])
    assert "cms" in await _said(msgspec.structs.replace(settings, issuers=[issuer]))


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_missing_file_is_named(settings: Settings, tmp_path: Path) -> None:
    missing = msgspec.structs.replace(settings, database_url=f"sqlite:///{tmp_path}/no.sqlite3")
    assert "no.sqlite3 yet. `paywall serve` creates it." in await _said(missing)
    assert not (tmp_path / "no.sqlite3").exists()


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_file_that_is_no_database_is_named(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "paywall.sqlite3").write_text("Dear diary, " * 100)
    assert "not a database" in await _said(settings)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_journal_that_stops_the_writer_is_named(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    await database.close()
    plain = sa.create_engine(f"sqlite:///{tmp_path / 'paywall.sqlite3'}")
    with plain.connect() as connection:
        connection.execute(sa.text("pragma journal_mode = delete"))
    plain.dispose()
    assert "is delete" in await _said(settings)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
@pytest.mark.parametrize("path", ["/nothing_here", ":1/paywall"])
async def test_a_database_that_does_not_answer_is_named(settings: Settings, path: str) -> None:
    server = settings.database.rpartition("/")[0]
    address = server + path if path.startswith("/") else f"{server.rpartition(':')[0]}{path}"
    gone = msgspec.structs.replace(settings, database_url=address)
    assert "The database cannot be used" in await _said(gone)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_a_database_that_forgets_is_named(settings: Settings, database_url: str) -> None:
    server, _, name = database_url.rpartition("/")
    psql(f"{server}/postgres", f"alter database {name} set synchronous_commit = off")
    assert "synchronous_commit = off" in await _said(settings)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_too_few_connections_for_all_workers_are_named(settings: Settings) -> None:
    # The tests' server allows 200, of which 3 are reserved.
    assert await _said(settings, workers=16) == ""
    assert "up to 204 connections (12 each), and PostgreSQL allows 197" in await _said(
        settings, workers=17
    )


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_disk_that_is_almost_full_is_named(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "FREE_BYTES_MIN", shutil.disk_usage(tmp_path).total)
    said = await _said(settings)
    for folder in (tmp_path, settings.data_path):
        assert f"The disk of {folder} has only" in said


@pytest.fixture(scope="module")
def careless_postgres() -> Iterator[str]:
    with running_postgres("fsync=off", "full_page_writes=off") as address:
        yield f"{address}/postgres"


async def test_a_server_without_fsync_is_named(careless_postgres: str, tmp_path: Path) -> None:
    settings = Settings(database_url=careless_postgres, data_dir=str(tmp_path / "data"))
    database = Database(settings)
    await migrate(database)
    await database.close()
    said = await _said(settings)
    assert "fsync = off" in said
    assert "full_page_writes = off" in said


def test_the_command_tells_by_its_status(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYWALL_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("PAYWALL_DATA_DIR", settings.data_dir)
    well = CliRunner().invoke(main, ["doctor"])
    checked, last = well.output.splitlines()
    assert (well.exit_code, last) == (0, "All well.")
    assert checked.startswith(
        "Checked: settings, signing keys, file modes, free disk, migrations, "
    )
    assert ("SQLite" if settings.is_sqlite else "PostgreSQL") in checked
    settings.data_path.chmod(0o755)
    ill = CliRunner().invoke(main, ["doctor"])
    assert ill.exit_code == 1
    assert "chmod 700" in ill.output
