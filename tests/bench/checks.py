"""The check on each server in turn, round after round."""

from collections.abc import Mapping, Sequence

from tests.bench.databases import MANY
from tests.bench.figures import Checks
from tests.bench.load import Run, run_wrk
from tests.bench.progress import print_progress
from tests.bench.servers import CHECK, Target

CONNECTIONS = (8, 64, 256)
ROUNDS = 5
SECONDS = 2


def measure_checks(servers: Mapping[str, Target], site_token: str) -> list[Checks]:
    """Interleaved, so that what else the machine does falls on all of them alike."""
    for target in servers.values():
        _ask(target, site_token, connections=64, seconds=1)
    measured: list[Checks] = []
    for connections in CONNECTIONS:
        print_progress(f"Checks on {connections} connections, {ROUNDS} rounds…")
        rounds = [
            {name: _ask(target, site_token, connections) for name, target in servers.items()}
            for _ in range(ROUNDS)
        ]
        measured += [
            _checks(name, connections, [one_round[name] for one_round in rounds])
            for name in servers
        ]
    return measured


def _ask(target: Target, site_token: str, connections: int, seconds: int = SECONDS) -> Run:
    return run_wrk(
        target, CHECK, "check.lua", site_token, MANY.readers, MANY.articles,
        connections=connections, seconds=seconds,
    )  # fmt: skip


def _checks(server: str, connections: int, runs: Sequence[Run]) -> Checks:
    return Checks(
        server,
        connections,
        per_second=[run.requests / run.seconds for run in runs],
        p50_ms=[run.p50_ms for run in runs],
        p99_ms=[run.p99_ms for run in runs],
        cpu_us=[run.server_cpu_seconds / run.requests * 1e6 for run in runs],
        database_cpu_us=[run.database_cpu_seconds / run.requests * 1e6 for run in runs],
    )
