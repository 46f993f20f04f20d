"""A client is generated from the contract without a warning, and a typed story uses it."""

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from paywall.tokens.keys import Keyring
from paywall.tokens.mint import mint_site
from tests.contract.file import TODAY
from tests.processes import serving

pytestmark = pytest.mark.slow  # no other Python generates another client
STORY = Path(__file__).with_name("typed_story.py")
BIN = Path(sys.executable).parent
GENERATED_WITHIN_SECONDS = 180


def run(*words: object, folder: Path) -> str:
    """What a command prints; it finds the tools of this interpreter, and succeeds."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [*map(str, words)], cwd=folder, env={**os.environ, "PATH": path}, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=GENERATED_WITHIN_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with the client and the story beside it; and what the generator printed."""
    folder = tmp_path_factory.mktemp("client")
    words = "generate --meta none --fail-on-warning --path".split()
    client = "--output-path", "paywall_client"
    printed = run(BIN / "openapi-python-client", *words, TODAY, *client, folder=folder)
    shutil.copy(STORY, folder / "story.py")
    return folder, printed


def site_token(folder: Path, scope: str) -> str:
    now = datetime.now(UTC)
    key = Keyring(folder / "var").newest(now)
    minted = mint_site(
        key, subject="site", scopes=frozenset([scope]), lifetime_seconds=600, now=now
    )
    return minted.token


def test_a_client_is_generated_without_a_warning(generated: tuple[Path, str]) -> None:
    folder, printed = generated
    assert printed.strip() == "Generating paywall_client"
    assert (folder / "paywall_client" / "models" / "price_changed_problem.py").is_file()


def test_the_story_is_typed(generated: tuple[Path, str]) -> None:
    folder, _ = generated
    # The generator's own client.py is not typed strictly.
    words = "-m mypy --strict --python-version 3.11 --follow-imports silent --cache-dir cache"
    printed = run(sys.executable, *words.split(), "story.py", folder=folder)
    assert printed.startswith("Success: no issues found")


def test_the_story_runs_against_the_service(generated: tuple[Path, str], tmp_path: Path) -> None:
    folder, _ = generated
    with serving(tmp_path) as served:
        tokens = [site_token(tmp_path, scope) for scope in ("admin", "access:check")]
        assert not run(sys.executable, "story.py", served.address, *tokens, folder=folder)
