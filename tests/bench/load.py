"""wrk as one run on one server, and what the run came to."""

import subprocess
from pathlib import Path

import msgspec

from tests.bench.machine import CannotMeasure
from tests.bench.servers import Target, cpu_seconds, postgres_cpu_seconds

# An answer that is late is no error: the naive server keeps the last of 256 waiting.
TIMEOUT = "--timeout=10s"
SCRIPTS = Path(__file__).parent


class Run(msgspec.Struct, frozen=True):
    """What figures.lua tells; `created` counts answers of 201 where the script looks for them."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    errors: int
    created: int
    server_cpu_seconds: float = 0.0
    database_cpu_seconds: float = 0.0


def run_wrk(
    target: Target, path: str, script: str, *words: object, connections: int, seconds: int
) -> Run:
    """Ask a server as fast as it answers; raises CannotMeasure where an answer is an error."""
    url = f"{target.served.address}{path}"
    options = ["--threads=1", f"--connections={connections}", f"--duration={seconds}s", TIMEOUT]
    pid = target.served.process.pid
    server, database = cpu_seconds(pid), postgres_cpu_seconds(target.postgres_pid)
    done = subprocess.run(
        ["/usr/bin/env", "wrk", *options, f"--script={script}", url, "--", *map(str, words)],
        cwd=SCRIPTS, check=True, capture_output=True, text=True,
    )  # fmt: skip
    server = cpu_seconds(pid) - server
    database = postgres_cpu_seconds(target.postgres_pid) - database
    run = msgspec.json.decode(done.stdout.splitlines()[-1], type=Run)
    if run.errors:
        raise CannotMeasure(f"{run.errors} of {run.requests} requests to {url} failed.")
    return msgspec.structs.replace(
        run,
        server_cpu_seconds=server,
        database_cpu_seconds=database,
    )
