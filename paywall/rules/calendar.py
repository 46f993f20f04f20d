"""The meter's month, in the site's time zone."""

from datetime import UTC, datetime, tzinfo
from typing import NamedTuple


class Month(NamedTuple):
    """One calendar month as an interval `[starts_at, ends_at)` of instants."""

    starts_at: datetime
    ends_at: datetime


def month_of(now: datetime, zone: tzinfo) -> Month:
    """The calendar month of `zone` that `now` falls in."""
    here = now.astimezone(zone)
    year, month = here.year, here.month
    following = (year + month // 12, month % 12 + 1)
    return Month(_first_instant(year, month, zone), _first_instant(*following, zone))


def _first_instant(year: int, month: int, zone: tzinfo) -> datetime:
    return datetime(year, month, 1, tzinfo=zone).astimezone(UTC)
