"""Metrics of how busy a process is, set at regular intervals: counting would slow checks down."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from prometheus_client import Gauge, Histogram

from paywall.database.engine import Database
from paywall.http.deadline import Deadline
from paywall.server.check_batches import Batches
from paywall.server.connection_limits import ConnectionLimits
from paywall.settings import Settings

EVERY_SECONDS = 0.5


def _gauge(name: str, description: str) -> Gauge:
    """A gauge that is the sum over all workers that run."""
    return Gauge(f"paywall_{name}", description, multiprocess_mode="livesum")


_workers = _gauge("workers", "Worker processes that serve.")
_requests_in_flight = _gauge("requests_in_flight", "Requests whose response has not begun.")
_checks_waiting = _gauge("checks_waiting", "Checks that wait for a database connection.")
_tasks = _gauge("tasks", "Tasks of the event loops.")
_client_connections = _gauge("client_connections", "Open connections of clients.")
_client_connections_max = _gauge("client_connections_max", "Client connections that may be open.")
_database_connections_in_use = _gauge(
    "database_connections_in_use", "Connections of the pool that are in use."
)
_database_connections_max = _gauge(
    "database_connections_max", "Connections that the pool may have."
)
_event_loop_lag_seconds = Histogram(
    "paywall_event_loop_lag_seconds",
    "How late the event loop ran a timer that was due.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
_disk_free_bytes = Gauge(
    "paywall_disk_free_bytes",
    "Free space of the disk with the data_dir, and with the SQLite database.",
    ["folder"],
    multiprocess_mode="livemin",
)


class Busy(NamedTuple):
    """The parts of a process whose load is reported."""

    database: Database
    batches: Batches
    deadlines: Sequence[Deadline]
    connections: ConnectionLimits
    settings: Settings


async def keep_reporting(busy: Busy) -> None:
    """Report for as long as the service runs."""
    _workers.set(1)
    _client_connections_max.set(busy.connections.connections_max)
    _database_connections_max.set(busy.database.connections_max)
    now = asyncio.get_running_loop().time
    while True:
        _report(busy)
        due_at = now() + EVERY_SECONDS
        await asyncio.sleep(EVERY_SECONDS)
        _event_loop_lag_seconds.observe(max(0.0, now() - due_at))


def _report(busy: Busy) -> None:
    _requests_in_flight.set(sum(len(deadline) for deadline in busy.deadlines))
    _checks_waiting.set(busy.batches.waiting)
    _tasks.set(len(asyncio.all_tasks()))
    _client_connections.set(len(busy.connections))
    _database_connections_in_use.set(busy.database.connections_in_use)
    # A folder that is gone for a moment must not end the reports.
    with suppress(OSError):
        for name, folder in folders(busy.settings).items():
            _disk_free_bytes.labels(name).set(free_bytes(folder))


def folders(settings: Settings) -> dict[str, Path]:
    """The folders that the service writes to."""
    named = {"data_dir": settings.data_path}
    if settings.is_sqlite:
        named["database"] = Path(settings.database.removeprefix("sqlite:///")).parent
    return named


def free_bytes(folder: Path) -> int:
    """The space that this user can still fill."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize
