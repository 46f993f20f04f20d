"""The machine: what has to be on it, which core does what, and what it is, for the report."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

from tests.postgres import BIN


class CannotMeasure(Exception):  # noqa: N818 (a state of things, told to a person)
    """Why nothing was measured; the text says what to do."""


def find_tools() -> None:
    """Install wrk where that is ours to do; raises CannotMeasure where something is missing."""
    if not Path("/proc/self/stat").exists() or shutil.which("taskset") is None:
        raise CannotMeasure("The bench needs Linux with /proc and taskset (package util-linux).")
    apt = shutil.which("apt-get")
    if shutil.which("wrk") is None and apt is not None and os.getuid() == 0:
        for words in (["update"], ["install", "--yes", "wrk"]):
            subprocess.run([apt, *words, "-qq"], check=False, capture_output=True)
    if shutil.which("wrk") is None:
        raise CannotMeasure("The bench needs wrk: install it (apt install wrk), and try again.")


def keep_off_the_servers_core() -> int | None:
    """Leave the first core to the server, and tell it; None where there is but one.

    What this process starts stays on the other cores, unless taskset moves it.
    """
    first, *others = sorted(os.sched_getaffinity(0))
    if not others:
        return None
    os.sched_setaffinity(0, others)
    return first


def described(server_core: int | None) -> dict[str, str]:
    """What a reader of the figures has to know about where they are from."""
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory_bytes / 1024**3:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "postgresql": _postgres_version(),
        "pinning": _pinning(server_core),
    }


def _postgres_version() -> str:
    received = subprocess.run(
        [str(BIN / "postgres"), "--version"], check=True, capture_output=True, text=True
    )
    return received.stdout.split()[-1]


def _pinning(server_core: int | None) -> str:
    if server_core is None:
        return "one core for everything: the figures are lower than where there are two"
    others = ", ".join(map(str, sorted(os.sched_getaffinity(0))))
    return f"server on core {server_core}; wrk, pgbench and PostgreSQL on core {others}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
