"""Stripe's objects as plain values, as far as this service needs them.

No object of the SDK leaves the client; `parsing` makes these values from them.
Times are aware and UTC, amounts in the currency's smallest unit by ISO 4217.
"""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from paywall.rules.enums import STRIPE_ENDED, IntentKind, Interval, StripeStatus
from paywall.rules.refunds import ClawbackSnapshot

# Metadata of a Checkout session, and the length that Stripe allows for its value.
SEALED_ORDER = "paywall_order"
SEAL_LENGTH_MAX = 500


class StripeCard(NamedTuple):
    """The card that is charged: Stripe's code of its brand, and its last four digits."""

    brand: str
    last4: str


class Charge(NamedTuple):
    """An amount that is going to be charged."""

    amount: int
    currency: str


class FailedPayment(NamedTuple):
    """What a declined payment leaves to pay; `next_attempt_at` is None after the last attempt.

    It can be paid at `pay_url`. `has_new_method`: the next attempt charges another means of payment
    than the one that was declined.
    """

    amount: int
    currency: str
    next_attempt_at: datetime | None
    pay_url: str | None
    has_new_method: bool = False


class SubscriptionItem(NamedTuple):
    """One of the prices that a subscription bills, and when its period ends."""

    price_id: str
    quantity: int
    period_ends_at: datetime


class StripeSubscriptionSnapshot(NamedTuple):
    """A subscription when it was fetched, by one of its items.

    `other_items` are its further items, such as an add-on. `is_cancelled`: it ends with its period,
    or earlier. `cancels_at`: it ends on this later date, set in Stripe or by a subscription
    schedule, and renews until then. `will_renew`: Stripe is going to charge for the next period, at
    its price times `quantity`; `next_charge` is that with discounts, tax and credit, and of what is
    cancelled what resuming it would lead to. `method_id` is the means of payment.
    """

    id: str
    customer_id: str
    status: StripeStatus
    price_id: str
    started_at: datetime
    quantity: int
    period_ends_at: datetime
    trial_starts_at: datetime | None
    trial_ends_at: datetime | None
    cancels_at_period_end: bool
    is_cancelled: bool
    cancels_at: datetime | None
    will_renew: bool
    schedule_id: str | None
    latest_invoice_id: str | None
    payment_type: str | None
    method_id: str | None = None
    card: StripeCard | None = None
    failed_payment: FailedPayment | None = None
    next_charge: Charge | None = None
    other_items: tuple[SubscriptionItem, ...] = ()


class StripePriceSnapshot(NamedTuple):
    """A price in Stripe; `amount` is None if it has no fixed amount."""

    id: str
    amount: int | None
    currency: str


class InvoiceLine(NamedTuple):
    """A line of an invoice for its subscription: a period `[starts_at, ends_at)` at a price.

    A proration covers a part of a period, after a switch of plans or quantities. A credit covers
    time that is not used, with an `amount` (after discounts) of zero or less; the invoice that had
    charged for it is `credited_invoice_id`, None if none had. `item_id` is the subscription's item
    that the line is for, None where Stripe names none.
    """

    id: str
    price_id: str | None
    starts_at: datetime
    ends_at: datetime
    is_proration: bool
    amount: int
    is_credit: bool
    credited_invoice_id: str | None = None
    item_id: str | None = None


class StripeInvoiceSnapshot(NamedTuple):
    """An invoice with all refunds and disputes of its payments; `paid_at` is None until paid."""

    id: str
    customer_id: str
    subscription_id: str | None
    paid_at: datetime | None
    amount_paid: int
    currency: str
    lines: tuple[InvoiceLine, ...]
    clawbacks: tuple[ClawbackSnapshot, ...] = ()
    tax_amount: int | None = None


class SessionOrder(NamedTuple):
    """What a reader is going to pay for on Stripe's page; a plan becomes a subscription."""

    checkout_id: str
    customer_id: str
    price_id: str
    is_plan: bool
    trial_days: int | None
    return_url: str
    sealed: str | None = None


class PriceOrder(NamedTuple):
    """A price to create; `interval` is None for a one-time product."""

    lookup_key: str
    title: str
    amount: int
    currency: str
    interval: Interval | None
    interval_count: int


class SessionStatus(StrEnum):
    """A Checkout session's status (https://docs.stripe.com/api/checkout/sessions/object)."""

    OPEN = "open"
    COMPLETE = "complete"
    EXPIRED = "expired"


class StripeSessionSnapshot(NamedTuple):
    """A Checkout session with all refunds and disputes of its payment.

    `paid_at` is the time of the payment, None while it is pending; of a session that cost nothing,
    the time at which it was created.
    """

    id: str
    customer_id: str | None
    checkout_id: str | None
    status: SessionStatus
    url: str | None
    amount: int
    currency: str
    paid_at: datetime | None
    subscription_id: str | None
    clawbacks: tuple[ClawbackSnapshot, ...] = ()
    tax_amount: int | None = None


class Snapshot(NamedTuple):
    """Objects of one customer, as they were fetched together."""

    sessions: tuple[StripeSessionSnapshot, ...] = ()
    subscriptions: tuple[StripeSubscriptionSnapshot, ...] = ()
    invoices: tuple[StripeInvoiceSnapshot, ...] = ()


class ObjectKind(StrEnum):
    """What is fetched; each kind but one brings along what has to be recorded with it.

    A customer is fetched for their subscriptions, whose payment depends on it.
    """

    SESSION = "session"
    CUSTOMER = "customer"
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
    """An event: that something happened to an object, not the object's state.

    Of a Checkout session it also has what does not change: see `order_seal`.
    """

    id: str
    type: str
    object_id: str
    at: datetime
    customer_id: str | None = None
    payment_id: str | None = None
    charge_id: str | None = None
    checkout_id: str | None = None
    return_url: str | None = None
    sealed_order: str | None = None


def is_changed(subscription: StripeSubscriptionSnapshot, kind: IntentKind) -> bool:
    """Whether a subscription is in the state that a cancellation or a resumption leads to."""
    has_ended = subscription.status in STRIPE_ENDED
    if kind is IntentKind.RESUME:
        goes_on = not subscription.is_cancelled and subscription.cancels_at is None
        return goes_on and not has_ended
    return has_ended or (kind is IntentKind.CANCEL and subscription.is_cancelled)
