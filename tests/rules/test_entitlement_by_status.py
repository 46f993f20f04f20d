"""The end of access of Stripe subscriptions, by their status."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paywall.rules.entitlement import (
    Allowance,
    BilledSubscription,
    PaidAccess,
    PaidPeriod,
    billed_access_ends,
    has_paid,
    last_was_clawed_back,
    paid_through,
)
from paywall.rules.enums import StripeStatus
from tests.conftest import START

END = START + timedelta(days=30)
LEEWAY, GRACE = timedelta(hours=6), timedelta(days=3)
ALLOWANCE = Allowance(GRACE, LEEWAY)
times = st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2028, 1, 1)).map(  # noqa: DTZ001 (made aware at once)
    lambda at: at.replace(tzinfo=START.tzinfo)
)


@pytest.mark.parametrize(
    ("status", "will_renew", "entitled", "shown"),
    [
        (StripeStatus.ACTIVE, True, END + LEEWAY, END),
        (StripeStatus.ACTIVE, False, END, END),
        (StripeStatus.TRIALING, True, END + LEEWAY, END),
        (StripeStatus.TRIALING, False, END, END),
        (StripeStatus.PAST_DUE, False, END + GRACE, END + GRACE),
        (StripeStatus.CANCELED, False, END, END),
        (StripeStatus.UNPAID, False, END, END),
        (StripeStatus.PAUSED, False, END, END),
        (StripeStatus.INCOMPLETE, False, START, START),
        (StripeStatus.INCOMPLETE_EXPIRED, False, START, START),
    ],
)
def test_each_status_determines_the_end(
    *, status: StripeStatus, will_renew: bool, entitled: datetime, shown: datetime
) -> None:
    ends = billed_access_ends(
        BilledSubscription(
            status,
            PaidAccess(START, END),
            will_renew,
            last_was_clawed_back=False,
            has_paid=True,
        ),
        ALLOWANCE,
    )
    assert ends == (entitled, shown)


def test_a_clawed_back_last_payment_removes_the_leeway() -> None:
    billed = BilledSubscription(
        StripeStatus.ACTIVE, PaidAccess(START, END), True, last_was_clawed_back=True, has_paid=True
    )
    assert billed_access_ends(billed, ALLOWANCE) == (END, END)


def test_cancelling_now_ends_before_the_paid_time() -> None:
    now = START + timedelta(days=3)
    billed = BilledSubscription(
        StripeStatus.CANCELED,
        PaidAccess(START, END, now),
        will_renew=False,
        last_was_clawed_back=False,
        has_paid=True,
    )
    assert billed_access_ends(billed, ALLOWANCE) == (now, now)


def test_a_clawed_back_period_does_not_count() -> None:
    periods = [PaidPeriod(END, False, 600), PaidPeriod(END + GRACE, True, 600)]
    assert paid_through(START, periods, None) == END
    assert last_was_clawed_back(periods)
    assert not last_was_clawed_back(periods[:1])
    assert not last_was_clawed_back([])


def test_the_last_period_stays_paid_while_one_payment_for_it_does() -> None:
    """A refunded upgrade leaves the payment that it had credited."""
    paid, back = (PaidPeriod(END, taken, 600) for taken in (False, True))
    assert not last_was_clawed_back([paid, back])
    assert not last_was_clawed_back([back, paid])
    assert last_was_clawed_back([back, back])
    assert not last_was_clawed_back([back._replace(ends_at=START), paid])


def test_no_grace_without_a_payment_above_zero() -> None:
    free = [PaidPeriod(END, False, 0)]
    assert not has_paid(free)
    assert not has_paid([])
    assert has_paid([*free, PaidPeriod(END, True, 600)])
    billed = BilledSubscription(
        StripeStatus.PAST_DUE, PaidAccess(START, END), False, False, has_paid=False
    )
    assert billed_access_ends(billed, ALLOWANCE) == (END, END)


def test_a_trial_counts_without_any_invoice() -> None:
    assert paid_through(START, [], END) == END
    assert paid_through(START, [], None) == START


@given(
    status=st.sampled_from(StripeStatus),
    end=times,
    ended_at=st.none() | times,
    will_renew=st.booleans(),
    went_back=st.booleans(),
    paid=st.booleans(),
)
def test_the_shown_end_and_the_allowance_are_never_exceeded(
    *,
    status: StripeStatus,
    end: datetime,
    ended_at: datetime | None,
    will_renew: bool,
    went_back: bool,
    paid: bool,
) -> None:
    end = max(end, START)
    billed = BilledSubscription(
        status, PaidAccess(START, end, ended_at), will_renew, went_back, paid
    )
    entitled, shown = billed_access_ends(billed, ALLOWANCE)
    assert START <= shown <= entitled <= end + (GRACE if paid else LEEWAY)
    if status is StripeStatus.CANCELED and ended_at is not None:
        assert entitled <= max(START, ended_at)


@given(
    periods=st.lists(st.builds(PaidPeriod, times, st.booleans(), st.integers(0, 600))),
    trial_ends_at=st.none() | times,
)
def test_the_order_of_invoices_does_not_matter(
    periods: list[PaidPeriod], trial_ends_at: datetime | None
) -> None:
    backwards = periods[::-1]
    assert paid_through(START, periods, trial_ends_at) == paid_through(
        START, backwards, trial_ends_at
    )
    assert last_was_clawed_back(periods) == last_was_clawed_back(backwards)
