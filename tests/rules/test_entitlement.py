"""Access runs to the end of what was paid, unless it was ended or taken back."""

from datetime import UTC, datetime, timedelta

import pytest

from paywall.rules.entitlement import Paid, entitled_until

START = datetime(2026, 11, 24, tzinfo=UTC)
END = START + timedelta(days=30)
MIDDLE = START + timedelta(days=10)


@pytest.mark.parametrize(
    ("paid", "until"),
    [
        (Paid(START, END), END),
        (Paid(START, END, ended_at=MIDDLE), MIDDLE),
        (Paid(START, END, ended_at=END + timedelta(1)), END),
        (Paid(START, END, ended_at=START - timedelta(1)), START),
        (Paid(START, END, is_clawed_back=True), START),
        (Paid(START, END, ended_at=MIDDLE, is_clawed_back=True), START),
    ],
)
def test_the_end_is_what_was_paid_or_our_own_now(paid: Paid, until: datetime) -> None:
    assert entitled_until(paid) == until
