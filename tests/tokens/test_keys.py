"""The service's own keys: one file, readable by the service alone, shared by all its processes."""

import asyncio
import json
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import jwt
import pytest

from paywall.problems import Problem
from paywall.settings import Settings, SettingsError
from paywall.tokens.caller import TokenKind
from paywall.tokens.keys import KEPT_WHEN_RETIRED, Keyring
from paywall.tokens.mint import Minted, mint_site
from paywall.tokens.verify import Verifier
from tests.conftest import PATIENT_SECONDS, START, SetClock

SITE = TokenKind.SITE
RACER = """
import sys, datetime, pathlib
from paywall.tokens.keys import Keyring
sys.stdin.read(1)
print(Keyring(pathlib.Path(sys.argv[1])).newest(datetime.datetime.now(datetime.UTC)).kid)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "var"


@pytest.fixture
def verifier(folder: Path, clock: SetClock) -> Verifier:
    return Verifier(Settings(data_dir=str(folder)), clock)


def mint(keyring: Keyring, clock: SetClock, lifetime_seconds: int = 86_400) -> Minted:
    return mint_site(
        keyring.newest(clock.now()),
        subject="site",
        scopes=frozenset({"access:check"}),
        lifetime_seconds=lifetime_seconds,
        now=clock.now(),
    )


def kids(folder: Path) -> list[str]:
    return [key["kid"] for key in json.loads((folder / "keys.json").read_text())["keys"]]


def remove(folder: Path, kid: str) -> None:
    path = folder / "keys.json"
    keys = json.loads(path.read_text())["keys"]
    path.write_text(json.dumps({"keys": [key for key in keys if key["kid"] != kid]}))


def test_the_key_is_made_on_first_use_for_this_user_alone(folder: Path) -> None:
    keyring = Keyring(folder)
    assert not folder.exists()
    key = keyring.newest(START)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "keys.json").stat().st_mode & 0o777 == 0o600
    assert {path.name for path in folder.iterdir()} == {"keys.json", "keys.lock"}
    assert Keyring(folder).newest(START) == key


def test_processes_that_start_at_once_end_with_one_key(folder: Path) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for racer in racers:
        assert racer.stdin
        racer.stdin.write("!")
        racer.stdin.flush()
    said = {racer.communicate(timeout=PATIENT_SECONDS)[0].strip() for racer in racers}
    assert said == set(kids(folder))
    assert len(said) == 1


async def test_threads_that_rotate_at_once_lose_no_key(folder: Path) -> None:
    rings = [Keyring(folder) for _ in range(8)]
    keys = await asyncio.gather(*(asyncio.to_thread(ring.rotate, START) for ring in rings))
    assert sorted(key.kid for key in keys) == sorted(kids(folder))


async def test_a_running_service_signs_with_a_rotated_key_and_takes_both(
    verifier: Verifier, folder: Path, clock: SetClock
) -> None:
    before = mint(verifier.keyring, clock)
    Keyring(folder).rotate(clock.now())
    after = mint(Keyring(folder), clock)
    await verifier.verify(before.token, SITE)
    await verifier.verify(after.token, SITE)
    assert verifier.keyring.newest(clock.now()).kid == kids(folder)[-1]


async def test_a_planned_key_is_copied_before_it_signs_without_a_gap(
    tmp_path: Path, clock: SetClock
) -> None:
    """Two machines with a file each; every token of one is accepted by the other at all times."""
    here, there = (Verifier(Settings(data_dir=str(tmp_path / it)), clock) for it in "ab")
    old = here.keyring.newest(clock.now()).kid

    def copy() -> None:
        (tmp_path / "b").mkdir(mode=0o700, exist_ok=True)
        shutil.copy2(tmp_path / "a" / "keys.json", tmp_path / "b" / "keys.json")

    async def signing_kid() -> str:
        tokens = [mint(machine.keyring, clock).token for machine in (here, there)]
        for token in tokens:
            assert await here.verify(token, SITE)
            assert await there.verify(token, SITE)
        (kid,) = {jwt.get_unverified_header(token)["kid"] for token in tokens}
        return str(kid)

    copy()
    new = here.keyring.rotate(clock.now(), clock.now() + timedelta(hours=24)).kid
    assert await signing_kid() == old
    clock.move(hours=12)
    copy()
    assert await signing_kid() == old
    assert [key["kid"] for key in there.keyring.public_jwks(clock.now())["keys"]] == [old, new]
    clock.move(hours=12)
    assert await signing_kid() == new
    here.keyring.rotate(clock.now(), clock.now() + timedelta(hours=24))
    newest = here.keyring.rotate(clock.now()).kid
    copy()
    assert await signing_kid() == newest


async def test_a_removed_key_ends_its_tokens_though_remembered(
    verifier: Verifier, folder: Path, clock: SetClock
) -> None:
    old = mint(verifier.keyring, clock)
    await verifier.verify(old.token, SITE)
    kept = mint_site(
        Keyring(folder).rotate(clock.now()),
        subject="site", scopes=frozenset(), lifetime_seconds=60, now=clock.now(),
    )  # fmt: skip
    await verifier.verify(kept.token, SITE)
    remove(folder, kids(folder)[0])
    clock.move(seconds=1)
    assert verifier.recall(old.token.encode(), SITE) is None
    with pytest.raises(Problem, match="names no key"):
        await verifier.verify(old.token, SITE)
    assert verifier.recall(kept.token.encode(), SITE) is not None


async def test_a_removed_file_ends_every_token_and_the_next_is_signed_anew(
    verifier: Verifier, folder: Path, clock: SetClock
) -> None:
    old = mint(verifier.keyring, clock)
    await verifier.verify(old.token, SITE)
    (folder / "keys.json").unlink()
    clock.move(seconds=1)
    with pytest.raises(Problem):
        await verifier.verify(old.token, SITE)
    await verifier.verify(mint(verifier.keyring, clock).token, SITE)


def test_a_retired_key_is_dropped_when_its_last_token_has_ended(
    folder: Path, clock: SetClock
) -> None:
    keyring = Keyring(folder)
    first, second = keyring.newest(clock.now()), keyring.rotate(clock.now())
    clock.at += KEPT_WHEN_RETIRED - timedelta(seconds=1)
    third = keyring.rotate(clock.now())
    assert kids(folder) == [first.kid, second.kid, third.kid]
    clock.move(seconds=1)
    published = keyring.public_jwks(clock.now())["keys"]
    assert [key["kid"] for key in published] == [second.kid, third.kid]
    fourth = keyring.rotate(clock.now())
    assert kids(folder) == [second.kid, third.kid, fourth.kid]


def test_public_keys_have_no_private_part(folder: Path) -> None:
    keyring = Keyring(folder)
    keyring.rotate(START)
    secrets = [key["private_key"] for key in json.loads((folder / "keys.json").read_text())["keys"]]
    published = json.dumps(keyring.public_jwks(START))
    assert '"d"' not in published
    assert not any(secret in published for secret in secrets)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"keys": [{"kid": "a"}]}', "\xff",
     '{"keys": [{"kid": "a", "private_key": "AAAA", "created_at": "2026-01-01T00:00:00Z"}]}'],
)  # fmt: skip
def test_a_spoilt_key_file_stops_the_start_and_is_left_as_it_is(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / "keys.json").touch(mode=0o600)
    (folder / "keys.json").write_text(text, encoding="latin-1")
    with pytest.raises(SettingsError, match=r"keys\.json cannot be read"):
        Keyring(folder).newest(START)
    assert (folder / "keys.json").read_text(encoding="latin-1") == text


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602])
def test_a_key_file_that_others_can_open_stops_the_start(folder: Path, mode: int) -> None:
    key = Keyring(folder).newest(START)
    path = folder / "keys.json"
    path.chmod(mode)
    with pytest.raises(SettingsError, match=f"chmod 600 {path}"):
        Keyring(folder).newest(START)
    assert path.stat().st_mode & 0o777 == mode
    path.chmod(0o600)
    assert Keyring(folder).newest(START) == key


async def test_a_slip_in_the_file_does_not_stop_a_running_service(
    verifier: Verifier, folder: Path, clock: SetClock
) -> None:
    token = mint(verifier.keyring, clock).token
    (folder / "keys.json").write_text("{")
    clock.move(seconds=1)
    await verifier.verify(token, SITE)
    await verifier.verify(mint(verifier.keyring, clock).token, SITE)


def test_a_folder_that_cannot_be_made_is_named_with_the_mend(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="data_dir"):
        Keyring(tmp_path / "file" / "var").newest(START)
