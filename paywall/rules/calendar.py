"""Calendar arithmetic: months of the meter in the site's time zone, and billing intervals."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from paywall.rules.enums import Interval

# The end of what would last longer than the calendar of Python.
FAR_FUTURE = datetime(9999, 12, 31, tzinfo=UTC)


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


def add_intervals(at: datetime, interval: Interval, count: int, zone: tzinfo = UTC) -> datetime:
    """`count` intervals after `at`, no later than FAR_FUTURE.

    Days and weeks are multiples of 24 hours. Months and years are counted on the calendar of
    `zone`: a day that the month does not have becomes its last day, and a local time that the day
    does not have is read with the offset before the gap.
    """
    match interval:
        case Interval.DAY:
            return _days_after(at, count)
        case Interval.WEEK:
            return _days_after(at, 7 * count)
        case Interval.MONTH:
            return _months_after(at, count, zone)
        case Interval.YEAR:
            return _months_after(at, 12 * count, zone)


def _days_after(at: datetime, days: int) -> datetime:
    is_too_far = days > (FAR_FUTURE - at).days
    return FAR_FUTURE if is_too_far else at + timedelta(days=days)


def _months_after(at: datetime, count: int, zone: tzinfo) -> datetime:
    here = at.astimezone(zone)
    years, month = divmod(here.month - 1 + count, 12)
    year = here.year + years
    if year >= FAR_FUTURE.year:
        return FAR_FUTURE
    day = min(here.day, monthrange(year, month + 1)[1])
    return here.replace(year=year, month=month + 1, day=day, fold=0).astimezone(UTC)
