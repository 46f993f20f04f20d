"""Prometheus metrics on a port of their own, summed over the workers."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, Metric, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector


class _Workers(Collector):
    """What the workers' files say; what is only true of the living leaves out the dead."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        for path in Path(self._folder).glob("gauge_live*_*.db"):
            pid = int(path.stem.rpartition("_")[2])
            if not _is_alive(pid):
                mark_process_dead(pid, self._folder)
        yield from MultiProcessCollector(CollectorRegistry(), self._folder).collect()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def exposed(host: str, port: int, folder: str | None) -> Iterator[None]:
    """Serve this process's metrics, or those of the workers that count into `folder`.

    Raises OSError where the port cannot be had.
    """
    registry = REGISTRY
    if folder is not None:
        registry = CollectorRegistry()
        registry.register(_Workers(folder))
    server, thread = start_http_server(port, host, registry)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
