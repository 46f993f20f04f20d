"""Three PostgreSQL under Patroni, which keeps its state in etcd: one leader, synchronous standbys.

https://patroni.readthedocs.io/en/latest/replication_modes.html describes the strict mode that is
used here: a commit waits for a standby, or for ever.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.failover.network import HUB_ADDRESS, IP, address, machine, within
from tests.postgres import BIN, unprivileged

# make test-failover installs it there, from its own lock.
PATRONI = Path(__file__).parents[2] / ".venv-failover/bin/patroni"
MACHINES = 3
WITHIN_SECONDS = 180
LOOK_EVERY_SECONDS = 0.2
# The shortest time to live that Patroni allows, so the fastest failover.
TIMES = {"ttl": 20, "loop_wait": 4, "retry_timeout": 4}


class Node:
    """One machine's Patroni with the PostgreSQL that it starts."""

    def __init__(self, number: int, folder: Path) -> None:
        self.number = number
        self.api = f"http://{address(number)}:8008"
        self._log = folder / f"node{number}.log"
        self._settings = folder / f"node{number}.yaml"
        own = folder / f"node{number}"
        own.mkdir(mode=0o700)
        self._settings.write_text(yaml.safe_dump(_settings(number, own)))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = unprivileged(PATRONI, self._settings)
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                within(machine(self.number), *command),
                stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, "PATRONI_LOG_LEVEL": "INFO", "TZ": "UTC"},
            )  # fmt: skip

    def kill(self) -> None:
        """Lose the machine's processes at once, as when its power fails."""
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(20)

    def signal(self, number: int) -> None:
        """Send a signal to every process of the machine, twice so that no new one is missed."""
        for _ in range(2):
            for pid in self._processes():
                with suppress(ProcessLookupError):
                    os.kill(pid, number)

    def status(self) -> dict[str, Any]:
        """What its Patroni answers; empty when it does not."""
        try:
            answer = httpx.get(f"{self.api}/patroni", timeout=2)
        except httpx.TransportError:
            return {}
        status: dict[str, Any] = answer.json()
        return status

    def _processes(self) -> list[int]:
        listed = subprocess.run(
            [IP, "netns", "pids", machine(self.number)],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        return [int(pid) for pid in listed.split()]


class Cluster:
    """The three nodes, and who leads them."""

    def __init__(self, folder: Path) -> None:
        self.nodes = [Node(number, folder) for number in range(1, MACHINES + 1)]
        hosts = ",".join(f"{address(node.number)}:5432" for node in self.nodes)
        self.url = f"postgresql://paywall:paywall@{hosts}/postgres"

    def leader(self) -> Node | None:
        """The only node that calls itself the primary and is running; None while there is none."""
        leaders = [node for node in self.nodes if _is(node, "primary")]
        return leaders[0] if len(leaders) == 1 else None

    def standby(self) -> Node:
        """The standby that commits wait for."""
        return next(node for node in self.nodes if node.status().get("sync_standby"))

    def wait_until_whole(self) -> None:
        """Wait for a leader and two standbys that stream from it, one of them synchronous."""
        wait_until("the cluster is whole", self._is_whole)

    def _is_whole(self) -> bool:
        status = [node.status() for node in self.nodes]
        streaming = [it for it in status if it.get("replication_state") == "streaming"]
        synchronous = [it for it in status if it.get("sync_standby")]
        return (
            self.leader() is not None and len(streaming) == MACHINES - 1 and len(synchronous) == 1
        )


def wait_until(what: str, holds: Callable[[], bool], seconds: float = WITHIN_SECONDS) -> None:
    """Wait until it holds; TimeoutError names what was awaited."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(LOOK_EVERY_SECONDS)


@contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """A whole cluster with its network and etcd; all is stopped and removed at the end.

    Run this inside the hub's namespace (see `tests.failover.__main__`).
    """
    cluster = Cluster(folder)
    etcd = _start_etcd(folder)
    try:
        for node in cluster.nodes:
            node.start()
            # The first becomes the leader, from which the others copy.
            if node.number == 1:
                wait_until("the first node leads", lambda: cluster.leader() is not None)
        cluster.wait_until_whole()
        yield cluster
    finally:
        for node in cluster.nodes:
            node.signal(signal.SIGCONT)
            node.kill()
        etcd.kill()
        etcd.wait()


def _start_etcd(folder: Path) -> "subprocess.Popen[bytes]":
    etcd = shutil.which("etcd") or "/usr/bin/etcd"
    client, peer = f"http://{HUB_ADDRESS}:2379", f"http://{HUB_ADDRESS}:2380"
    with (folder / "etcd.log").open("a") as log:
        return subprocess.Popen(
            [
                etcd, "--name", "one", "--data-dir", str(folder / "etcd"),
                "--listen-client-urls", client, "--advertise-client-urls", client,
                "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                "--initial-cluster", f"one={peer}",
            ],
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip


def _is(node: Node, role: str) -> bool:
    status = node.status()
    return status.get("role") == role and status.get("state") == "running"


def _settings(number: int, folder: Path) -> dict[str, Any]:
    """Patroni's settings of one machine; its data and its socket lie in this folder."""
    here = address(number)
    return {
        "scope": "paywall",
        "name": f"node{number}",
        "restapi": {"listen": f"{here}:8008", "connect_address": f"{here}:8008"},
        "etcd3": {"host": f"{HUB_ADDRESS}:2379"},
        "bootstrap": {
            "dcs": {
                **TIMES,
                "synchronous_mode": True,
                "synchronous_mode_strict": True,
                "postgresql": {
                    "use_pg_rewind": True,
                    "parameters": {"max_connections": 100, "wal_keep_size": "512MB"},
                },
            },
            "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, "data-checksums"],
        },
        "postgresql": {
            "listen": f"{here}:5432",
            "connect_address": f"{here}:5432",
            "bin_dir": str(BIN),
            "data_dir": str(folder / "data"),
            "pg_hba": ["local all all trust", "host all all 192.0.2.0/24 trust",
                       "host replication all 192.0.2.0/24 trust"],
            "authentication": {
                "superuser": {"username": "paywall", "password": "paywall"},
                "replication": {"username": "replicator", "password": "replicator"},
                "rewind": {"username": "paywall", "password": "paywall"},
            },
            "parameters": {"unix_socket_directories": str(folder)},
        },
        # Without a device: docs/postgresql.md says what a watchdog adds.
        "watchdog": {"mode": "off"},
    }  # fmt: skip
