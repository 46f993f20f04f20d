"""Until when a subscription opens everything: a function of what was paid, never of a job."""

from datetime import datetime
from typing import NamedTuple


class Period(NamedTuple):
    """The time that a subscription opens: `[starts_at, entitled_until)`."""

    starts_at: datetime
    entitled_until: datetime


def is_running(period: Period, now: datetime) -> bool:
    return period.starts_at <= now < period.entitled_until
