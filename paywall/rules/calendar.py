"""Calendar arithmetic: months of the meter in the site's time zone, and billing intervals."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from paywall.rules.enums import Interval


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


def add_intervals(at: datetime, interval: Interval, count: int) -> datetime:
    """`count` intervals after `at`; a day that the month does not have becomes its last day."""
    match interval:
        case Interval.DAY:
            return at + timedelta(days=count)
        case Interval.WEEK:
            return at + timedelta(weeks=count)
        case Interval.MONTH:
            return _months_after(at, count)
        case Interval.YEAR:
            return _months_after(at, 12 * count)


def _months_after(at: datetime, count: int) -> datetime:
    years, month = divmod(at.month - 1 + count, 12)
    year = at.year + years
    return at.replace(year=year, month=month + 1, day=min(at.day, monthrange(year, month + 1)[1]))
