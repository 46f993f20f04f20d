"""Lose the leader again and again under load; compare what was acknowledged with what is there.

Runs inside the hub's namespace; `python -m tests.failover` creates it.
"""

import argparse
import asyncio
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from tests.failover.cluster import Cluster, Node, running_cluster
from tests.failover.load import Load
from tests.failover.network import cut, reconnect
from tests.processes import Served, command, environment, serving

# Requests that hang on the frozen standby reach their deadline (2 s) and are repeated meanwhile.
STANDBY_FROZEN_SECONDS = 5
LOAD_BEFORE_SECONDS = 3
WRITES_BACK_WITHIN_SECONDS = 60
# Each unlock of the load costs one credit, so its entries have to add up to that.
SPENT_TWICE = """
    select count(*) from unlock u left join (
        select unlock_id, sum(-amount) as spent from ledger_entry group by unlock_id) e
    on e.unlock_id = u.id where coalesce(e.spent, 0) <> 1"""
UNLOCKED_TWICE = """
    select count(*) from (
        select 1 from unlock group by reader_id, article_id having count(*) > 1) twice"""


@dataclass
class Fault:
    """One kind of fault, and what its rounds showed."""

    name: str
    begin: Callable[[Cluster, Node], None]
    finish: Callable[[Node], None]
    # Whether PostgreSQL itself can lose what it confirmed (docs/postgresql.md).
    can_lose: bool = False
    seconds: list[float] = field(default_factory=list)
    acknowledged: int = 0
    missing: int = 0
    control_missing: int = 0
    double: int = 0


def _kill(_cluster: Cluster, leader: Node) -> None:
    leader.kill()


def _freeze(_cluster: Cluster, leader: Node) -> None:
    leader.signal(signal.SIGSTOP)


def _cut(_cluster: Cluster, leader: Node) -> None:
    cut(leader.number)


def _lose_both(cluster: Cluster, leader: Node) -> None:
    """Let commits wait for a frozen standby until clients give up, then lose the leader."""
    standby = cluster.standby()
    standby.signal(signal.SIGSTOP)
    time.sleep(STANDBY_FROZEN_SECONDS)
    leader.kill()
    standby.signal(signal.SIGCONT)


FAULTS = [
    Fault("leader killed", _kill, Node.start),
    Fault("leader frozen", _freeze, lambda node: node.signal(signal.SIGCONT), can_lose=True),
    Fault("leader cut off", _cut, lambda node: reconnect(node.number)),
    Fault("standby frozen, leader killed", _lose_both, Node.start),
]


async def _round(fault: Fault, cluster: Cluster, load: Load) -> None:
    """One fault, until the cluster is whole again."""
    await asyncio.sleep(LOAD_BEFORE_SECONDS)
    before = len(load.journal.unlocks)
    leader = await asyncio.to_thread(cluster.leader)
    assert leader is not None
    begun = time.monotonic()
    await asyncio.to_thread(fault.begin, cluster, leader)
    while (seconds := load.journal.first_after(begun + STANDBY_FROZEN_SECONDS)) is None:
        await asyncio.sleep(0.1)
        if time.monotonic() - begun > WRITES_BACK_WITHIN_SECONDS * 2:
            raise TimeoutError(f"{fault.name}: no write was acknowledged again")
    fault.seconds.append(seconds + STANDBY_FROZEN_SECONDS)
    fault.finish(leader)
    await asyncio.to_thread(cluster.wait_until_whole)
    await asyncio.sleep(LOAD_BEFORE_SECONDS)
    fault.acknowledged += len(load.journal.unlocks) - before


async def _compare(fault: Fault, load: Load, url: str) -> None:
    """Add to the fault what has gone missing or double since the last comparison."""
    unlocks, control = dict(load.journal.unlocks), set(load.journal.control)
    connection = await asyncpg.connect(url, target_session_attrs="primary", timeout=10)
    try:
        stored = {
            (row["reader_id"], row["article_id"])
            for row in await connection.fetch("select reader_id, article_id from unlock")
        }
        rows = {row["number"] for row in await connection.fetch("select number from control")}
        double = [await connection.fetchval(query) for query in (SPENT_TWICE, UNLOCKED_TWICE)]
    finally:
        await connection.close()
    for lost in (missing := unlocks.keys() - stored):
        load.journal.unlocks.pop(lost)
    load.journal.control -= (gone := control - rows)
    fault.missing += len(missing)
    fault.control_missing += len(gone)
    fault.double += sum(double)


async def _play(rounds: int, cluster: Cluster, served: Served) -> bool:
    load = Load(served, cluster.url)
    await asyncio.to_thread(load.grant_credits)
    writing = asyncio.create_task(load.run())
    for number in range(1, rounds + 1):
        for fault in FAULTS:
            await _round(fault, cluster, load)
            await _compare(fault, load, cluster.url)
            sys.stdout.write(
                f"Round {number} of {rounds}, {fault.name}: writes back after"
                f" {fault.seconds[-1]:.1f} s; missing {fault.missing}, double {fault.double}\n"
            )
            sys.stdout.flush()
            if writing.done():
                await writing
    load.end()
    await writing
    return _report(load)


def _report(load: Load) -> bool:
    """Print one line for each kind of fault; whether all held."""
    sys.stdout.write(
        f"\n{'fault':<30}{'rounds':>7}{'acknowledged':>14}{'missing':>9}{'double':>8}"
        f"{'control missing':>17}{'back (s): median':>18}{'longest':>9}\n"
    )
    for fault in FAULTS:
        sys.stdout.write(
            f"{fault.name:<30}{len(fault.seconds):>7}{fault.acknowledged:>14}{fault.missing:>9}"
            f"{fault.double:>8}{fault.control_missing:>17}"
            f"{statistics.median(fault.seconds):>18.1f}{max(fault.seconds):>9.1f}\n"
        )
    statuses = dict(sorted(load.journal.statuses.items(), key=str))
    sys.stdout.write(f"Responses: {statuses}\n")
    return (
        all(not fault.double for fault in FAULTS)
        and all(_is_nothing_lost(fault) for fault in FAULTS)
        and all(max(fault.seconds) < WRITES_BACK_WITHIN_SECONDS for fault in FAULTS)
        and statuses.keys() <= {200, 201, 503}
    )


def _is_nothing_lost(fault: Fault) -> bool:
    """Or only what PostgreSQL lost of its own rows too, which the service cannot prevent."""
    if fault.can_lose and fault.control_missing:
        return True
    return not fault.missing and not fault.control_missing


def main() -> int:
    """Play the rounds; 0 if nothing was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="of each kind of fault")
    rounds = parser.parse_args().rounds
    folder = Path(tempfile.mkdtemp(prefix="paywall-failover-"))
    sys.stdout.write(f"Starting a cluster; its logs are in {folder}\n")
    with running_cluster(folder) as cluster:
        _migrate(folder, cluster.url)
        with serving(
            folder, workers=2, database_url=cluster.url, default_policy="premium"
        ) as served:
            held = asyncio.run(_play(rounds, cluster, served))
            held = _audit(served) and held
    sys.stdout.write("All held.\n" if held else f"Something did not hold. See {folder}\n")
    return 0 if held else 1


def _migrate(folder: Path, url: str) -> None:
    done = command("migrate", folder=folder, environment=environment(database_url=url))
    if done.returncode:
        raise RuntimeError(done.stderr)


def _audit(served: Served) -> bool:
    found = command("audit", folder=served.folder, environment=served.environment)
    sys.stdout.write(f"paywall audit: {found.stdout.strip()}\n")
    return found.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
