"""What the documentation shows is what happens."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from urllib.parse import quote

import click
import httpx
import pytest
from prometheus_client import REGISTRY

from paywall.cli.main import main
from paywall.clock import Clock
from paywall.load_settings import load_settings
from paywall.tokens.verify import Verifier
from tests import processes
from tests.conftest import PATIENT_SECONDS
from tests.house.docs import DOCS, README, page_name, pages, story_pages
from tests.postgres import free_port
from tests.processes import Served, playing, until_the_end
from tests.story import assignments, run_story, with_answers

DATABASE_IN_PAGE = "postgresql://paywall:secret@127.0.0.1:5432/paywall"

BODY = "The body of an article that a test published."
# The sandbox's `meter_limit`.
METER_LIMIT = 3
# An id that ends the attribute it stands in, unless it is escaped.
INJECTION = """x'><img src="x" onerror="alert(1)">"""


def _block(page: str, marker: str, language: str) -> str:
    text = (DOCS / page).read_text(encoding="utf-8")
    _, found, rest = text.partition(f"<!-- {marker} -->\n```{language}\n")
    assert found, f"docs/{page} has no block {marker}"
    return rest.partition("```")[0]


# The README's story is enough to see that a sandbox works on another Python version.
STORIES = [
    page if page == README else pytest.param(page, marks=pytest.mark.slow) for page in story_pages()
]


@pytest.mark.parametrize("page", STORIES, ids=page_name)
def test_commands_are_answered_as_the_page_shows(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    with playing(tmp_path) as sandbox:
        answers = run_story(sandbox, text)
    assert with_answers(text, answers) == text, "Run: make docs"
    changed = text.replace(max(answers, key=len), "another answer\n")
    assert with_answers(changed, answers) != changed


@pytest.mark.slow
def test_the_example_site_shows_bodies_only_to_readers_who_may_read(tmp_path: Path) -> None:
    with playing(tmp_path) as sandbox, _example_site(tmp_path, sandbox) as address:
        sandbox.wait_until(lambda: _answers(address))
        stranger, denied = _read(address), _read(address, "ann").text
        assert "lent 41 tonnes" in denied
        assert "tenth sack" not in denied
        assert "<paywall-gate article='rice-bank'>" in denied
        assert "data-paywall-token='/paywall-token'" in denied
        _unlock(sandbox.address, _token(address, "ann"))
        assert "tenth sack" in _read(address, "ann").text
        assert "tenth sack" not in stranger.text
        assert "data-paywall-token" not in stranger.text
        assert _token_response(address).status_code == 204
        for page in ("cross-site", "same-site", "none"):
            assert _token_response(address, "ann", page=page).status_code == 403
        assert _token_response(address, "ann", page="same-origin").status_code == 200
        assert httpx.get(f"{address}/paywall-token").status_code == 403
        _put_article(sandbox, INJECTION)
        injected = httpx.get(f"{address}/{quote(INJECTION)}", timeout=PATIENT_SECONDS)
        assert f"<paywall-gate article='{escape(INJECTION)}'>" in injected.text
        assert INJECTION not in injected.text
        assert httpx.get(f"{address}/").status_code == 404
        unknown = httpx.get(f"{address}/no-such-article", timeout=PATIENT_SECONDS)
        assert unknown.status_code == 404
        assert "paywall-gate" not in unknown.text
        assert "token" in _token_response(address, "ann%").json()
        sandbox.stop()
        without_service = _read(address, "ann")
        assert _token_response(address, "ann").status_code == 503
    assert without_service.status_code == 503
    assert "tonnes" not in without_service.text


@pytest.mark.slow
def test_the_example_site_counts_what_each_visitor_reads(tmp_path: Path) -> None:
    with playing(tmp_path) as sandbox, _example_site(tmp_path, sandbox) as address:
        sandbox.wait_until(lambda: _answers(address))
        pages = [f"metered-{number}" for number in range(METER_LIMIT + 1)]
        for page in pages:
            _put_article(sandbox, page, policy="metered")
        with httpx.Client(base_url=address, timeout=PATIENT_SECONDS) as visitor:
            first = visitor.get(pages[0])
            assert BODY in first.text
            assert first.headers["cache-control"] == "no-store"
            cookie = first.headers["set-cookie"]
            name = re.match("visitor=[0-9a-f]{32};", cookie)
            assert name, cookie
            assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
            assert int(re.findall(r"Max-Age=(\d+)", cookie)[0]) <= 366 * 86_400
            again = [visitor.get(page) for page in pages]
            assert [BODY in answer.text for answer in again] == [True] * METER_LIMIT + [False]
            assert {answer.headers.get("set-cookie", cookie) for answer in again} == {cookie}
        with httpx.Client(base_url=address, timeout=PATIENT_SECONDS) as others:
            for headers in ({}, {"Cookie": "visitor=../../x"}):
                another = others.get(pages[-1], headers=headers)
                assert BODY in another.text
                assert name[0] not in another.headers["set-cookie"]
                others.cookies.clear()
            signed_in = others.get(pages[-1], headers=_cookie("ann"))
        assert BODY in signed_in.text
        for answer in (signed_in, _read(address)):
            assert "set-cookie" not in answer.headers


@contextmanager
def _example_site(folder: Path, sandbox: Served) -> Iterator[str]:
    """The address of the page's example, started as the page says."""
    (folder / "news.py").write_text(_block("integrate.md", "example", "python"), encoding="utf-8")
    exported = dict(line.split("=", 1) for line in assignments(sandbox))
    port = str(free_port())
    site = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "news:app", "--port", port],
        cwd=folder, env={**sandbox.environment, **exported},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        site.terminate()
        site.wait(20)


