"""Clawbacks depend on the amounts, not on the order of events."""

import copy
from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from paywall.rules.refunds import (
    ClawbackAmount,
    CreditState,
    GrantState,
    PaidUnlock,
    clawed_back,
    credits_owed,
    settle_clawbacks,
)

AT = datetime(2026, 11, 24, tzinfo=UTC)


@st.composite
def estates(draw: st.DrawFn) -> CreditState:
    """Some grants, and unlocks that they paid for, alone or together."""
    grants = range(1, draw(st.integers(1, 3)) + 1)
    grants_by_id = {
        g: GrantState(g, draw(st.integers(0, 4)), is_unspendable=draw(st.booleans()))
        for g in grants
    }
    unlocks = {}
    for number in range(draw(st.integers(0, 5))):
        shares = draw(st.dictionaries(st.sampled_from(list(grants)), st.integers(1, 3), min_size=1))
        at = AT + timedelta(minutes=draw(st.integers(0, 3)))
        unlocks[number] = PaidUnlock(number, f"a{number}", at, shares, is_in_force=True)
    return CreditState(grants_by_id, unlocks)


def whole(credit_state: CreditState, grant_id: int) -> int:
    spent = sum(
        unlock.shares.get(grant_id, 0)
        for unlock in credit_state.unlocks.values()
        if unlock.is_in_force
    )
    grant_state = credit_state.grants_by_id[grant_id]
    return spent + grant_state.unspent + grant_state.taken


@given(estates(), st.data())
def test_the_result_depends_only_on_the_last_amounts(
    credit_state: CreditState, data: st.DataObject
) -> None:
    amounts = {g: st.integers(0, whole(credit_state, g)) for g in credit_state.grants_by_id}
    owed = st.fixed_dictionaries(amounts)
    last = data.draw(owed)
    straight = settle_clawbacks(copy.deepcopy(credit_state), last)
    winding = copy.deepcopy(credit_state)
    for on_the_way in data.draw(st.lists(owed, max_size=4)):
        settle_clawbacks(winding, on_the_way)
    assert settle_clawbacks(winding, last) == straight
    backwards = dict(reversed(last.items()))
    assert settle_clawbacks(copy.deepcopy(credit_state), backwards) == straight
    back = settle_clawbacks(winding, dict.fromkeys(last, 0))
    assert (back.grants_by_id, back.unlocks) == (credit_state.grants_by_id, credit_state.unlocks)


@given(estates(), st.data())
def test_clawbacks_create_and_lose_no_credits(
    credit_state: CreditState, data: st.DataObject
) -> None:
    before = {g: whole(credit_state, g) for g in credit_state.grants_by_id}
    owed = {g: data.draw(st.integers(0, before[g])) for g in credit_state.grants_by_id}
    settle_clawbacks(credit_state, owed)
    for grant_id, grant_state in credit_state.grants_by_id.items():
        assert whole(credit_state, grant_id) == before[grant_id]
        assert grant_state.unspent >= 0
        assert grant_state.given_up >= owed[grant_id]
        assert grant_state.is_unspendable or grant_state.taken == owed[grant_id]
    assert [step for step in credit_state.steps if step.credits < 1] == []


def test_unspent_credits_go_before_the_newest_unlock() -> None:
    unlocks = {
        n: PaidUnlock(n, f"a{n}", AT + timedelta(hours=n), {1: 2}, is_in_force=True) for n in (1, 2)
    }
    credit_state = settle_clawbacks(
        CreditState({1: GrantState(1, 1, is_unspendable=False)}, unlocks), {1: 2}
    )
    assert [unlock.is_in_force for unlock in credit_state.unlocks.values()] == [True, False]
    assert (credit_state.grants_by_id[1].unspent, credit_state.grants_by_id[1].taken) == (1, 2)


def test_an_unlock_with_respent_credits_is_not_revived() -> None:
    unlock = PaidUnlock(1, "a", AT, {1: 3}, is_in_force=True)
    credit_state = settle_clawbacks(
        CreditState({1: GrantState(1, 0, is_unspendable=False)}, {1: unlock}), {1: 1}
    )
    assert (unlock.is_in_force, credit_state.grants_by_id[1].unspent) == (False, 2)
    credit_state.grants_by_id[1].unspent = 0
    settle_clawbacks(credit_state, {1: 0})
    assert (unlock.is_in_force, credit_state.grants_by_id[1].unspent) == (False, 1)


def test_an_unlock_of_a_reunlocked_article_is_not_revived() -> None:
    unlock = PaidUnlock(1, "a", AT, {1: 1}, is_in_force=True)
    credit_state = CreditState({1: GrantState(1, 0, is_unspendable=False)}, {1: unlock})
    settle_clawbacks(credit_state, {1: 1})
    credit_state.unlocked_elsewhere = frozenset({"a"})
    settle_clawbacks(credit_state, {1: 0})
    assert (unlock.is_in_force, credit_state.grants_by_id[1].unspent) == (False, 1)


def test_credits_expired_unspent_count_as_given_up() -> None:
    unlock = PaidUnlock(1, "a", AT, {1: 1}, is_in_force=True)
    credit_state = CreditState({1: GrantState(1, 3, is_unspendable=True)}, {1: unlock})
    settle_clawbacks(credit_state, {1: 3})
    assert unlock.is_in_force
    settle_clawbacks(credit_state, {1: 4})
    assert not unlock.is_in_force


@given(
    st.integers(0, 1000),
    st.lists(st.tuples(st.integers(1, 600), st.booleans())),
)
@example(100, [(60, False), (60, False)])
def test_clawbacks_never_exceed_the_price(paid: int, clawbacks: list[tuple[int, bool]]) -> None:
    back = clawed_back(paid, (ClawbackAmount(*clawback) for clawback in clawbacks))
    assert 0 <= back <= paid
    assert back == min(paid, sum(amount for amount, keeps in clawbacks if not keeps))


def test_credits_owed_are_rounded_down() -> None:
    assert [credits_owed(10, 3, back) for back in (0, 1, 2, 3)] == [0, 3, 6, 10]
    assert credits_owed(10, 0, 0) == 0
