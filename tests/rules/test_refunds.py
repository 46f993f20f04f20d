"""The refund rule: what is taken back decides, never the order in which it was."""

import copy
from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from paywall.rules.refunds import (
    Estate,
    Holding,
    PaidUnlock,
    Taken,
    credits_owed,
    settle,
    taken_back,
)

AT = datetime(2026, 11, 24, tzinfo=UTC)


@st.composite
def estates(draw: st.DrawFn) -> Estate:
    """Some grants, and unlocks that they paid for, alone or together."""
    grants = range(1, draw(st.integers(1, 3)) + 1)
    holdings = {g: Holding(g, draw(st.integers(0, 4)), is_dead=draw(st.booleans())) for g in grants}
    unlocks = {}
    for number in range(draw(st.integers(0, 5))):
        shares = draw(st.dictionaries(st.sampled_from(list(grants)), st.integers(1, 3), min_size=1))
        at = AT + timedelta(minutes=draw(st.integers(0, 3)))
        unlocks[number] = PaidUnlock(number, f"a{number}", at, shares, is_in_force=True)
    return Estate(holdings, unlocks)


def whole(estate: Estate, grant_id: int) -> int:
    spent = sum(
        unlock.shares.get(grant_id, 0) for unlock in estate.unlocks.values() if unlock.is_in_force
    )
    holding = estate.holdings[grant_id]
    return spent + holding.unspent + holding.taken


@given(estates(), st.data())
def test_any_events_end_where_the_last_amounts_alone_would(
    estate: Estate, data: st.DataObject
) -> None:
    amounts = {g: st.integers(0, whole(estate, g)) for g in estate.holdings}
    owed = st.fixed_dictionaries(amounts)
    last = data.draw(owed)
    straight = settle(copy.deepcopy(estate), last)
    winding = copy.deepcopy(estate)
    for on_the_way in data.draw(st.lists(owed, max_size=4)):
        settle(winding, on_the_way)
    assert settle(winding, last) == straight
    backwards = dict(reversed(last.items()))
    assert settle(copy.deepcopy(estate), backwards) == straight
    back = settle(winding, dict.fromkeys(last, 0))
    assert (back.holdings, back.unlocks) == (estate.holdings, estate.unlocks)


@given(estates(), st.data())
def test_a_grant_gives_up_what_it_owes_and_no_credit_is_made_or_lost(
    estate: Estate, data: st.DataObject
) -> None:
    before = {g: whole(estate, g) for g in estate.holdings}
    owed = {g: data.draw(st.integers(0, before[g])) for g in estate.holdings}
    settle(estate, owed)
    for grant_id, holding in estate.holdings.items():
        assert whole(estate, grant_id) == before[grant_id]
        assert holding.unspent >= 0
        assert holding.given_up >= owed[grant_id]
        assert holding.is_dead or holding.taken == owed[grant_id]
    assert [step for step in estate.steps if step.credits < 1] == []


def test_unspent_credits_go_first_then_the_newest_unlock_whole() -> None:
    unlocks = {
        n: PaidUnlock(n, f"a{n}", AT + timedelta(hours=n), {1: 2}, is_in_force=True) for n in (1, 2)
    }
    estate = settle(Estate({1: Holding(1, 1, is_dead=False)}, unlocks), {1: 2})
    assert [unlock.is_in_force for unlock in estate.unlocks.values()] == [True, False]
    assert (estate.holdings[1].unspent, estate.holdings[1].taken) == (1, 2)


def test_an_unlock_is_not_revived_where_its_credits_were_spent_again() -> None:
    unlock = PaidUnlock(1, "a", AT, {1: 3}, is_in_force=True)
    estate = settle(Estate({1: Holding(1, 0, is_dead=False)}, {1: unlock}), {1: 1})
    assert (unlock.is_in_force, estate.holdings[1].unspent) == (False, 2)
    estate.holdings[1].unspent = 0
    settle(estate, {1: 0})
    assert (unlock.is_in_force, estate.holdings[1].unspent) == (False, 1)


def test_an_unlock_is_not_revived_where_the_article_was_unlocked_again() -> None:
    unlock = PaidUnlock(1, "a", AT, {1: 1}, is_in_force=True)
    estate = Estate({1: Holding(1, 0, is_dead=False)}, {1: unlock})
    settle(estate, {1: 1})
    estate.unlocked_elsewhere = frozenset({"a"})
    settle(estate, {1: 0})
    assert (unlock.is_in_force, estate.holdings[1].unspent) == (False, 1)


def test_credits_that_lapsed_unspent_count_as_given_up() -> None:
    unlock = PaidUnlock(1, "a", AT, {1: 1}, is_in_force=True)
    estate = Estate({1: Holding(1, 3, is_dead=True)}, {1: unlock})
    settle(estate, {1: 3})
    assert unlock.is_in_force
    settle(estate, {1: 4})
    assert not unlock.is_in_force


@given(
    st.integers(0, 1000),
    st.lists(st.tuples(st.integers(1, 600), st.booleans())),
)
@example(100, [(60, False), (60, False)])
def test_refunds_and_disputes_never_take_back_more_than_the_whole(
    paid: int, takings: list[tuple[int, bool]]
) -> None:
    back = taken_back(paid, (Taken(*taking) for taking in takings))
    assert 0 <= back <= paid
    assert back == min(paid, sum(amount for amount, keeps in takings if not keeps))


def test_credits_owed_are_rounded_down_and_all_go_with_the_whole() -> None:
    assert [credits_owed(10, 3, back) for back in (0, 1, 2, 3)] == [0, 3, 6, 10]
    assert credits_owed(10, 0, 0) == 0
