"""Ten thousand readers move over, also if the import is killed."""

import os
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from click.testing import CliRunner

from paywall.cli.main import main
from paywall.database.tables import CreditGrant, Subscription, Unlock
from tests.imports.wordpress.generated import Expected, generate
from tests.imports.wordpress.old_site import write_folder
from tests.installation import Installation

READERS = 10_000


def state_of(here: Installation) -> dict[str, Expected]:
    """What every reader has."""
    readers: defaultdict[str, Expected] = defaultdict(Expected)
    for grant in here.all(CreditGrant):
        readers[grant.reader_id].credits += grant.remaining
    for unlock in here.all(Unlock):
        assert unlock.article_id not in readers[unlock.reader_id].posts
        readers[unlock.reader_id].posts.add(unlock.article_id)
    for subscription in here.all(Subscription):
        assert readers[subscription.reader_id].until is None
        readers[subscription.reader_id].until = subscription.paid_through
    return dict(readers)


def with_something(expected: dict[str, Expected]) -> dict[str, Expected]:
    return {id_: reader for id_, reader in expected.items() if reader != Expected()}


def import_(folder: Path) -> str:
    done = CliRunner().invoke(main, ["import", "wordpress", str(folder)])
    assert done.exit_code == 1, done.stderr
    return done.stdout


@pytest.mark.slow
def test_ten_thousand_readers_get_what_an_oracle_expects(here: Installation) -> None:
    rows, expected = generate(1, READERS)
    folder = write_folder(here.folder / "old", rows)
    assert f"readers: {READERS}, " in import_(folder)
    assert state_of(here) == with_something(expected)
    here.assert_sound()


def test_a_killed_import_is_finished_by_the_next(here: Installation) -> None:
    rows, expected = generate(2, 900)
    folder = write_folder(here.folder / "old", rows)
    running = subprocess.Popen(
        [sys.executable, "-m", "paywall", "import", "wordpress", str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=here.folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert running.stdout is not None
    for _ in range(250):
        assert running.stdout.readline().startswith("reader ")
    running.send_signal(signal.SIGKILL)
    running.communicate()
    killed_at = state_of(here)
    assert 0 < len(killed_at) < len(with_something(expected))
    import_(folder)
    assert state_of(here) == with_something(expected)
    again = import_(folder)
    assert "new unlocks: 0\nnew credits: 0\nnew complimentary subscriptions: 0\n" in again
    assert state_of(here) == with_something(expected)
    here.assert_sound()
