"""On a full disk reads work, writes are unavailable, and a start gives the reason."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from paywall.settings import Settings
from tests.conftest import PATIENT_SECONDS, Bearer
from tests.disk import Enlarge, small_disk
from tests.processes import command, environment
from tests.test_story import check, put_article

DISK_BYTES = 3 * 2**20
BODY = "<p>a</p>" * 25_000
PUTS_MAX = 50


@pytest.fixture(params=["sqlite"])
def database_kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def enlarge(tmp_path: Path) -> Iterator[Enlarge]:
    with small_disk(tmp_path / "disk", DISK_BYTES) as enlarge:
        yield enlarge


@pytest.fixture
def settings(enlarge: Enlarge, sqlite_template: Path, tmp_path: Path) -> Settings:
    del enlarge  # asked for so that the disk is there first
    database = tmp_path / "disk" / "paywall.sqlite3"
    shutil.copy(sqlite_template, database)
    return Settings(
        database_url=f"sqlite:///{database}",
        data_dir=str(tmp_path),
        request_timeout_seconds=PATIENT_SECONDS,
    )


async def test_writes_are_unavailable_until_there_is_space_and_reads_go_on(
    service: httpx.AsyncClient, bearer: Bearer, enlarge: Enlarge
) -> None:
    statuses = []
    for number in range(PUTS_MAX):
        put = await put_article(service, bearer, f"a{number}", body_html=BODY)
        statuses.append(put.status_code)
        if put.status_code != httpx.codes.CREATED:
            break
    *made, refused = statuses
    assert (set(made), refused) == ({201}, 503)
    assert (await check(service, bearer, "a0"))["unlock_cost"] == 1
    enlarge()
    assert (await put_article(service, bearer, "later")).status_code == 201
    for number in range(len(made)):
        kept = await service.get(f"/v1/articles/a{number}", headers=bearer.site())
        assert kept.status_code == 200


@pytest.mark.parametrize("kib", [4, 128], ids=["for the key alone", "for half of the tables"])
def test_a_start_on_a_full_disk_fails_with_the_reason(kib: int, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    surroundings = environment(data_dir=str(disk), database_url=f"sqlite:///{disk}/it.sqlite3")
    with small_disk(disk, kib * 1024):
        ended = command("serve", "--port", 0, folder=tmp_path, environment=surroundings)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    sentence = json.loads(line)["message"]
    assert sentence.startswith("The database cannot be used: ")
    assert "disk" in sentence
