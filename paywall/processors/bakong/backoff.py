"""How long a call is not repeated after the bank refused it (403, 429)."""

from typing import NamedTuple

SECONDS_MIN = 1.0
SECONDS_MAX = 60.0


class Pause(NamedTuple):
    """Until when a call is not made, in seconds of a monotonic clock, and how long that was."""

    until: float
    seconds: float


def next_pause(last: Pause | None, now: float, retry_after_seconds: float | None) -> Pause:
    """Twice as long as the last one, or as long as the bank asks; always within the limits."""
    grown = SECONDS_MIN if last is None else last.seconds * 2
    asked = retry_after_seconds or 0.0
    seconds = min(max(grown, asked), SECONDS_MAX)
    return Pause(now + seconds, seconds)


def parse_retry_after(header: str | None) -> float | None:
    """The seconds of a `Retry-After` header; None for a date, or if there is none."""
    return float(header) if header and header.isascii() and header.isdigit() else None
