"""The decision table row by row, and properties of every decision."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from paywall.rules.decision import Action, ArticleTerms, Meter, Policy, Reason, ViewerState, decide

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)
RESETS = datetime(2026, 12, 1, tzinfo=UTC)

FREE, REGISTERED = ArticleTerms(Policy.FREE), ArticleTerms(Policy.REGISTERED)
METERED, PREMIUM = ArticleTerms(Policy.METERED, 2), ArticleTerms(Policy.PREMIUM, 2)
SUBSCRIBERS = ArticleTerms(Policy.SUBSCRIBERS, 2)

READER = ViewerState(signed_in=True)
VISITOR = ViewerState(signed_in=False)
RICH = replace(READER, balance=2)
UNLOCKED = replace(READER, unlocked=True)
SUBSCRIBED = replace(READER, entitled_until=LATER, access_until=LATER)


def with_meter(used: int, *, counted: bool = False) -> ViewerState:
    return replace(READER, meter=Meter(used, 5, RESETS, counted))


@pytest.mark.parametrize(
    ("terms", "viewer_state", "reason"),
    [
        (FREE, VISITOR, "free"),
        (FREE, SUBSCRIBED, "free"),
        (FREE, UNLOCKED, "free"),
        (SUBSCRIBERS, SUBSCRIBED, "subscribed"),
        (PREMIUM, replace(SUBSCRIBED, unlocked=True), "subscribed"),
        (REGISTERED, SUBSCRIBED, "subscribed"),
        (None, SUBSCRIBED, "subscribed"),
        (SUBSCRIBERS, UNLOCKED, "unlocked"),
        (REGISTERED, UNLOCKED, "unlocked"),
        (METERED, UNLOCKED, "unlocked"),
        (None, UNLOCKED, "unlocked"),
        (REGISTERED, READER, "registered"),
        (METERED, with_meter(4), "metered"),
        (METERED, with_meter(5, counted=True), "metered"),
        (METERED, replace(VISITOR, meter=Meter(0, 5, RESETS)), "metered"),
    ],
)
def test_the_first_matching_rule_grants(
    terms: ArticleTerms | None, viewer_state: ViewerState, reason: str
) -> None:
    decision = decide(terms, viewer_state, NOW)
    assert (decision.granted, decision.reason, decision.actions) == (True, reason, ())


@pytest.mark.parametrize(
    ("terms", "viewer_state", "reason", "actions"),
    [
        (None, RICH, "article_unknown", []),
        (None, VISITOR, "article_unknown", []),
        (REGISTERED, VISITOR, "login_required", ["login"]),
        (PREMIUM, VISITOR, "login_required", ["login"]),
        (SUBSCRIBERS, VISITOR, "login_required", ["login"]),
        (METERED, VISITOR, "login_required", ["login"]),
        (SUBSCRIBERS, RICH, "subscription_required", ["subscribe"]),
        (PREMIUM, RICH, "unlock_available", ["unlock", "subscribe"]),
        (METERED, RICH, "unlock_available", ["unlock", "subscribe"]),
        (METERED, with_meter(5), "credits_required", ["buy_credits", "subscribe"]),
        (PREMIUM, replace(READER, balance=1), "credits_required", ["buy_credits", "subscribe"]),
        (PREMIUM, with_meter(0), "credits_required", ["buy_credits", "subscribe"]),
    ],
)
def test_denials_list_the_readers_actions(
    terms: ArticleTerms | None, viewer_state: ViewerState, reason: str, actions: list[str]
) -> None:
    decision = decide(terms, viewer_state, NOW)
    assert (decision.granted, decision.reason) == (False, reason)
    assert list(decision.actions) == actions
    assert (decision.meter, decision.access_until) == (None, None)


def test_access_ends_at_the_exact_time() -> None:
    assert decide(PREMIUM, SUBSCRIBED, NOW).reason is Reason.SUBSCRIBED
    assert decide(PREMIUM, SUBSCRIBED, LATER).granted is False


def test_readers_are_not_shown_the_leeway() -> None:
    in_leeway = replace(READER, entitled_until=LATER, access_until=NOW)
    decision = decide(PREMIUM, in_leeway, NOW)
    assert (decision.reason, decision.access_until) == (Reason.SUBSCRIBED, None)
    assert decide(PREMIUM, SUBSCRIBED, NOW).access_until == LATER
    unknown = replace(READER, entitled_until=LATER)
    assert decide(PREMIUM, unknown, NOW).access_until is None


def test_only_metered_grants_include_the_meter() -> None:
    meter = Meter(2, 5, RESETS)
    viewer_state = replace(READER, meter=meter, unlocked=True)
    assert decide(METERED, replace(READER, meter=meter), NOW).meter == meter
    assert decide(METERED, viewer_state, NOW).meter is None


viewer_states = st.builds(
    ViewerState,
    signed_in=st.booleans(),
    balance=st.integers(0, 3),
    unlocked=st.booleans(),
    entitled_until=st.none() | st.sampled_from([NOW, LATER]),
    access_until=st.none() | st.sampled_from([NOW, LATER]),
    meter=st.none() | st.builds(Meter, st.integers(0, 6), st.just(5), st.just(RESETS)),
)
any_terms = st.none() | st.builds(ArticleTerms, st.sampled_from(Policy), st.integers(1, 4))


@given(any_terms, viewer_states)
def test_decisions_include_balance_cost_and_possible_actions(
    terms: ArticleTerms | None, viewer_state: ViewerState
) -> None:
    decision = decide(terms, viewer_state, NOW)
    assert decision.unlocks_left == viewer_state.balance
    assert decision.unlock_cost == (terms.unlock_cost if terms else 1)
    assert not (decision.granted and decision.actions)
    if Action.UNLOCK in decision.actions:
        assert viewer_state.signed_in
        assert viewer_state.balance >= decision.unlock_cost


@given(viewer_states)
def test_an_unlock_or_a_subscription_grants_under_every_policy(viewer_state: ViewerState) -> None:
    for policy, has in product(Policy, (UNLOCKED, SUBSCRIBED)):
        better = replace(
            viewer_state,
            unlocked=has.unlocked or viewer_state.unlocked,
            entitled_until=has.entitled_until or viewer_state.entitled_until,
        )
        assert decide(ArticleTerms(policy), better, NOW).granted
