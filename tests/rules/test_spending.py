"""The burn order is total, and debits never exceed the cost."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from paywall.rules.spending import (
    GrantBalance,
    GrantDebit,
    allocate_debits,
    is_expired,
    spendable_credits,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SOON, LATER = NOW + timedelta(days=1), NOW + timedelta(days=2)
OLD, NEW = NOW - timedelta(days=2), NOW - timedelta(days=1)


def test_burn_order_is_priority_expiry_age_and_id() -> None:
    lots = [
        GrantBalance(1, 1, 100, None, OLD),
        GrantBalance(2, 1, 100, LATER, NEW),
        GrantBalance(3, 1, 100, SOON, NEW),
        GrantBalance(4, 1, 100, SOON, OLD),
        GrantBalance(6, 1, 100, None, NEW),
        GrantBalance(5, 1, 100, None, NEW),
        GrantBalance(7, 1, 50, None, NEW),
    ]
    payments = allocate_debits(lots, 7, NOW)
    assert payments is not None
    assert [payment.grant_id for payment in payments] == [7, 4, 3, 2, 1, 5, 6]


def test_several_grants_pay_together() -> None:
    lots = [GrantBalance(1, 2, 100, SOON, OLD), GrantBalance(2, 5, 100, None, OLD)]
    assert allocate_debits(lots, 3, NOW) == [GrantDebit(1, 2), GrantDebit(2, 1)]


def test_too_few_credits_allocate_nothing() -> None:
    assert allocate_debits([GrantBalance(1, 2, 100, None, OLD)], 3, NOW) is None
    assert allocate_debits([], 1, NOW) is None


def test_a_grant_is_expired_at_the_instant_of_its_expiry() -> None:
    lot = GrantBalance(1, 2, 100, SOON, OLD)
    assert (
        spendable_credits(lot, SOON - timedelta(microseconds=1)),
        spendable_credits(lot, SOON),
    ) == (2, 0)
    assert not is_expired(lot, NOW)
    assert is_expired(lot, SOON)
    assert not is_expired(lot._replace(expires_at=None), LATER)


lots_drawn = st.lists(
    st.builds(
        GrantBalance,
        st.integers(1, 20),
        st.integers(0, 4),
        st.sampled_from([50, 100]),
        st.none() | st.sampled_from([OLD, NOW, SOON, LATER]),
        st.sampled_from([OLD, NEW]),
    ),
    unique_by=lambda lot: lot.grant_id,
)


@given(lots_drawn, st.integers(1, 10), st.randoms(use_true_random=False))
def test_debits_sum_to_the_cost_in_any_order_of_grants(
    lots: list[GrantBalance], cost: int, chance: object
) -> None:
    there = {lot.grant_id: spendable_credits(lot, NOW) for lot in lots}
    payments = allocate_debits(lots, cost, NOW)
    if sum(there.values()) < cost:
        assert payments is None
        return
    assert payments is not None
    assert sum(payment.amount for payment in payments) == cost
    assert all(0 < payment.amount <= there[payment.grant_id] for payment in payments)
    shuffled = list(lots)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a Random
    assert allocate_debits(shuffled, cost, NOW) == payments
