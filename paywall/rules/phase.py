"""What a subscription's state means to its reader: a phase and the available actions."""

from enum import StrEnum
from typing import NamedTuple

from paywall.rules.enums import PREPAID_KINDS, StripeStatus, SubscriptionKind


class SubscriptionPhase(StrEnum):
    """The phase of a subscription's life cycle."""

    ACTIVE = "active"
    ENDING = "ending"
    ENDED = "ended"
    PAYMENT_PENDING = "payment_pending"
    PAYMENT_FAILED = "payment_failed"
    LAPSED = "lapsed"
    PAUSED = "paused"
    NOT_STARTED = "not_started"
    WAITING = "waiting"


class SubscriptionAction(StrEnum):
    """An action that the reader can take, the most urgent first."""

    FIX_PAYMENT = "fix_payment"
    RESUME = "resume"
    CANCEL = "cancel"
    MANAGE_BILLING = "manage_billing"
    SUBSCRIBE = "subscribe"
    BUY_PASS = "buy_pass"  # noqa: S105 (no password)


class SubscriptionState(NamedTuple):
    """The state of a subscription at one time.

    A subscription without a processor is `active` until it ends and `canceled` from then on.
    `is_over`: it gives no access again unless a payment for it succeeds. `has_later_end`: it renews
    until a set date, and ends then. Prepaid time that neither is over nor opens anything waits for
    what covers the reader now.
    """

    kind: SubscriptionKind
    status: StripeStatus
    opens_all: bool
    is_over: bool
    is_cancelled: bool
    is_payment_due: bool
    has_later_end: bool = False


FAILED = frozenset({StripeStatus.PAST_DUE, StripeStatus.UNPAID})
RENEWING = frozenset({StripeStatus.ACTIVE, StripeStatus.TRIALING})
NOT_STARTED = frozenset({StripeStatus.INCOMPLETE, StripeStatus.INCOMPLETE_EXPIRED})


def phase_of(state: SubscriptionState) -> SubscriptionPhase:
    if state.status in NOT_STARTED:
        return SubscriptionPhase.NOT_STARTED
    has_failed = state.status in FAILED
    if state.status is StripeStatus.CANCELED or state.is_cancelled:
        # A late payment may still succeed until the period ends, which gives access again.
        can_open = has_failed or not state.is_over
        return SubscriptionPhase.ENDING if can_open else SubscriptionPhase.ENDED
    if has_failed:
        return SubscriptionPhase.LAPSED if state.is_over else SubscriptionPhase.PAYMENT_FAILED
    if state.status is StripeStatus.PAUSED:
        return SubscriptionPhase.PAUSED
    if state.is_payment_due:
        return SubscriptionPhase.PAYMENT_PENDING
    if state.kind in PREPAID_KINDS and not state.opens_all and not state.is_over:
        return SubscriptionPhase.WAITING
    return SubscriptionPhase.ACTIVE


def renews_without_end(state: SubscriptionState) -> bool:
    """Whether it covers one period after the other, and no end is set."""
    return state.status in RENEWING and not (state.is_cancelled or state.has_later_end)


def actions_of(state: SubscriptionState) -> tuple[SubscriptionAction, ...]:
    """The actions that this subscription allows; to buy, all of a reader's must allow it."""
    has_failed = state.status in FAILED
    is_alive = state.status not in NOT_STARTED | {StripeStatus.CANCELED}
    is_billed = state.kind is SubscriptionKind.STRIPE and is_alive
    # An unpaid subscription is not charged again; a late one may be, until the period ends.
    can_charge = is_billed and (not state.is_cancelled or state.status is StripeStatus.PAST_DUE)
    is_prepaid = state.kind in PREPAID_KINDS
    allowed = {
        SubscriptionAction.FIX_PAYMENT: has_failed,
        SubscriptionAction.RESUME: is_alive
        and (state.has_later_end or phase_of(state) is SubscriptionPhase.ENDING),
        # A subscription without a processor ends by itself, so cancelling would only forfeit paid
        # time. While a payment is late, only an immediate end prevents the next attempt.
        SubscriptionAction.CANCEL: is_billed and (not state.is_cancelled or has_failed),
        SubscriptionAction.MANAGE_BILLING: state.kind is SubscriptionKind.STRIPE
        and state.status is not StripeStatus.CANCELED,
        # Beside a new plan, prepaid time is kept for later. Free days are not: who has a
        # complimentary subscription would pay for them. What has ended in Stripe cannot be renewed,
        # so a new plan can follow it.
        SubscriptionAction.SUBSCRIBE: not can_charge
        and (not state.opens_all or is_prepaid or not is_alive),
        # A pass waits for all that a reader has, except for the grace after a failed payment.
        # Behind a subscription that renews it would wait without an end.
        SubscriptionAction.BUY_PASS: not (has_failed and state.opens_all)
        and not (is_billed and renews_without_end(state)),
    }
    return tuple(action for action, is_allowed in allowed.items() if is_allowed)
