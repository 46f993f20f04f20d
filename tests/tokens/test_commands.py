"""`paywall token …` and `paywall keys …`, as they are typed."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from paywall.cli.main import main
from paywall.clock import Clock
from paywall.database.engine import Database
from paywall.settings import Settings
from paywall.tokens.caller import Caller, TokenKind
from paywall.tokens.revocation import is_revoked
from paywall.tokens.scopes import SCOPES
from paywall.tokens.verify import Verifier

SITE, READER = TokenKind.SITE, TokenKind.READER


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def configured(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("PAYWALL_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("PAYWALL_DATA_DIR", settings.data_dir)
    return settings


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def read(token: str, kind: TokenKind, settings: Settings | None = None) -> Caller:
    verifier = Verifier(settings or Settings(), Clock())
    return asyncio.run(verifier.verify(token.removesuffix("\n"), kind))


def test_a_site_token_is_printed_alone_and_is_valid(folder: Path) -> None:
    done = run("token", "site", "--scope", "access:check  readers:token", "--subject", "cms")
    assert done.exit_code == 0
    caller = read(done.stdout, SITE)
    assert caller.scopes == {"access:check", "readers:token"}
    assert (caller.issuer, caller.subject) == ("paywall", "cms")
    assert (caller.expires_at - caller.issued_at).days == 90
    assert f"To revoke it earlier: paywall token revoke --token-id={caller.token_id}" in done.stderr
    assert (folder / "var" / "keys.json").stat().st_mode & 0o777 == 0o600


def test_a_lifetime_is_as_told() -> None:
    done = run("token", "site", "--scope", "admin", "--lifetime-seconds", "60")
    caller = read(done.stdout, SITE)
    assert (caller.expires_at - caller.issued_at).total_seconds() == 60


def test_a_reader_token_is_printed_alone_and_is_valid() -> None:
    done = run("token", "reader", "អ្នកអាន-1")
    assert done.exit_code == 0
    caller = read(done.stdout, READER)
    assert (caller.subject, caller.scopes) == ("អ្នកអាន-1", frozenset())
    assert (caller.expires_at - caller.issued_at).total_seconds() == 900


@pytest.mark.parametrize("scope", ["", " ", "read", "admin,access:check", "Admin"])
def test_an_unknown_scope_is_refused_with_the_list(scope: str) -> None:
    done = run("token", "site", "--scope", scope)
    assert (done.exit_code, done.stdout) == (2, "")
    assert all(known in done.stderr for known in SCOPES)


@pytest.mark.parametrize(
    "words",
    [
        ("token", "site"),
        ("token", "site", "--scope", "admin", "--subject", "a/b"),
        ("token", "site", "--scope", "admin", "--lifetime-seconds", "0"),
        ("token", "site", "--scope", "admin", "--lifetime-seconds", "31622401"),
        ("token", "reader"),
        ("token", "reader", ".."),
        ("token", "revoke"),
        ("token", "revoke", "--token-id", "a", "--subject", "b"),
        ("token", "revoke", "--token-id", "a", "--issuer", "nobody"),
        ("keys", "turn"),
    ],
)
def test_what_is_typed_wrongly_exits_2_and_says_so(
    configured: Settings, words: tuple[str, ...]
) -> None:
    assert configured.database_url
    done = run(*words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Error: " in done.stderr


def test_tokens_are_minted_beside_a_running_service(configured: Settings) -> None:
    running = Database(configured)
    done = run("token", "site", "--scope", "admin")
    assert done.exit_code == 0
    read(done.stdout, SITE, configured)
    asyncio.run(running.close())


@pytest.mark.parametrize("by", ["token_id", "subject"])
def test_a_token_is_revoked(configured: Settings, by: str) -> None:
    caller = read(run("token", "site", "--scope", "admin").stdout, SITE, configured)
    done = run("token", "revoke", f"--{by.replace('_', '-')}={getattr(caller, by)}")
    assert (done.exit_code, done.stdout) == (0, "")

    async def is_revoked_now() -> bool:
        database = Database(configured, for_writing=False)
        found = await is_revoked(database, caller)
        await database.close()
        return found

    assert asyncio.run(is_revoked_now())


def test_beside_a_running_service_on_sqlite_revoking_names_the_route(
    configured: Settings,
) -> None:
    running = Database(configured)
    done = run("token", "revoke", "--token-id", "a")
    asyncio.run(running.close())
    if configured.is_sqlite:
        assert done.exit_code == 2
        assert "POST /v1/tokens/revoke" in done.stderr
    else:
        assert done.exit_code == 0


def test_a_database_without_tables_names_the_command(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYWALL_DATABASE_URL", empty_url)
    done = run("token", "revoke", "--token-id", "a")
    assert done.exit_code == 2
    assert "paywall migrate" in done.stderr


def test_a_database_that_is_gone_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYWALL_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    done = run("token", "site", "--scope", "admin")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "The database cannot be used" in done.stderr


def test_a_rotated_key_signs_and_the_old_one_still_verifies(folder: Path) -> None:
    old = run("token", "site", "--scope", "admin").stdout
    done = run("keys", "rotate")
    assert (done.exit_code, done.stdout) == (0, "")
    new = run("token", "site", "--scope", "admin").stdout
    kids = [key["kid"] for key in json.loads((folder / "var/keys.json").read_text())["keys"]]
    assert len(kids) == 2
    assert kids[-1] in done.stderr
    read(old, SITE)
    read(new, SITE)


def test_a_wrong_setting_is_said_in_a_sentence(folder: Path) -> None:
    (folder / "paywall.toml").write_text("meter_limits = 1\n")
    done = run("token", "site", "--scope", "admin")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "meter_limits" in done.stderr


@pytest.mark.parametrize(
    "words",
    [(), ("token",), ("token", "site"), ("token", "reader"), ("token", "revoke"), ("keys",),
     ("keys", "rotate")],
)  # fmt: skip
def test_help_teaches(words: tuple[str, ...]) -> None:
    done = run(*words, "--help")
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) > 6
