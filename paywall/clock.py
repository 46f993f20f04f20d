"""One clock for all machines: the database's."""

import time
from datetime import UTC, datetime


class Clock:
    """Tells the database's time; between two measurements it runs on this machine's monotonic one.

    A process measures every few seconds (`Database.measure_clock`), so two machines agree to
    within half a round trip. SQLite is on this machine, whose own clock is then the database's.
    """

    def __init__(self) -> None:
        self.measured(datetime.now(UTC), time.monotonic(), time.monotonic())

    def measured(self, told: datetime, asked: float, answered: float) -> None:
        """The database told its time between these two readings of `time.monotonic()`."""
        self._origin_seconds = told.timestamp() - (asked + answered) / 2

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._origin_seconds + time.monotonic(), UTC)


class FollowingClock(Clock):
    """Goes by the clock of a stand-in for Stripe, so that both have one time when it is moved."""

    def measured(self, told: datetime, asked: float, answered: float) -> None:
        """The database's time does not count, once the stand-in's was told."""
        if not hasattr(self, "_origin_seconds"):
            super().measured(told, asked, answered)

    def follow(self, told: datetime, asked: float, answered: float) -> None:
        """The stand-in told its time between these two readings of `time.monotonic()`."""
        super().measured(told, asked, answered)
