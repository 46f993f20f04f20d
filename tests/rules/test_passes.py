"""Passes run in the order of their payments."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paywall.rules.passes import PassPayment, pass_starts
from paywall.rules.refunds import ClawbackAmount, wholly_clawed_back_at

START = datetime(2026, 11, 24, tzinfo=UTC)
WEEK = timedelta(days=7)
DAYS = [START + timedelta(days=day) for day in range(40)]
moments = st.sampled_from(DAYS)
passes = st.builds(
    PassPayment,
    moments,
    st.sampled_from([timedelta(days=1), WEEK]),
    st.none() | moments,
    st.none() | moments,
)
queues = st.lists(passes, max_size=6).map(lambda found: sorted(found, key=lambda one: one.paid_at))


def test_the_second_starts_when_the_first_ends() -> None:
    queue = [PassPayment(DAYS[0], WEEK), PassPayment(DAYS[1], WEEK), PassPayment(DAYS[20], WEEK)]
    assert pass_starts(queue) == [DAYS[0], DAYS[7], DAYS[20]]


def test_a_pass_ended_before_the_next_payment_causes_no_delay() -> None:
    ended = PassPayment(DAYS[0], WEEK, ended_at=DAYS[2])
    refunded = PassPayment(DAYS[0], WEEK, refunded_at=DAYS[3])
    assert pass_starts([ended, PassPayment(DAYS[1], WEEK)]) == [DAYS[0], DAYS[7]]
    assert pass_starts([ended, PassPayment(DAYS[2], WEEK)]) == [DAYS[0], DAYS[2]]
    assert pass_starts([refunded, PassPayment(DAYS[3], WEEK)]) == [DAYS[0], DAYS[7]]
    assert pass_starts([refunded, PassPayment(DAYS[4], WEEK)]) == [DAYS[0], DAYS[4]]


@pytest.mark.parametrize("gone", [{"ended_at": DAYS[2]}, {"refunded_at": DAYS[2]}], ids=str)
def test_a_pass_ended_before_its_start_causes_no_delay(gone: dict[str, datetime]) -> None:
    first, second = PassPayment(DAYS[0], WEEK, **gone), PassPayment(DAYS[1], WEEK, **gone)
    assert pass_starts([first, second, PassPayment(DAYS[3], WEEK)]) == [DAYS[0], DAYS[7], DAYS[3]]


def test_a_refund_does_not_move_passes_paid_before_it() -> None:
    queue = [PassPayment(DAYS[0], WEEK), PassPayment(DAYS[1], WEEK), PassPayment(DAYS[2], WEEK)]
    for place, one in enumerate(queue):
        refunded = [*queue]
        refunded[place] = one._replace(refunded_at=DAYS[4])
        assert pass_starts(refunded) == pass_starts(queue)


@given(queues)
def test_no_pass_starts_before_its_payment_and_none_overlap(
    queue: list[PassPayment],
) -> None:
    starts = pass_starts(queue)
    assert all(start >= one.paid_at for one, start in zip(queue, starts, strict=True))
    unrefunded_starts = pass_starts(
        [one._replace(ended_at=None, refunded_at=None) for one in queue]
    )
    assert unrefunded_starts == sorted(unrefunded_starts)


@given(queues, passes)
def test_a_payment_reported_late_removes_no_access(
    queue: list[PassPayment], late: PassPayment
) -> None:
    queue = [one._replace(ended_at=None, refunded_at=None) for one in queue]
    late = late._replace(ended_at=None, refunded_at=None)
    expected = sorted([*queue, late], key=lambda one: one.paid_at)
    assert open_days(queue) <= open_days(expected)


def open_days(queue: list[PassPayment]) -> set[datetime]:
    spans = [
        (start, start + one.lasts) for one, start in zip(queue, pass_starts(queue), strict=True)
    ]
    days = {START + timedelta(days=day) for day in range(120)}
    return {day for day in days if any(start <= day < end for start, end in spans)}


def test_the_clawback_that_completes_the_price_sets_the_time() -> None:
    half, keeps = ClawbackAmount(300), ClawbackAmount(600, keep_access=True)
    assert wholly_clawed_back_at(600, [(DAYS[3], half), (DAYS[1], half)]) == DAYS[3]
    assert wholly_clawed_back_at(600, [(DAYS[1], keeps), (DAYS[2], half)]) is None
    assert wholly_clawed_back_at(600, [(DAYS[1], ClawbackAmount(600)), (DAYS[2], half)]) == DAYS[1]
    assert wholly_clawed_back_at(0, [(DAYS[1], half)]) is None
