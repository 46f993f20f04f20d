"""Comparing what is recorded with what Stripe lists."""

from datetime import datetime
from typing import NamedTuple

from paywall.processors.stripe.objects import StripeSubscriptionSnapshot
from paywall.rules.enums import STRIPE_ENDED, StripeStatus


class Drift(NamedTuple):
    """How many things reconciling found missing, and recorded."""

    events: int = 0
    subscriptions: int = 0
    checkouts: int = 0
    withdrawals: int = 0

    def __str__(self) -> str:
        if not any(self):
            return "Nothing was missing: the records agree with Stripe."
        return (
            f"Recorded: {self.events} undelivered events,"
            f" {self.subscriptions} subscriptions that differed,"
            f" {self.checkouts} checkouts whose status had changed,"
            f" {self.withdrawals} withdrawals that Stripe had not confirmed."
        )


class RecordedBilling(NamedTuple):
    """How Stripe bills a subscription, as it is recorded."""

    status: StripeStatus
    price_id: str
    quantity: int
    will_renew: bool
    trial_starts_at: datetime | None
    trial_ends_at: datetime | None
    next_payment_at: datetime | None
    cancels_at: datetime | None


class Comparison(NamedTuple):
    """A subscription of one of our readers, compared with Stripe's list.

    `is_complete`: none of its paid invoices can be missing here.
    """

    id: str
    customer_id: str
    known_invoices: frozenset[str]
    agrees: bool
    is_complete: bool


def compare(
    snapshot: StripeSubscriptionSnapshot,
    recorded: RecordedBilling | None,
    known_invoices: frozenset[str],
) -> Comparison:
    """Compare a subscription in Stripe's list with what is recorded of it, if anything is."""
    listed = RecordedBilling(
        snapshot.status,
        snapshot.price_id,
        snapshot.quantity,
        snapshot.will_renew,
        snapshot.trial_starts_at,
        snapshot.trial_ends_at,
        snapshot.period_ends_at if snapshot.will_renew else None,
        snapshot.cancels_at,
    )
    # An ended subscription is never paid for again; of any other the newest invoice may be missing.
    is_complete = snapshot.status in STRIPE_ENDED or snapshot.latest_invoice_id in known_invoices
    return Comparison(
        snapshot.id, snapshot.customer_id, known_invoices, recorded == listed, is_complete
    )
