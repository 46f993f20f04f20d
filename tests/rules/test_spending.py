"""Which grants pay: a total order, and never a credit too many."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from paywall.rules.spending import Lot, Payment, is_over, pay, spendable

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SOON, LATER = NOW + timedelta(days=1), NOW + timedelta(days=2)
OLD, NEW = NOW - timedelta(days=2), NOW - timedelta(days=1)


def test_by_priority_then_soonest_expiry_then_oldest_then_id() -> None:
    lots = [
        Lot(1, 1, 100, None, OLD),
        Lot(2, 1, 100, LATER, NEW),
        Lot(3, 1, 100, SOON, NEW),
        Lot(4, 1, 100, SOON, OLD),
        Lot(6, 1, 100, None, NEW),
        Lot(5, 1, 100, None, NEW),
        Lot(7, 1, 50, None, NEW),
    ]
    payments = pay(lots, 7, NOW)
    assert payments is not None
    assert [payment.grant_id for payment in payments] == [7, 4, 3, 2, 1, 5, 6]


def test_several_grants_pay_together() -> None:
    lots = [Lot(1, 2, 100, SOON, OLD), Lot(2, 5, 100, None, OLD)]
    assert pay(lots, 3, NOW) == [Payment(1, 2), Payment(2, 1)]


def test_too_few_credits_pay_nothing() -> None:
    assert pay([Lot(1, 2, 100, None, OLD)], 3, NOW) is None
    assert pay([], 1, NOW) is None


def test_a_grant_is_over_at_the_very_instant_of_its_expiry() -> None:
    lot = Lot(1, 2, 100, SOON, OLD)
    assert (spendable(lot, SOON - timedelta(microseconds=1)), spendable(lot, SOON)) == (2, 0)
    assert not is_over(lot, NOW)
    assert is_over(lot, SOON)
    assert not is_over(lot._replace(expires_at=None), LATER)


lots_drawn = st.lists(
    st.builds(
        Lot,
        st.integers(1, 20),
        st.integers(0, 4),
        st.sampled_from([50, 100]),
        st.none() | st.sampled_from([OLD, NOW, SOON, LATER]),
        st.sampled_from([OLD, NEW]),
    ),
    unique_by=lambda lot: lot.grant_id,
)


@given(lots_drawn, st.integers(1, 10), st.randoms(use_true_random=False))
def test_what_is_paid_is_the_cost_from_what_is_there_in_any_order(
    lots: list[Lot], cost: int, chance: object
) -> None:
    there = {lot.grant_id: spendable(lot, NOW) for lot in lots}
    payments = pay(lots, cost, NOW)
    if sum(there.values()) < cost:
        assert payments is None
        return
    assert payments is not None
    assert sum(payment.amount for payment in payments) == cost
    assert all(0 < payment.amount <= there[payment.grant_id] for payment in payments)
    shuffled = list(lots)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a Random
    assert pay(shuffled, cost, NOW) == payments
