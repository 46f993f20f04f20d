"""What the service's processes use, read from outside."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.processes import CLIENT, Served

TASKS = "paywall_tasks"
# Of a small number of descriptors or tasks 5 % are less than one.
COUNT_MARGIN = 4


class Sample(NamedTuple):
    """Of all processes of the service together, `minute` minutes after the start."""

    minute: float
    resident_bytes: int
    descriptors: int
    tasks: int

    def __str__(self) -> str:
        return (
            f"{self.resident_bytes / 2**20:.1f} MiB, {self.descriptors} file descriptors,"
            f" {self.tasks} tasks"
        )


def take_sample(served: Served, metrics_port: int, minute: float) -> Sample:
    pids = {served.process.pid, *served.workers()}
    return Sample(
        minute,
        sum(_resident_bytes(pid) for pid in pids),
        sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids),
        _tasks(metrics_port),
    )


def middle(samples: Sequence[Sample]) -> Sample:
    """The median of each, so that one busy moment does not decide."""
    columns = zip(*samples, strict=True)
    minute, resident_bytes, descriptors, tasks = (median(column) for column in columns)
    return Sample(minute, int(resident_bytes), int(descriptors), int(tasks))


def growth(before: Sample, after: Sample, share: float) -> list[str]:
    """What grew by more than this share."""
    grown = []
    for name in ("resident_bytes", "descriptors", "tasks"):
        first, last = getattr(before, name), getattr(after, name)
        margin = 0 if name == "resident_bytes" else COUNT_MARGIN
        if last > first * (1 + share) + margin:
            grown.append(f"{name}: {first:,} became {last:,}")
    return grown


def _resident_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def _tasks(metrics_port: int) -> int:
    text = CLIENT.get(f"http://127.0.0.1:{metrics_port}/metrics").text
    return sum(int(float(line.split()[-1])) for line in text.splitlines() if line.startswith(TASKS))