def _answers(address: str) -> bool:
    try:
        return _read(address).is_success
    except httpx.TransportError:
        return False


def _read(address: str, reader_id: str | None = None) -> httpx.Response:
    return httpx.get(f"{address}/rice-bank", headers=_cookie(reader_id), timeout=PATIENT_SECONDS)


def _token(address: str, reader_id: str) -> str:
    return str(_token_response(address, reader_id).json()["token"])


def _token_response(
    address: str, reader_id: str | None = None, page: str | None = None
) -> httpx.Response:
    headers = _cookie(reader_id) | ({"Sec-Fetch-Site": page} if page else {})
    return httpx.post(f"{address}/paywall-token", headers=headers, timeout=PATIENT_SECONDS)


def _cookie(reader_id: str | None) -> dict[str, str]:
    return {"Cookie": f"reader={reader_id}"} if reader_id else {}


def _put_article(sandbox: Served, article_id: str, policy: str = "premium") -> None:
    token = dict(line.split("=", 1) for line in assignments(sandbox))["SITE_TOKEN"]
    answer = httpx.put(
        f"{sandbox.address}/v1/articles/{quote(article_id)}",
        json={"title": "An article", "policy": policy, "body_html": f"<p>{BODY}</p>"},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 201, answer.text


def _unlock(service: str, token: str) -> None:
    answer = httpx.post(
        f"{service}/v1/me/unlocks",
        json={"article_id": "rice-bank", "max_cost": 1},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 201, answer.text


@pytest.mark.slow
@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_two_workers_serve_from_postgresql_as_the_page_says(tmp_path: Path, empty_url: str) -> None:
    port, metrics_port = free_port(), free_port()

    def shell(marker: str) -> str:
        """What the page's commands print, with this test's database and port."""
        block = _block("postgresql.md", marker, "sh")
        script = block.replace(DATABASE_IN_PAGE, empty_url).replace(":8000/", f":{port}/")
        script = script.replace(":9100/", f":{metrics_port}/")
        return subprocess.run(
            ["bash", "-euc", script],  # noqa: S607 (the shell that a person has)
            cwd=tmp_path, env=environment, check=True, capture_output=True, text=True, timeout=60,
        ).stdout  # fmt: skip

    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**processes.environment(), "PATH": path}
    assert "All well." in shell("migrate")
    serve = _block("postgresql.md", "serve", "sh").split()
    as_in_step_2 = {
        **processes.environment(database_url=empty_url, metrics_port=str(metrics_port)),
        "PATH": path,
    }
    with until_the_end(Served(serve, tmp_path, port, as_in_step_2)) as served:
        assert len(served.workers()) == 2
        printed = shell("try")
    assert '"credits_required"' in printed
    assert 'paywall_decisions_total{reason="credits_required"} 1.0' in printed
    assert "The ledger adds up" in printed


def test_the_example_issuer_is_accepted(tmp_path: Path) -> None:
    block = _block("settings.md", "issuer", "toml")
    (tmp_path / "paywall.toml").write_text(block, encoding="utf-8")
    loaded = load_settings({}, tmp_path)
    assert "https://id.news.example" in Verifier(loaded, Clock()).issuers


def test_every_command_and_metric_is_documented() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in pages())
    metrics = [f"`{family.name}" for family in REGISTRY.collect() if "paywall" in family.name]
    commands = [f"paywall {words}" for words in _commands(main)]
    assert [word for word in (*metrics, *commands) if word not in text] == []


def _commands(group: click.Group, *before: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, *before, name)
        else:
            yield " ".join((*before, name))
