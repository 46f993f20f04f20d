"""What the README shows is what happens."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import httpx
import pytest
from prometheus_client import REGISTRY

from paywall import settings
from paywall.cli import main
from paywall.clock import Clock
from paywall.tokens.verify import Verifier
from tests.conftest import PATIENT_SECONDS
from tests.house.readme import README
from tests.postgres import free_port
from tests.processes import ROOT, Served, playing
from tests.story import answers, assignments, printed, retold, typed

TEXT = README.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with playing(tmp_path_factory.mktemp("sandbox")) as served:
        yield served


@pytest.fixture(scope="module")
def told(sandbox: Served) -> list[str]:
    return answers(sandbox, typed(TEXT))


def test_the_story_is_answered_as_the_readme_shows(told: list[str]) -> None:
    assert retold(TEXT, told) == TEXT, "The README's story is not today's: make readme."


@pytest.mark.parametrize("line", ['"unlocks_left": 2', '"reason": "credits_required"', "adds up"])
def test_a_change_of_the_readme_or_of_the_service_is_seen(told: list[str], line: str) -> None:
    changed = TEXT.replace(line, "something else")
    assert changed != TEXT
    assert retold(changed, told) != changed


def test_what_make_run_prints_to_paste_is_in_the_story(sandbox: Served) -> None:
    commands = [part for part in printed(sandbox).split("\n\n") if part.startswith("curl")]
    assert len(commands) == 3
    story = "".join(typed(TEXT))
    assert [command for command in commands if command.strip() not in story] == []


def test_the_site_in_the_readme_shows_bodies_to_those_alone_who_may_read(
    tmp_path: Path,
) -> None:
    with playing(tmp_path) as sandbox, _news(tmp_path, sandbox) as address:
        sandbox.wait_until(lambda: _is_up(address))
        assert "tenth sack" not in _read(address, "bo").text
        assert "lent 41 tonnes" in _read(address, "bo").text
        answers(sandbox, typed(TEXT)[1:2])
        assert "tenth sack" in _read(address, "ann").text
        sandbox.stop()
        without = _read(address, "ann")
    assert without.status_code == 503
    assert "tonnes" not in without.text


@contextmanager
def _news(folder: Path, sandbox: Served) -> Iterator[str]:
    """The README's example, as a person starts it; its address."""
    (folder / "news.py").write_text(_block("example", "python"), encoding="utf-8")
    given = dict(line.split("=", 1) for line in assignments(sandbox))
    port = str(free_port())
    site = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "news:app", "--port", port],
        cwd=folder, env={**sandbox.environment, **given},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        site.terminate()
        site.wait(20)


def _is_up(address: str) -> bool:
    try:
        return _read(address, "nobody").is_success
    except httpx.TransportError:
        return False


def _read(address: str, reader_id: str) -> httpx.Response:
    return httpx.get(
        f"{address}/rice-bank", headers={"Cookie": f"reader={reader_id}"}, timeout=PATIENT_SECONDS
    )


def _block(marker: str, language: str) -> str:
    _, _, rest = TEXT.partition(f"<!-- {marker} -->\n```{language}\n")
    return rest.partition("```")[0]


def test_the_issuer_in_the_readme_is_one_that_the_service_takes(tmp_path: Path) -> None:
    (tmp_path / "paywall.toml").write_text(_block("issuer", "toml"), encoding="utf-8")
    loaded = settings.load({}, tmp_path)
    assert "https://id.news.example" in Verifier(loaded, Clock()).issuers


def test_every_command_metric_and_folder_is_in_the_readme() -> None:
    metrics = [f"`{family.name}" for family in REGISTRY.collect() if "paywall" in family.name]
    folders = [f"paywall/{path.parent.name}/" for path in ROOT.glob("paywall/*/__init__.py")]
    commands = [f"paywall {words}" for words in _commands(main)]
    assert [word for word in (*metrics, *folders, *commands) if word not in TEXT] == []


def _commands(group: click.Group, *before: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, *before, name)
        else:
            yield " ".join((*before, name))
