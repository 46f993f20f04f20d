"""Access ends with the paid time, unless it was ended or clawed back."""

from datetime import UTC, datetime, timedelta

import pytest

from paywall.rules.entitlement import PaidAccess, entitled_until

START = datetime(2026, 11, 24, tzinfo=UTC)
END = START + timedelta(days=30)
MIDDLE = START + timedelta(days=10)


@pytest.mark.parametrize(
    ("paid", "until"),
    [
        (PaidAccess(START, END), END),
        (PaidAccess(START, END, ended_at=MIDDLE), MIDDLE),
        (PaidAccess(START, END, ended_at=END + timedelta(1)), END),
        (PaidAccess(START, END, ended_at=START - timedelta(1)), START),
        (PaidAccess(START, END, is_clawed_back=True), START),
        (PaidAccess(START, END, ended_at=MIDDLE, is_clawed_back=True), START),
    ],
)
def test_access_ends_with_the_paid_time_or_a_cancellation(
    paid: PaidAccess, until: datetime
) -> None:
    assert entitled_until(paid) == until
