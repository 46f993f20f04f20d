"""Months of the meter start at midnight in its time zone; billing months keep their day."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paywall.rules.calendar import add_intervals, month_of
from paywall.rules.enums import Interval

PHNOM_PENH = ZoneInfo("Asia/Phnom_Penh")
NAIVE = (datetime(2020, 1, 1), datetime(2035, 1, 1))  # noqa: DTZ001 (hypothesis wants them so)


def test_the_month_follows_the_time_zone() -> None:
    last_of_november = datetime(2026, 11, 30, 16, 59, 59, tzinfo=UTC)
    month = month_of(last_of_november, PHNOM_PENH)
    assert month.ends_at == datetime(2026, 11, 30, 17, tzinfo=UTC)
    assert month_of(month.ends_at, PHNOM_PENH).starts_at == month.ends_at
    assert month_of(last_of_november, ZoneInfo("UTC")).ends_at == datetime(2026, 12, 1, tzinfo=UTC)


@given(
    st.datetimes(*NAIVE, timezones=st.just(UTC)),
    st.sampled_from(sorted(available_timezones())),
)
def test_months_follow_each_other_without_gaps(now: datetime, zone_name: str) -> None:
    zone = ZoneInfo(zone_name)
    month = month_of(now, zone)
    assert month.starts_at <= now < month.ends_at
    assert month.starts_at.astimezone(zone).day == 1
    assert timedelta(days=27) < month.ends_at - month.starts_at < timedelta(days=32)
    assert month_of(month.ends_at, zone).starts_at == month.ends_at


@pytest.mark.parametrize(
    ("interval", "count", "end"),
    [
        (Interval.DAY, 3, datetime(2027, 2, 3, 9, tzinfo=UTC)),
        (Interval.WEEK, 2, datetime(2027, 2, 14, 9, tzinfo=UTC)),
        (Interval.MONTH, 1, datetime(2027, 2, 28, 9, tzinfo=UTC)),
        (Interval.MONTH, 11, datetime(2027, 12, 31, 9, tzinfo=UTC)),
        (Interval.MONTH, 13, datetime(2028, 2, 29, 9, tzinfo=UTC)),
        (Interval.YEAR, 1, datetime(2028, 1, 31, 9, tzinfo=UTC)),
    ],
)
def test_a_missing_day_becomes_the_months_last(
    interval: Interval, count: int, end: datetime
) -> None:
    assert add_intervals(datetime(2027, 1, 31, 9, tzinfo=UTC), interval, count) == end
