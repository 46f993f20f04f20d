"""`paywall backup` beside a running service, and `paywall restore` where there is nothing."""

import json
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from paywall.cli.main import main
from paywall.database.tables import CreditGrant, Unlock
from paywall.settings import Settings
from tests.conftest import PATIENT_SECONDS
from tests.installation import Installation
from tests.postgres import BIN
from tests.processes import Served, serving

READERS, ACKNOWLEDGED_MIN = 4, 40
PASSWORD = "not-in-any-command"
FAKE = """#!/bin/sh
if [ "$1" = --version ]; then echo "$0 (PostgreSQL) {version}"; exit 0; fi
echo "$0 $*" >> {calls}
for word in "$@"; do case $word in --file=*) echo half > "${{word#--file=}}";; esac; done
echo "detail: a row" >&2
echo "pg_dump: error: the connection was lost" >&2
exit 1
"""


@pytest.fixture(autouse=True)
def _with_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the same version as the tests' server."""
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def elsewhere(tmp_path: Path, empty_url: str) -> Installation:
    """Another machine: an empty database, and no keys."""
    settings = Settings(database_url=empty_url, data_dir=str(tmp_path / "elsewhere"))
    return Installation(settings, tmp_path)


def moved_to(there: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYWALL_DATABASE_URL", there.settings.database_url)
    monkeypatch.setenv("PAYWALL_DATA_DIR", there.settings.data_dir)


class Load:
    """Clients that have credits granted and spend them; `granted` is what was acknowledged."""

    def __init__(self, served: Served) -> None:
        self._address = served.address
        self._headers = {"Authorization": f"Bearer {served.site_token('admin')}"}
        self._tokens = {str(it): served.reader_token(str(it)) for it in range(READERS)}
        self._is_over = threading.Event()
        self._enough = threading.Event()
        self.granted: list[str] = []
        self.unlocked: list[tuple[str, str]] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._spend, args=[it]) for it in self._tokens]
        for thread in threads:
            thread.start()
        try:
            assert self._enough.wait(PATIENT_SECONDS)
            yield
        finally:
            self._is_over.set()
            for thread in threads:
                thread.join()

    def _spend(self, reader: str) -> None:
        with httpx.Client(base_url=f"{self._address}/v1", timeout=PATIENT_SECONDS) as http:
            number = 0
            while not self._is_over.is_set():
                number += 1
                self._grant_and_unlock(http, reader, f"{reader}-{number}")
                if len(self.unlocked) > ACKNOWLEDGED_MIN:
                    self._enough.set()

    def _grant_and_unlock(self, http: httpx.Client, reader: str, name: str) -> None:
        terms = {"amount": 1, "source": "promotion", "reference": name}
        path = f"/subscribers/{reader}/grants"
        http.post(path, json=terms, headers=self._headers).raise_for_status()
        self.granted.append(name)
        article = {"title": name, "policy": "premium"}
        http.put(f"/articles/{name}", json=article, headers=self._headers).raise_for_status()
        token = {"Authorization": f"Bearer {self._tokens[reader]}"}
        http.post("/me/unlocks", json={"article_id": name}, headers=token).raise_for_status()
        self.unlocked.append((reader, name))


@pytest.mark.slow
def test_a_backup_under_load_has_all_that_was_acknowledged(
    database_url: str, tmp_path: Path, elsewhere: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers = 1 if database_url.startswith("sqlite") else 2
    monkeypatch.setenv("PAYWALL_DATABASE_URL", database_url)
    monkeypatch.setenv("PAYWALL_DATA_DIR", str(tmp_path / "var"))
    with serving(tmp_path, workers=workers, database_url=database_url) as served:
        load = Load(served)
        with load.running():
            granted, unlocked = list(load.granted), list(load.unlocked)
            made = run("backup", tmp_path / "b")
            assert made.exit_code == 0, made.output
        assert served.stop() == 0
        log = served.log.read_text()
    assert len(load.unlocked) > len(unlocked)
    assert '"level":"error"' not in log.lower()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "b").iterdir()}
    assert modes == dict.fromkeys(modes, 0o600)
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o700
    moved_to(elsewhere, monkeypatch)
    restored = run("restore", tmp_path / "b")
    assert restored.exit_code == 0, restored.output
    assert "The ledger adds up" in restored.output
    grants = {grant.reference for grant in elsewhere.all(CreditGrant)}
    unlocks = {(unlock.reader_id, unlock.article_id) for unlock in elsewhere.all(Unlock)}
    assert set(granted) <= grants
    assert set(unlocked) <= unlocks
    assert f"{READERS} subscribers, {len(unlocks)} unlocks" in restored.output
    keys = (tmp_path / "var" / "keys.json").read_bytes()
    assert (Path(elsewhere.settings.data_dir) / "keys.json").read_bytes() == keys


