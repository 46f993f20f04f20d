"""What Stripe says, as values, in the shapes of its API version 2026-10-28.

No object of the SDK leaves the client; these values stand for them. Times are aware and UTC,
amounts in the currency's smallest unit.
"""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from paywall.rules.enums import STRIPE_ENDED, IntentKind, StripeStatus
from paywall.rules.refunds import ClawbackSnapshot


class StripeSubscriptionSnapshot(NamedTuple):
    """A subscription as it stood when it was fetched."""

    id: str
    customer_id: str
    status: StripeStatus
    price_id: str
    started_at: datetime
    period_ends_at: datetime
    trial_ends_at: datetime | None
    cancels_at: datetime | None
    cancels_at_period_end: bool
    is_collection_paused: bool
    latest_invoice_id: str | None
    payment_type: str | None

    @property
    def is_cancelled(self) -> bool:
        """It was told to end; the portal says so by `cancel_at` alone."""
        return self.cancels_at_period_end or self.cancels_at is not None

    @property
    def will_renew(self) -> bool:
        """Stripe means to take the next payment."""
        goes_on = self.status in (StripeStatus.ACTIVE, StripeStatus.TRIALING)
        ends_first = self.cancels_at_period_end or (
            self.cancels_at is not None and self.cancels_at <= self.period_ends_at
        )
        return goes_on and not ends_first and not self.is_collection_paused


class StripePriceSnapshot(NamedTuple):
    """A price that Stripe has; `amount` is None for one that is no fixed amount."""

    id: str
    amount: int | None
    currency: str


class InvoiceLine(NamedTuple):
    """One line that is for a subscription: a time `[starts_at, ends_at)` at a price.

    A proration stands for a part of a period, after a switch of plans.
    """

    subscription_id: str
    price_id: str | None
    starts_at: datetime
    ends_at: datetime
    is_proration: bool


class StripeInvoiceSnapshot(NamedTuple):
    """An invoice, with all that was taken back of its payments; unpaid, `paid_at` is None."""

    id: str
    customer_id: str
    subscription_id: str | None
    paid_at: datetime | None
    amount_paid: int
    currency: str
    lines: tuple[InvoiceLine, ...]
    clawbacks: tuple[ClawbackSnapshot, ...] = ()

    @property
    def own_lines(self) -> list[InvoiceLine]:
        """The lines of the invoice's own subscription."""
        return [line for line in self.lines if line.subscription_id == self.subscription_id]


class SessionStatus(StrEnum):
    """A Checkout session's status (https://docs.stripe.com/api/checkout/sessions/object)."""

    OPEN = "open"
    COMPLETE = "complete"
    EXPIRED = "expired"


class StripeSessionSnapshot(NamedTuple):
    """A Checkout session, with all that was taken back of its payment.

    `paid_at` is the time of the payment, None while it is pending; where nothing was to pay, the
    time at which the session was made.
    """

    id: str
    customer_id: str | None
    checkout_id: str | None
    status: SessionStatus
    url: str | None
    expires_at: datetime
    amount: int
    currency: str
    paid_at: datetime | None
    subscription_id: str | None
    clawbacks: tuple[ClawbackSnapshot, ...] = ()


class Snapshot(NamedTuple):
    """Objects of one customer, as they were fetched together."""

    sessions: tuple[StripeSessionSnapshot, ...] = ()
    subscriptions: tuple[StripeSubscriptionSnapshot, ...] = ()
    invoices: tuple[StripeInvoiceSnapshot, ...] = ()


class ObjectKind(StrEnum):
    """What is fetched; each kind but one brings along what has to be recorded with it."""

    SESSION = "session"
    SUBSCRIPTION = "subscription"
    SUBSCRIPTION_ALONE = "subscription_alone"
    SUBSCRIPTION_HISTORY = "subscription_history"
    INVOICE = "invoice"
    PAYMENT = "payment"


class ObjectRef(NamedTuple):
    """An object in Stripe, by its id; the history of a subscription leaves out known invoices."""

    kind: ObjectKind
    id: str
    known_invoices: frozenset[str] = frozenset()


class StripeEventRef(NamedTuple):
    """An event of Stripe's: that something happened to an object, not what is true of it now."""

    id: str
    type: str
    object_id: str
    at: datetime
    customer_id: str | None = None
    payment_id: str | None = None
    charge_id: str | None = None


def is_changed(subscription: StripeSubscriptionSnapshot, kind: IntentKind) -> bool:
    """Whether a subscription is what a cancellation or a resumption makes of it."""
    has_ended = subscription.status in STRIPE_ENDED
    if kind is IntentKind.RESUME:
        return not subscription.is_cancelled and not has_ended
    return has_ended or (kind is IntentKind.CANCEL and subscription.is_cancelled)


DISPUTES_IN_FORCE = frozenset({"needs_response", "under_review", "lost"})
"""An inquiry (`warning_…`) takes nothing back, and one that was won gives it back."""


def refund_is_in_force(status: str | None) -> bool:
    """Only a refund that succeeded; a pending one may yet fail."""
    return status == "succeeded"


def refund_is_pending(status: str | None) -> bool:
    """It may yet succeed (https://docs.stripe.com/api/refunds/object)."""
    return status in {"pending", "requires_action"}


def dispute_is_in_force(status: str) -> bool:
    """From its opening until it is won (https://docs.stripe.com/api/disputes/object)."""
    return status in DISPUTES_IN_FORCE


def dispute_is_pending(status: str) -> bool:
    """An inquiry that is open: it may yet become a dispute."""
    return status in {"warning_needs_response", "warning_under_review"}
