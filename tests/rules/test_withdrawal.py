"""Who can withdraw from a purchase, and until when."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paywall.rules.withdrawal import (
    PurchaseFacts,
    Withdrawability,
    withdrawability,
    withdrawable_until,
)

BOUGHT = datetime(2026, 11, 24, 20, tzinfo=UTC)
PHNOM_PENH = ZoneInfo("Asia/Phnom_Penh")
TIMES = st.timedeltas(timedelta(0), timedelta(days=30_000)).map(lambda after: BOUGHT + after)


@pytest.mark.parametrize(
    ("zone", "until"),
    [
        (UTC, datetime(2026, 12, 9, tzinfo=UTC)),
        # There it is the 25th already.
        (PHNOM_PENH, datetime(2026, 12, 9, 17, tzinfo=UTC)),
    ],
)
def test_the_last_day_ends_at_midnight_of_the_sites_calendar(
    zone: ZoneInfo, until: datetime
) -> None:
    facts = PurchaseFacts(BOUGHT, begins_contract=True, amount_left=400)
    assert withdrawable_until(facts, 14, zone) == until
    before = until - timedelta(microseconds=1)
    assert withdrawability(facts, 14, zone, before) is Withdrawability.POSSIBLE
    assert withdrawability(facts, 14, zone, until) is Withdrawability.OVER


@given(
    facts=st.builds(
        PurchaseFacts, TIMES, st.booleans(), st.integers(-1, 2), st.none() | TIMES, st.booleans()
    ),
    days=st.integers(0, 60),
    zone=st.sampled_from([ZoneInfo("UTC"), PHNOM_PENH, ZoneInfo("America/New_York")]),
    later=st.timedeltas(timedelta(0), timedelta(days=70)),
)
def test_only_what_was_paid_and_is_not_lost_is_returned_in_time(
    facts: PurchaseFacts, days: int, zone: ZoneInfo, later: timedelta
) -> None:
    now = facts.bought_at + later
    outcome = withdrawability(facts, days, zone, now)
    has_right = days > 0 and facts.begins_contract and facts.amount_left > 0
    assert (outcome is Withdrawability.NONE) == (not has_right)
    if not has_right:
        return
    if later < timedelta(days=days):
        assert outcome is not Withdrawability.OVER
    if later >= timedelta(days=days + 2):
        assert outcome is Withdrawability.OVER
    if facts.consent_at is None or not facts.is_delivered:
        assert outcome is not Withdrawability.LOST
    elif outcome is not Withdrawability.OVER:
        assert outcome is Withdrawability.LOST