def test_nothing_is_overwritten(
    here: Installation, elsewhere: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("keys", "rotate")
    assert run("backup", "b").exit_code == 0
    before = {path: path.read_bytes() for path in (tmp_path / "b").iterdir()}
    assert "exists, and nothing is overwritten" in run("backup", "b").output
    into_itself = run("restore", "b")
    assert into_itself.exit_code == 2
    assert "nothing is overwritten" in into_itself.output
    monkeypatch.setenv("PAYWALL_DATABASE_URL", elsewhere.settings.database_url)
    run("keys", "rotate")
    other_keys = run("restore", "b")
    assert other_keys.exit_code == 2
    assert "keys.json has other keys than the backup" in other_keys.output
    assert {path: path.read_bytes() for path in (tmp_path / "b").iterdir()} == before
    here.assert_sound()
    moved_to(elsewhere, monkeypatch)
    assert run("restore", "b").exit_code == 0


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_backup_that_cannot_be_restored_changes_nothing(
    here: Installation, elsewhere: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.import_rows("grants", *(f"reader{it},1,promotion,{it},," for it in range(2000)))
    assert run("backup", "b").exit_code == 0
    moved_to(elsewhere, monkeypatch)
    folder = Path(elsewhere.settings.data_dir)
    manifest = tmp_path / "b" / "backup.json"
    written = manifest.read_bytes()
    content = json.loads(written)
    for changed, sentence in (
        (content | {"migration": "9999"}, "was made by a newer release"),
        (content | {"is_sqlite": False}, "is of PostgreSQL"),
        ({}, "is not a backup"),
    ):
        manifest.write_text(json.dumps(changed))
        refused = run("restore", "b")
        assert refused.exit_code == 2
        assert sentence in refused.output
    manifest.write_bytes(written)
    copy = tmp_path / "b" / "paywall.sqlite3"
    copy.write_bytes(copy.read_bytes()[: copy.stat().st_size // 2])
    damaged = run("restore", "b")
    assert damaged.exit_code == 2
    assert "The backup is damaged" in damaged.output
    assert not list(tmp_path.glob("empty.sqlite3*[!k]"))
    assert not folder.exists()


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_dump_that_fails_leaves_no_backup(
    here: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_password = here.settings.database_url.replace("paywall@", f"paywall:{PASSWORD}@")
    monkeypatch.setenv("PAYWALL_DATABASE_URL", with_password)
    programs, calls = tmp_path / "programs", tmp_path / "calls"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}/bin")
    fake = programs / "pg_dump"
    for version, sentence in (
        ("15.18", "version 15, and older than the server, 18"),
        ("18.6", "the connection was lost"),
    ):
        fake.write_text(FAKE.format(version=version, calls=calls))
        fake.chmod(0o755)
        failed = run("backup", "b")
        assert (failed.exit_code, failed.stdout) == (2, "")
        assert sentence in failed.stderr
        assert "a row" not in failed.stderr
        assert PASSWORD not in failed.stderr
    called = calls.read_text()
    assert "--format=custom" in called
    assert PASSWORD not in called
    monkeypatch.setenv("PATH", "")
    assert "pg_dump was not found" in run("backup", "b").stderr
    assert [path.name for path in tmp_path.iterdir() if "b" in path.name.split(".")] == []


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_dump_that_is_cut_off_leaves_the_database_empty(
    here: Installation, elsewhere: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.import_rows("grants", *(f"reader{it},1,promotion,{it},," for it in range(500)))
    assert run("backup", "b").exit_code == 0
    moved_to(elsewhere, monkeypatch)
    dump = tmp_path / "b" / "paywall.dump"
    whole = dump.read_bytes()
    # Within the rows: what precedes them, the list of all statements, is whole.
    dump.write_bytes(whole[:-1000])
    assert run("restore", "b").exit_code == 2
    dump.write_bytes(whole)
    restored = run("restore", "b")
    assert restored.exit_code == 0, restored.output
    assert "500 subscribers" in restored.output
