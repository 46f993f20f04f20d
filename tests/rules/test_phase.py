"""A subscription has one phase, and the actions that its reader has in it."""

from collections.abc import Iterator
from itertools import product

import pytest

from paywall.rules.enums import StripeStatus, SubscriptionKind
from paywall.rules.phase import (
    SubscriptionAction,
    SubscriptionPhase,
    SubscriptionState,
    actions_of,
    phase_of,
)

STRIPE, PASS = SubscriptionKind.STRIPE, SubscriptionKind.PASS
PREPAID = SubscriptionKind.PREPAID
COMPLIMENTARY = SubscriptionKind.COMPLIMENTARY
OFFERS = {SubscriptionAction.SUBSCRIBE, SubscriptionAction.BUY_PASS}


def state(
    kind: SubscriptionKind,
    status: str,
    *,
    is_open: bool = True,
    cancelled: bool = False,
    later_end: bool = False,
) -> SubscriptionState:
    return SubscriptionState(
        kind, StripeStatus(status), is_open, not is_open, cancelled, False, later_end
    )


def waiting(kind: SubscriptionKind) -> SubscriptionState:
    """Paid for, and not begun."""
    return state(kind, "active")._replace(opens_all=False)


def states() -> Iterator[SubscriptionState]:
    """All that can be: what is over opens nothing, and only Stripe has other statuses."""
    flags = [False, True]
    for kind, status, is_open, is_over, cancelled, due, later_end in product(
        SubscriptionKind, StripeStatus, flags, flags, flags, flags, flags
    ):
        if later_end and (kind is not STRIPE or cancelled or status is StripeStatus.CANCELED):
            continue
        is_own = (status is StripeStatus.CANCELED) == is_over and status in ("active", "canceled")
        if (kind is STRIPE or is_own) and not (is_open and is_over):
            yield SubscriptionState(kind, status, is_open, is_over, cancelled, due, later_end)


@pytest.mark.parametrize(
    ("given", "phase", "actions"),
    [
        (state(STRIPE, "active"), "active", "cancel manage_billing"),
        (state(STRIPE, "trialing"), "active", "cancel manage_billing"),
        (state(STRIPE, "active", cancelled=True), "ending", "resume manage_billing buy_pass"),
        (
            state(STRIPE, "active", later_end=True),
            "active",
            "resume cancel manage_billing buy_pass",
        ),
        (
            state(STRIPE, "past_due", later_end=True),
            "payment_failed",
            "fix_payment resume cancel manage_billing",
        ),
        (state(STRIPE, "past_due"), "payment_failed", "fix_payment cancel manage_billing"),
        (
            state(STRIPE, "past_due", is_open=False),
            "lapsed",
            "fix_payment cancel manage_billing buy_pass",
        ),
        (
            state(STRIPE, "past_due", cancelled=True),
            "ending",
            "fix_payment resume cancel manage_billing",
        ),
        (
            state(STRIPE, "unpaid", is_open=False, cancelled=True),
            "ending",
            "fix_payment resume cancel manage_billing subscribe buy_pass",
        ),
        (state(STRIPE, "canceled"), "ending", "subscribe buy_pass"),
        (state(STRIPE, "canceled", is_open=False), "ended", "subscribe buy_pass"),
        (state(STRIPE, "paused", is_open=False), "paused", "cancel manage_billing buy_pass"),
        (
            state(STRIPE, "incomplete", is_open=False),
            "not_started",
            "manage_billing subscribe buy_pass",
        ),
        (state(PASS, "active"), "active", "subscribe buy_pass"),
        (state(PASS, "canceled", is_open=False), "ended", "subscribe buy_pass"),
        (state(PREPAID, "active"), "active", "subscribe buy_pass"),
        (waiting(PASS), "waiting", "subscribe buy_pass"),
        (waiting(PREPAID), "waiting", "subscribe buy_pass"),
        (state(COMPLIMENTARY, "active"), "active", "buy_pass"),
        (state(COMPLIMENTARY, "active", cancelled=True), "ending", "resume buy_pass"),
    ],
)
def test_each_state_has_a_phase_and_its_actions(
    given: SubscriptionState, phase: str, actions: str
) -> None:
    assert (phase_of(given), " ".join(actions_of(given))) == (phase, actions)


def test_every_phase_and_every_action_is_reached() -> None:
    assert {phase_of(given) for given in states()} == set(SubscriptionPhase)
    assert {action for given in states() for action in actions_of(given)} == set(SubscriptionAction)


def test_what_has_ended_leaves_nothing_but_offers_and_invoices() -> None:
    ended = [given for given in states() if phase_of(given) is SubscriptionPhase.ENDED]
    left = {action for given in ended for action in actions_of(given)}
    assert left - OFFERS <= {SubscriptionAction.MANAGE_BILLING}
    assert not any(given.opens_all for given in ended)


def test_what_will_be_charged_can_be_cancelled_and_bars_a_second_plan() -> None:
    """As `refuse_second_plan` refuses it."""
    for given in states():
        is_charged = given.kind is STRIPE and given.status in (
            "active", "trialing", "past_due", "unpaid", "paused"
        )  # fmt: skip
        if is_charged and not given.is_cancelled:
            assert SubscriptionAction.CANCEL in actions_of(given)
            assert SubscriptionAction.SUBSCRIBE not in actions_of(given)


def test_a_pass_is_sold_where_it_starts_on_a_known_date() -> None:
    """Grace would not pause it, and it would wait without an end for what renews."""
    for given in states():
        is_in_grace = given.status in ("past_due", "unpaid") and given.opens_all
        is_endless = given.kind is STRIPE and given.status in ("active", "trialing")
        waits_for_ever = is_endless and not given.is_cancelled and not given.has_later_end
        is_sold = SubscriptionAction.BUY_PASS in actions_of(given)
        assert is_sold != (is_in_grace or waits_for_ever)


def test_no_plan_is_sold_beside_free_time() -> None:
    for given in states():
        if given.kind is COMPLIMENTARY and given.opens_all:
            assert SubscriptionAction.SUBSCRIBE not in actions_of(given)


def test_only_a_cancellation_that_has_not_ended_or_a_set_end_is_resumed() -> None:
    for given in states():
        if SubscriptionAction.RESUME in actions_of(given):
            is_ending = given.is_cancelled and phase_of(given) is SubscriptionPhase.ENDING
            assert is_ending is not given.has_later_end


def test_a_failed_payment_is_to_be_fixed_in_every_phase() -> None:
    for given in states():
        has_failed = given.status in ("past_due", "unpaid")
        assert (SubscriptionAction.FIX_PAYMENT in actions_of(given)) == has_failed
