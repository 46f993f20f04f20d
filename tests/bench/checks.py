"""The check on each server in turn, round after round."""

from collections.abc import Mapping, Sequence

from tests.bench.databases import MANY
from tests.bench.figures import Checks
from tests.bench.load import Run, run_wrk
from tests.bench.progress import say
from tests.bench.servers import CHECK
from tests.processes import Served

CONNECTIONS = (8, 64, 256)
ROUNDS = 5
SECONDS = 2


def measure_checks(servers: Mapping[str, Served], site_token: str) -> list[Checks]:
    """Interleaved, so that what else the machine does falls on all of them alike."""
    for served in servers.values():
        _ask(served, site_token, connections=64, seconds=1)
    measured: list[Checks] = []
    for connections in CONNECTIONS:
        say(f"Checks on {connections} connections, {ROUNDS} rounds…")
        rounds = [
            {name: _ask(served, site_token, connections) for name, served in servers.items()}
            for _ in range(ROUNDS)
        ]
        measured += [
            _checks(name, connections, [one_round[name] for one_round in rounds])
            for name in servers
        ]
    return measured


def _ask(served: Served, site_token: str, connections: int, seconds: int = SECONDS) -> Run:
    return run_wrk(
        f"{served.address}{CHECK}", "check.lua", site_token, MANY.readers, MANY.articles,
        server=served.process.pid, connections=connections, seconds=seconds,
    )  # fmt: skip


def _checks(server: str, connections: int, runs: Sequence[Run]) -> Checks:
    return Checks(
        server,
        connections,
        per_second=[run.requests / run.seconds for run in runs],
        p50_ms=[run.p50_ms for run in runs],
        p99_ms=[run.p99_ms for run in runs],
        cpu_us=[run.server_cpu_seconds / run.requests * 1e6 for run in runs],
    )
