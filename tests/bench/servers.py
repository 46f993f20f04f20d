"""The servers that are compared, each one worker on the core that is theirs."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import httpx

from tests.bench.databases import Databases
from tests.postgres import free_port, psql
from tests.processes import Served, environment

CHECK = "/v1/access/check"
BARE = "bare server"
CHECK_POSTGRES = "check, PostgreSQL, 1,000,000 unlocks"
CHECK_FEW = "check, PostgreSQL, 10,000 unlocks"
CHECK_SQLITE = "check, SQLite, 1,000,000 unlocks"
NAIVE = "naive check, PostgreSQL, 1,000,000 unlocks"
SERVICE = ("paywall", "serve")


class Variant(NamedTuple):
    """A server to compare: its module and words on the command line, and its database."""

    name: str
    words: tuple[str, ...]
    database_url: str


class Target(NamedTuple):
    """A running server, and the PostgreSQL whose work is measured beside its own."""

    served: Served
    postgres_pid: int


class Place(NamedTuple):
    """Where servers run: the folder of logs and keys, and the core that is theirs."""

    folder: Path
    core: int | None


def variants(databases: Databases) -> list[Variant]:
    """The bare server first: it is what the others are compared with."""
    alone = "tests.bench.alone"
    return [
        Variant(BARE, (alone, "tests.bench.bare:application"), databases.many),
        Variant(CHECK_POSTGRES, SERVICE, databases.many),
        Variant(CHECK_FEW, SERVICE, databases.few),
        Variant(CHECK_SQLITE, SERVICE, databases.sqlite),
        Variant(NAIVE, (alone, "tests.bench.naive:application"), databases.many),
    ]


@contextmanager
def started(variant: Variant, place: Place) -> Iterator[Served]:
    """The server as a process, which is stopped at the end; it need not be ready yet."""
    pinned = [] if place.core is None else ["taskset", "--cpu-list", str(place.core)]
    folder = place.folder / variant.name
    folder.mkdir(exist_ok=True)
    served = Served(
        [*pinned, sys.executable, "-m", *variant.words],
        folder,
        free_port(),
        environment(database_url=variant.database_url, data_dir=str(place.folder)),
    )
    try:
        yield served
    finally:
        served.stop()


def wait_until_it_answers(served: Served, site_token: str) -> None:
    """Until a check is answered, which also makes the server remember the token."""
    served.wait_until(lambda: _answers(served, site_token))


def seconds_to_ready(variant: Variant, place: Place) -> float:
    """From the start of the process to the first 200 of /readyz."""
    begun = time.monotonic()
    with started(variant, place) as served:
        served.wait_until_ready()
        return time.monotonic() - begun


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far, its own and the kernel's for it (proc(5))."""
    return sum(_ticks(pid)[:2]) / os.sysconf("SC_CLK_TCK")


def postgres_cpu_seconds(pid: int) -> float:
    """The same of a PostgreSQL: of its first process, of those that it has, and that it had."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    ticks = sum(_ticks(pid))
    for child in children:
        # One that ends at this moment is counted by the next look, among those that it had.
        with suppress(FileNotFoundError, ProcessLookupError):
            ticks += sum(_ticks(int(child))[:2])
    return ticks / os.sysconf("SC_CLK_TCK")


def postgres_pid(server: str) -> int:
    """PostgreSQL's first process, whose children all others are."""
    folder = Path(psql(f"{server}/postgres", "show data_directory"))
    return int((folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])


def _ticks(pid: int) -> list[int]:
    """utime, stime, cutime and cstime (proc(5)): its own, and that of children which ended."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return [int(field) for field in fields[11:15]]


def memory_mib(pid: int) -> float:
    """What a process holds in memory now (VmRSS)."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    (kibibytes,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return int(kibibytes) / 1024


def _answers(served: Served, site_token: str) -> bool:
    try:
        answer = httpx.post(
            f"{served.address}{CHECK}",
            json={"article_id": "a0", "reader_id": "r0"},
            headers={"Authorization": f"Bearer {site_token}"},
            timeout=5,
        )
    except httpx.TransportError:
        return False
    return answer.status_code == httpx.codes.OK
