"""A database without tables, or none: each command says once what to do, and exits 2."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from paywall.cli.main import main
from tests.installation import HEADS
from tests.postgres import free_port

XML = '<rss xmlns:wp="http://wordpress.org/export/1.2/"><channel></channel></rss>'
ROWS = {
    "articles": "a1,t,,,free,,",
    "grants": "ann,1,migration,x,,",
    "unlocks": "ann,a1,2026-01-01T00:00:00Z",
    "subscriptions": "ann,,2027-01-01T00:00:00Z,",
}
COMMANDS = [
    *(["import", kind, f"{kind}.csv"] for kind in HEADS),
    ["import", "wxr", "export.xml"],
    ["export", "ann"],
    ["audit"],
    ["token", "revoke", "--subject=site"],
    ["catalogue", "sync"],
    ["reconcile"],
]


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAYWALL_STRIPE_SECRET_KEY", "sk_test_none")
    monkeypatch.setenv("PAYWALL_STRIPE_WEBHOOK_SECRETS", "whsec_none")
    monkeypatch.setenv("PAYWALL_STRIPE_API_BASE", f"http://127.0.0.1:{free_port()}")
    for kind, head in HEADS.items():
        Path(f"{kind}.csv").write_text(f"{head}\n{ROWS[kind]}\n")
    Path("export.xml").write_text(XML)


def _typed(words: list[str], monkeypatch: pytest.MonkeyPatch, database_url: str) -> Result:
    monkeypatch.setenv("PAYWALL_DATABASE_URL", database_url)
    return CliRunner().invoke(main, words)


def _assert_says_once(done: Result, what: str) -> None:
    assert (done.exit_code, done.stdout) == (2, ""), done.output
    assert done.stderr.startswith("Error: "), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert what in done.stderr


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_before_the_first_start_it_says_to_migrate(
    words: list[str], empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _assert_says_once(_typed(words, monkeypatch, empty_url), "`paywall migrate`")
    if empty_url.startswith("sqlite:"):
        assert not Path(empty_url.removeprefix("sqlite:///")).exists()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_server_that_is_not_there_is_named(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"postgresql://paywall@127.0.0.1:{free_port()}/paywall"
    _assert_says_once(_typed(words, monkeypatch, address), "The database cannot be used")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_file_that_is_no_database_is_named(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("garbage").write_bytes(b"x" * 8192)
    said = "The database refuses this: file is not a database."
    _assert_says_once(_typed(words, monkeypatch, "sqlite:///garbage"), said)


def test_tokens_are_minted_before_the_first_start(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = _typed(["token", "site", "--scope", "access:check"], monkeypatch, empty_url)
    assert (done.exit_code, done.stdout.count("\n")) == (0, 1)
    assert _typed(["keys", "rotate"], monkeypatch, empty_url).exit_code == 0


@pytest.mark.parametrize("words", [["token", "reader", "ann"], ["keys", "rotate"], ["migrate"]])
def test_a_server_that_is_not_there_is_named_to_those_who_need_no_table(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"postgresql://paywall@127.0.0.1:{free_port()}/paywall"
    _assert_says_once(_typed(words, monkeypatch, address), "The database cannot be used")
