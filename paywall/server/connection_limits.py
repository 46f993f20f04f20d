"""Every connection of a process: how long each may wait for its client, and how many there may be.

One timer looks at all of them: one for each request would cost a check too much.
"""

import asyncio
import resource
import time
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum, auto
from typing import Protocol

from paywall.telemetry import logger

# From a connection's beginning, and later from a request's first byte, until its head is there.
HEAD_WITHIN_SECONDS = 10.0
# A connection without a request is kept for longer than proxies keep theirs.
#
# Caddy keeps it for 120 seconds, nginx for 60. Whoever ends it must be the proxy: a request that
# comes just as the service ends it is lost, and no proxy repeats a POST by itself.
IDLE_SECONDS = 150
# Until a client that reads nothing of what was written is given up.
WRITE_WITHIN_SECONDS = 30.0
LOOK_EVERY_SECONDS = 1.0
WARN_EVERY_SECONDS = 60.0
OPEN_FILES_WANTED = 16_384
# For databases, keys, logs, and calls to others.
OPEN_FILES_RESERVED = 128
CONNECTIONS_DEFAULT_MAX = 10_000
CONNECTIONS_DEFAULT_MIN = 16


def connections_by_open_files(open_files: int) -> int:
    """How many connections a limit of open files leaves room for."""
    if open_files == resource.RLIM_INFINITY:
        return CONNECTIONS_DEFAULT_MAX
    left = open_files - OPEN_FILES_RESERVED
    return min(max(left, CONNECTIONS_DEFAULT_MIN), CONNECTIONS_DEFAULT_MAX)


def open_files_max() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def raise_open_files() -> None:
    """Lift this process's own limit of open files towards what the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES_WANTED if hard == resource.RLIM_INFINITY else min(OPEN_FILES_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class ConnectionWait(Enum):
    """What a connection is waiting for."""

    FIRST_REQUEST = auto()
    HEAD = auto()
    # The rest of a body, whose request was answered already.
    BODY = auto()
    # The application's answer, which has a deadline of its own.
    ANSWER = auto()
    NEXT_REQUEST = auto()


class Watched(Protocol):
    """A connection; `waiting_since` is when it last had to do with its client or its answer."""

    waiting_since: float

    @property
    def waits_for(self) -> ConnectionWait: ...
    @property
    def unsent_bytes(self) -> int: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


class ConnectionLimits:
    """Closes what waits for too long; and whatever waited longest, where there are too many."""

    def __init__(self, connections_max: int, *, body_within_seconds: float) -> None:
        self.connections_max = connections_max
        self.within_seconds = {
            ConnectionWait.FIRST_REQUEST: HEAD_WITHIN_SECONDS,
            ConnectionWait.HEAD: HEAD_WITHIN_SECONDS,
            ConnectionWait.BODY: body_within_seconds,
            ConnectionWait.NEXT_REQUEST: IDLE_SECONDS,
        }
        self.now: Callable[[], float] = time.monotonic
        # Those that have waited longest come first.
        self._by_wait: OrderedDict[Watched, None] = OrderedDict()
        # How much was unsent, and since when.
        self._unsent: dict[Watched, tuple[int, float]] = {}
        self._closed_for_others = 0
        self._warned_at = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._by_wait)

    def add(self, connection: Watched) -> None:
        """Watch over a new connection; one more than there may be costs another its place."""
        self._by_wait[connection] = None
        connection.waiting_since = self.now()
        if len(self._by_wait) > self.connections_max:
            self._make_room()
        if self._timer is None:
            self._look_later()

    def restart_wait(self, connection: Watched) -> None:
        """It begins to wait for something else than before."""
        connection.waiting_since = self.now()
        if connection in self._by_wait:
            self._by_wait.move_to_end(connection)

    def remove(self, connection: Watched) -> None:
        self._by_wait.pop(connection, None)
        self._unsent.pop(connection, None)
        if not self._by_wait and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def look(self) -> None:
        """Close what has waited for too long by now."""
        now = self.now()
        for connection in list(self._by_wait):
            if self._is_stalled(connection, now):
                connection.abort()
            elif now - connection.waiting_since > self.within_seconds.get(
                connection.waits_for, float("inf")
            ):
                connection.close()
        self._warn(now)

    def _look_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOK_EVERY_SECONDS, self._look_again)

    def _look_again(self) -> None:
        self._look_later()
        self.look()

    def _is_stalled(self, connection: Watched, now: float) -> bool:
        """Whether its client reads nothing: what is unsent has not changed for long."""
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
