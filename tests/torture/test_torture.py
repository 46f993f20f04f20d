"""A short run of `make torture`: some faults in a fixed order, and everything is verified."""

from collections.abc import Iterator, Sequence
from random import Random

import pytest

from tests.torture.faults import Fault
from tests.torture.report import table
from tests.torture.run import torture

SEED = 1
FAULTS = {
    "postgresql": [
        "killed after-commit", "killed before-stripe", "PostgreSQL killed",
    ],
    "sqlite": ["killed after-commit", "killed, and the files looked at", "killed before-stripe"],
}  # fmt: skip


@pytest.mark.slow
async def test_acknowledged_requests_survive_faults_exactly_once(
    database_kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def choose(faults: Sequence[Fault], chance: Random) -> Iterator[Fault]:
        del chance
        by_name = {fault.name: fault for fault in faults}
        return (by_name[name] for name in FAULTS[database_kind])

    run = await torture(database_kind, SEED, print, choose, is_timed=False)
    assert run.journal.broken == {}, table(run) + capsys.readouterr().out
    assert run.journal.unlocks

    assert run.journal.unanswered > 0
