"""Prometheus metrics on their own port, summed over the workers."""

import fcntl
import os
import resource
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Metric,
    ProcessCollector,
    start_http_server,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from paywall.telemetry import worker_ends

NEW = "paywall-metrics-new-"
# A folder has this name once its process holds its lock, which ends with the process.
HELD = "paywall-metrics-held-"
PROCESS_START = "process_start_time_seconds"
PROCESS_CPU = "process_cpu_seconds"


class _Workers(Collector):
    """Collects from the workers' files; live gauges leave out workers that have ended."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        pids = {int(path.stem.rpartition("_")[2]) for path in Path(self._folder).glob("*_*.db")}
        alive = {pid for pid in pids if _is_alive(pid)}
        for pid in pids - alive:
            mark_process_dead(pid, self._folder)
        yield from MultiProcessCollector(CollectorRegistry(), self._folder).collect()
        yield from _process_metrics(alive)


def _process_metrics(workers: Iterable[int]) -> Iterator[Metric]:
    """The `process_…` metrics: sums over this process, the supervisor, and its workers.

    The start is the supervisor's. The processor time of ended workers stays counted, because a
    counter that falls looks like a restart.
    """
    own, *others = [_process_metrics_of(str(pid)) for pid in ("self", *workers)]
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    for name, metric in own.items():
        value = metric.samples[0].value
        if name != PROCESS_START:
            value += sum(one[name].samples[0].value for one in others if name in one)
        if name == PROCESS_CPU:
            value += ended.ru_utime + ended.ru_stime
        metric.samples = [metric.samples[0]._replace(value=value)]
        yield metric


def _process_metrics_of(pid: str) -> dict[str, Metric]:
    """Empty if the process has ended since."""
    collected = ProcessCollector(pid=lambda: pid, registry=None).collect()
    return {metric.name: metric for metric in collected}


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def metrics_folder(workers: int) -> Iterator[str | None]:
    """A folder for the metrics files of several workers; None for one worker.

    It is removed at the end, and folders that a killed service left are removed at the start.
    """
    _remove_abandoned_folders()
    if workers == 1:
        yield None
        return
    made = Path(tempfile.mkdtemp(prefix=NEW))
    lock = os.open(made, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    folder = made.rename(made.with_name(made.name.replace(NEW, HELD, 1)))
    try:
        yield str(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _remove_abandoned_folders() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{HELD}*"):
        # Another user's folder cannot be opened, and a running service's cannot be locked.
        with suppress(OSError):
            lock = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(lock)


@contextmanager
def metrics_server(host: str, port: int, folder: str | None) -> Iterator[None]:
    """Serve this process's metrics, or those of the workers that use `folder`.

    The supervisor adds the number of workers that it replaced. Raises OSError if the port cannot
    be opened.
    """
    registry = REGISTRY
    if folder is not None:
        registry = CollectorRegistry()
        registry.register(_Workers(folder))
        registry.register(worker_ends)
    server, thread = start_http_server(port, host, registry)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
