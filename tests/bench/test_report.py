"""The bench's report is made from its figures rightly; what the figures are is no test's matter."""

import msgspec
import pytest

from tests.bench.checks import CONNECTIONS
from tests.bench.figures import Checks, Figures, TokenCost, Unlocks, ratio
from tests.bench.goals import goals
from tests.bench.report import report
from tests.bench.servers import BARE, CHECK_FEW, CHECK_POSTGRES, CHECK_SQLITE, NAIVE

SERVERS = {BARE: 10_000.0, CHECK_POSTGRES: 6_000.0, CHECK_FEW: 6_100.0, CHECK_SQLITE: 5_000.0,
           NAIVE: 300.0}  # fmt: skip


def checks(server: str, connections: int, per_second: float) -> Checks:
    return Checks(
        server=server,
        connections=connections,
        per_second=[per_second] * 3,
        p50_ms=[5e4 / per_second] * 3,
        p99_ms=[1e5 / per_second] * 3,
        cpu_us=[5e5 / per_second] * 3,
        database_cpu_us=[30.0] * 3,
    )


@pytest.fixture
def figures() -> Figures:
    return Figures(
        machine={"processor": "a slow one"},
        checks=[checks(name, c, rate) for c in CONNECTIONS for name, rate in SERVERS.items()],
        unlocks=Unlocks([400.0] * 3, [200.0] * 3, [1000.0] * 3, [1500.0] * 3, [700.0] * 3),
        memory_mib=95.0,
        ready_seconds=[1.0, 1.2, 4.0],
        tokens=[TokenCost("EdDSA", 240.0, 0.4)],
    )


def rows(text: str, *begin: str) -> list[list[str]]:
    """The cells of the table rows that begin with these."""
    found = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in text.splitlines()]
    return [cells for cells in found if cells[: len(begin)] == list(begin)]


def test_a_ratio_is_the_median_of_the_rounds_and_not_the_ratio_of_medians() -> None:
    received = ratio([10.0, 60.0, 20.0], [10.0, 100.0, 50.0])
    assert (received.median, received.least, received.most) == (0.6, 0.4, 1.0)


def test_rounds_that_do_not_match_are_no_ratio() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratio([1.0, 2.0], [1.0])


def test_each_server_is_compared_with_the_bare_one_of_its_own_connections(
    figures: Figures,
) -> None:
    alone = checks(BARE, 64, 12_000.0)
    others = [one for one in figures.checks if (one.server, one.connections) != (BARE, 64)]
    text = report(msgspec.structs.replace(figures, checks=[alone, *others]))
    (at_64,) = rows(text, "64", CHECK_POSTGRES)
    (at_256,) = rows(text, "256", CHECK_POSTGRES)
    assert at_64[2:] == [
        "6,000", "0.50 (0.50–0.50)", "8.33", "16.67", "2.00", "83", "2.00", "30",
    ]  # fmt: skip
    assert at_256[3] == "0.60 (0.60–0.60)"


def test_unlocks_are_compared_with_pgbench(figures: Figures) -> None:
    text = report(figures)
    assert rows(text, "Unlocks/s, 1,000 readers", "400", "0.40 (0.40–0.40)")
    assert rows(text, "Unlocks/s, one reader", "200", "0.20 (0.20–0.20)")


def test_a_start_that_was_slow_once_is_not_the_figure(figures: Figures) -> None:
    assert rows(report(figures), "Start to ready", "1.20 s")


def test_a_promise_that_is_missed_is_told(figures: Figures) -> None:
    verdicts = {goal.what: goal.is_held for goal in goals(figures)}
    assert verdicts.pop("Check on PostgreSQL, of the bare server, 256 connections") is False
    assert verdicts.pop("Its CPU, times the bare server's, 64 connections") is False
    assert all(verdicts.values())
    (missed,) = rows(report(figures), "Check on PostgreSQL, of the bare server, 256 connections")
    assert missed[1:] == ["0.60", "at least 0.70", "0.85", "no"]


def test_a_promise_that_is_held_short_of_its_goal_says_so(figures: Figures) -> None:
    (held,) = rows(report(figures), "Check on PostgreSQL, of the bare server, 64 connections")
    assert held[-1] == "yes, short of the goal"


def test_what_is_kept_of_a_run_can_be_read_again(figures: Figures) -> None:
    assert msgspec.json.decode(msgspec.json.encode(figures), type=Figures) == figures
