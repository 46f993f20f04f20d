"""`make bench`: measures, prints the report and writes bench.json."""

import asyncio
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from paywall.tokens.keys import Keyring
from paywall.tokens.mint import mint_site
from tests.bench.checks import measure_checks
from tests.bench.databases import fill, postgres_with_databases
from tests.bench.figures import Figures
from tests.bench.machine import CannotMeasure, described, find_tools, keep_off_the_servers_core
from tests.bench.progress import print_progress
from tests.bench.report import report
from tests.bench.servers import (
    CHECK_POSTGRES,
    Place,
    Target,
    memory_mib,
    postgres_pid,
    seconds_to_ready,
    started,
    variants,
    wait_until_it_answers,
)
from tests.bench.tokens import measure_tokens
from tests.bench.unlocks import measure_unlocks
from tests.processes import ROOT

SITE_TOKEN_SECONDS = 3600
STARTS = 3


def main() -> None:
    find_tools()
    core = keep_off_the_servers_core()
    with TemporaryDirectory(prefix="paywall-bench-") as name:
        figures = _measured(Place(Path(name), core))
    path = ROOT / "bench.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(figures)))
    sys.stdout.write(report(figures))
    sys.stdout.write(
        f"\nEvery round is in {path.name}. Next: compare it with docs/performance.md.\n"
    )


def _measured(place: Place) -> Figures:
    with ExitStack() as stack:
        server = stack.enter_context(postgres_with_databases())
        databases = asyncio.run(fill(server, place.folder))
        token = _site_token(place.folder)
        compared = {variant.name: variant for variant in variants(databases)}
        print_progress(f"Starts, {STARTS} times…")
        starts = [seconds_to_ready(compared[CHECK_POSTGRES], place) for _ in range(STARTS)]
        postgres = postgres_pid(server)
        servers = {
            name: Target(stack.enter_context(started(variant, place)), postgres)
            for name, variant in compared.items()
        }
        for target in servers.values():
            wait_until_it_answers(target.served, token)
        checks = measure_checks(servers, token)
        service = servers[CHECK_POSTGRES]
        unlocks = measure_unlocks(service, databases.pgbench, place.folder)
        memory = memory_mib(service.served.process.pid)
    return Figures(
        machine=described(place.core),
        checks=checks,
        unlocks=unlocks,
        memory_mib=memory,
        ready_seconds=starts,
        tokens=asyncio.run(measure_tokens(place.folder)),
    )


def _site_token(folder: Path) -> str:
    now = datetime.now(UTC)
    return mint_site(
        Keyring(folder).newest(now),
        subject="bench",
        scopes=frozenset({"access:check"}),
        lifetime_seconds=SITE_TOKEN_SECONDS,
        now=now,
    ).token


if __name__ == "__main__":
    try:
        main()
    except CannotMeasure as reason:
        sys.stderr.write(f"{reason}\n")
        sys.exit(2)
