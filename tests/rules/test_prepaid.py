"""Prepaid time: the timelines of the design, and what is special about months."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from paywall.rules.calendar import FAR_FUTURE
from paywall.rules.enums import Interval
from paywall.rules.prepaid import (
    Cover,
    Length,
    PrepaidPayment,
    SequenceMerge,
    Span,
    schedule,
    without,
)

PHNOM_PENH, NEW_YORK = ZoneInfo("Asia/Phnom_Penh"), ZoneInfo("America/New_York")
THIRTY_DAYS = Length(Interval.DAY, 30, UTC)
MONTH, YEAR = Length(Interval.MONTH, 1, UTC), Length(Interval.YEAR, 1, UTC)


def day(text: str, year: int = 2027) -> datetime:
    return datetime.strptime(f"{year} {text}", "%Y %b %d").replace(tzinfo=UTC)


LATE, DISPUTED = Span(day("Feb 15"), FAR_FUTURE), Span(day("Jan 11"), FAR_FUTURE)
WON = Span(day("Jan 11"), day("Mar 1"))


def paid(
    at: datetime, length: Length = THIRTY_DAYS, *removed: Span, sequence_id: str | None = None
) -> PrepaidPayment:
    return PrepaidPayment(at, length, removed, sequence_id)


def cover(starts_at: datetime, ends_at: datetime) -> Cover:
    return Cover(Span(starts_at, ends_at))


def end_of(payments: list[PrepaidPayment], *covers: Cover) -> datetime:
    return max(use.ends_at for uses in schedule(payments, covers, {}) for use in uses)


@pytest.mark.parametrize(
    ("payments", "covers", "ends_at"),
    [
        ([paid(day("Jan 1"))], [cover(day("Jan 10"), day("Feb 10"))], day("Mar 3")),
        (
            [paid(day("Jan 1"), THIRTY_DAYS, LATE), paid(day("Jan 20"))],
            [],
            day("Mar 2"),
        ),
        (
            [paid(day("Jan 1"), THIRTY_DAYS, DISPUTED), paid(day("Jan 2"))],
            [],
            day("Feb 10"),
        ),
        (
            [paid(day("Jan 1"), THIRTY_DAYS, WON), paid(day("Jan 2"))],
            [],
            day("Mar 21"),
        ),
        ([paid(day("Mar 1"))], [cover(day("Jan 1"), day("Mar 5"))], day("Apr 4")),
        ([paid(day("Mar 25"))], [cover(day("Feb 1"), day("Mar 31"))], day("Apr 30")),
        ([paid(day("Jan 31"), MONTH)], [cover(day("Feb 10"), day("Mar 10"))], day("Mar 28")),
        (
            [paid(day("Jan 31"), MONTH), paid(day("Feb 1"), MONTH)],
            [cover(day("Feb 10"), day("Mar 10"))],
            day("Apr 28"),
        ),
    ],
    ids=[
        "a_paid_period_pauses", "used_up_before_the_refund", "disputed", "dispute_won",
        "cancelled_now", "complimentary", "a_month_is_paused", "counting_restarts",
    ],
)  # fmt: skip
def test_access_ends_when_all_paid_time_was_used(
    payments: list[PrepaidPayment], covers: list[Cover], ends_at: datetime
) -> None:
    assert end_of(payments, *covers) == ends_at


@pytest.mark.parametrize(
    ("merged_at", "ends_at"),
    [(day("Jul 1", 2026), day("Jul 4")), (day("Feb 1"), day("Jan 1"))],
    ids=["joined", "used_up_before"],
)
def test_a_merge_joins_what_is_left(merged_at: datetime, ends_at: datetime) -> None:
    bought_at = day("Jan 1", 2026)
    years = [paid(bought_at, YEAR), paid(bought_at, YEAR, sequence_id="merged")]
    uses = schedule(years, [], {"merged": SequenceMerge(None, merged_at)})
    assert max(use.ends_at for of_one in uses for use in of_one) == ends_at


def test_months_count_from_the_first_of_an_unbroken_run() -> None:
    months = [paid(day("Dec 31", 2026), MONTH) for _ in range(3)]
    assert [uses[-1].ends_at for uses in schedule(months, [], {})] == [
        day("Jan 31"), day("Feb 28"), day("Mar 31"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "paid_at", "ends_at"),
    [
        (PHNOM_PENH, "2027-03-01T02:00", "2027-04-01T02:00"),
        (NEW_YORK, "2027-02-14T02:30", "2027-03-14T03:30"),
    ],
    ids=["the_day_is_the_sites", "the_hour_does_not_exist"],
)
def test_months_are_counted_in_the_zone_of_the_purchase(
    zone: ZoneInfo, paid_at: str, ends_at: str
) -> None:
    at = datetime.fromisoformat(paid_at).replace(tzinfo=zone).astimezone(UTC)
    end = end_of([paid(at, Length(Interval.MONTH, 1, zone))]).astimezone(zone)
    assert end.isoformat(timespec="minutes").startswith(ends_at)


def test_time_that_was_never_used_is_not_scheduled() -> None:
    removed = Span(day("Jan 2"), FAR_FUTURE)
    assert schedule([paid(day("Jan 1")), paid(day("Jan 1"), THIRTY_DAYS, removed)], [], {})[1] == []


def test_nothing_lasts_longer_than_the_calendar() -> None:
    age = Length(Interval.DAY, 999_999_999, UTC)
    millennia = Length(Interval.YEAR, 10_000, UTC)
    assert end_of([paid(day("Jan 1"), age), paid(day("Jan 1"))]) == FAR_FUTURE
    assert end_of([paid(day("Jan 1"), millennia)]) == FAR_FUTURE


def test_what_is_left_of_a_span_has_no_empty_parts() -> None:
    span = Span(day("Jan 1"), day("Jan 9"))
    holes = [Span(day("Jan 1"), day("Jan 2")), Span(day("Jan 4"), day("Jan 5"))]
    assert without(span, holes) == [
        Span(day("Jan 2"), day("Jan 4")), Span(day("Jan 5"), day("Jan 9")),
    ]  # fmt: skip
    assert without(span, [span]) == []
    assert without(Span(span.ends_at, span.starts_at), []) == []
