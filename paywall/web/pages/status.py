"""How a subscription stands, for what a page says of it and offers with it."""

from paywall.rules.enums import SubscriptionKind
from paywall.subscriptions.responses import SubscriptionAnswer

OVER, LATE = "canceled", "past_due"
UNPAID = (LATE, "unpaid")
NEVER_BEGAN = ("incomplete", "incomplete_expired")
RENEWS = ("active", "trialing")


def is_by_stripe(one: SubscriptionAnswer) -> bool:
    return one.kind is SubscriptionKind.STRIPE


def is_billed(one: SubscriptionAnswer) -> bool:
    """It will take money again: a second one would be refused."""
    goes_on = one.status not in (OVER, *NEVER_BEGAN) and not one.cancel_at_period_end
    return goes_on and is_by_stripe(one)


def is_ending(one: SubscriptionAnswer) -> bool:
    """It is paid for until its end; to go on with it costs nothing today."""
    return is_by_stripe(one) and one.cancel_at_period_end and one.status in (*RENEWS, LATE)


def has_failed(one: SubscriptionAnswer) -> bool:
    """Its last payment did not go through; another means of payment mends that."""
    return one.status in UNPAID
