"""One clock for all machines: the database's."""

import time
from datetime import UTC, datetime


class Clock:
    """The database's time, extrapolated with this machine's monotonic clock.

    A process measures it every few seconds (`Database.measure_clock`), so that two machines agree
    within half a round trip. SQLite runs on this machine and uses its clock.
    """

    def __init__(self) -> None:
        self.measured(datetime.now(UTC), time.monotonic(), time.monotonic())

    def measured(self, server_time: datetime, sent_at: float, received_at: float) -> None:
        """Synchronize with the database's time, read between two `time.monotonic()` values."""
        self._origin_seconds = server_time.timestamp() - (sent_at + received_at) / 2

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._origin_seconds + time.monotonic(), UTC)


class FollowingClock(Clock):
    """Follows the clock of the Stripe stand-in, so that both agree when it is moved."""

    def measured(self, server_time: datetime, sent_at: float, received_at: float) -> None:
        """Ignore the database's time once the stand-in's time is known."""
        if not hasattr(self, "_origin_seconds"):
            super().measured(server_time, sent_at, received_at)

    def follow(self, server_time: datetime, sent_at: float, received_at: float) -> None:
        """Synchronize with the stand-in's time, read between two `time.monotonic()` values."""
        super().measured(server_time, sent_at, received_at)
