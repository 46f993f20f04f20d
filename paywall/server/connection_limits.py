"""Limits for the connections of a process: how long each may wait, and how many there may be.

One timer checks all connections, because a timer for each request would slow checks down.
"""

import asyncio
import resource
import time
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum, auto
from typing import Protocol

from paywall.telemetry import logger

# From the start of a connection, and later from a request's first byte, to the end of its head.
HEAD_WITHIN_SECONDS = 10.0
# Idle connections are kept for longer than proxies keep theirs.
#
# Caddy keeps them for 120 seconds, nginx for 60. The proxy has to close first: a request that
# arrives just as the service closes is lost, and no proxy repeats a POST by itself.
IDLE_SECONDS = 150
# Until a connection is dropped whose client reads nothing.
WRITE_WITHIN_SECONDS = 30.0
SWEEP_EVERY_SECONDS = 1.0
WARN_EVERY_SECONDS = 60.0
OPEN_FILES_WANTED = 16_384
# For databases, keys, logs, and calls to others.
OPEN_FILES_RESERVED = 128
CONNECTIONS_DEFAULT_MAX = 10_000
CONNECTIONS_DEFAULT_MIN = 16


def connections_by_open_files(open_files: int) -> int:
    """The number of connections that a limit on open files allows."""
    if open_files == resource.RLIM_INFINITY:
        return CONNECTIONS_DEFAULT_MAX
    left = open_files - OPEN_FILES_RESERVED
    return min(max(left, CONNECTIONS_DEFAULT_MIN), CONNECTIONS_DEFAULT_MAX)


def open_files_max() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def raise_open_files() -> None:
    """Raise this process's soft limit on open files, as far as the hard limit allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES_WANTED if hard == resource.RLIM_INFINITY else min(OPEN_FILES_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class ConnectionWait(Enum):
    """What a connection is waiting for."""

    FIRST_REQUEST = auto()
    HEAD = auto()
    # The rest of the body of a request that was answered already.
    BODY = auto()
    # The application's response, which has its own deadline.
    ANSWER = auto()
    NEXT_REQUEST = auto()


class Watched(Protocol):
    """A connection; `waiting_since` is when its current wait began, by the monotonic clock."""

    waiting_since: float

    @property
    def waits_for(self) -> ConnectionWait: ...
    @property
    def unsent_bytes(self) -> int: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


class ConnectionLimits:
    """Closes connections that wait too long and, if there are too many, the longest waiting."""

    def __init__(self, connections_max: int, *, body_within_seconds: float) -> None:
        self.connections_max = connections_max
        self.wait_max_seconds = {
            ConnectionWait.FIRST_REQUEST: HEAD_WITHIN_SECONDS,
            ConnectionWait.HEAD: HEAD_WITHIN_SECONDS,
            ConnectionWait.BODY: body_within_seconds,
            ConnectionWait.NEXT_REQUEST: IDLE_SECONDS,
        }
        self.now: Callable[[], float] = time.monotonic
        # Ordered by the start of the wait, the earliest first.
        self._by_wait: OrderedDict[Watched, None] = OrderedDict()
        # Unsent bytes, and since when that number has not changed.
        self._unsent: dict[Watched, tuple[int, float]] = {}
        self._closed_for_others = 0
        self._warned_at = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._by_wait)

    def add(self, connection: Watched) -> None:
        """Register a new connection; above the limit, the one that waited longest is closed."""
        self._by_wait[connection] = None
        connection.waiting_since = self.now()
        if len(self._by_wait) > self.connections_max:
            self._make_room()
        if self._timer is None:
            self._schedule_sweep()

    def restart_wait(self, connection: Watched) -> None:
        """Record that the connection begins to wait for something else."""
        connection.waiting_since = self.now()
        if connection in self._by_wait:
            self._by_wait.move_to_end(connection)

    def remove(self, connection: Watched) -> None:
        self._by_wait.pop(connection, None)
        self._unsent.pop(connection, None)
        if not self._by_wait and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close_overdue(self) -> None:
        """Close every connection that has waited for too long."""
        now = self.now()
        for connection in list(self._by_wait):
            if self._is_stalled(connection, now):
                connection.abort()
            elif now - connection.waiting_since > self.wait_max_seconds.get(
                connection.waits_for, float("inf")
            ):
                connection.close()
        self._warn(now)

    def _schedule_sweep(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(SWEEP_EVERY_SECONDS, self._sweep)

    def _sweep(self) -> None:
        self._schedule_sweep()
        self.close_overdue()

    def _is_stalled(self, connection: Watched, now: float) -> bool:
        """Whether its client reads nothing: the number of unsent bytes has not changed for long."""
        unsent = connection.unsent_bytes
        if not unsent:
            self._unsent.pop(connection, None)
            return False
        before, since = self._unsent.get(connection, (0, now))
        if unsent != before:
            self._unsent[connection] = (unsent, now)
        return unsent == before and now - since > WRITE_WITHIN_SECONDS

    def _make_room(self) -> None:
        for connection in self._by_wait:
            if connection.waits_for is not ConnectionWait.ANSWER:
                break
        else:
            return
        self._closed_for_others += 1
        self.remove(connection)
        connection.abort()
        self._warn(self.now())

    def _warn(self, now: float) -> None:
        if self._closed_for_others and now - self._warned_at >= WARN_EVERY_SECONDS:
            logger.warning(
                "too many connections: raise connections_max, or the limit of open files",
                extra={
                    "fields": {
                        "connections_max": self.connections_max,
                        "closed": self._closed_for_others,
                    }
                },
            )
            self._warned_at, self._closed_for_others = now, 0
