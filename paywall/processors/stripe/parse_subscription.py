"""Parsing a subscription of Stripe's, with how it is paid and what is charged next."""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from paywall.processors.stripe.objects import (
    Charge,
    FailedPayment,
    StripeCard,
    StripeSubscriptionSnapshot,
    SubscriptionItem,
)
from paywall.processors.stripe.units import nearest_from_stripe
from paywall.rules.enums import STRIPE_ENDED, StripeStatus

UNPAID = frozenset({StripeStatus.PAST_DUE, StripeStatus.UNPAID})


class _Ref(msgspec.Struct):
    id: str


class _Item(msgspec.Struct):
    """`quantity` is absent where the price is by usage."""

    price: _Ref
    current_period_end: int
    quantity: int | None = None


class _Items(msgspec.Struct):
    data: Annotated[list[_Item], msgspec.Meta(min_length=1)]


class _Card(msgspec.Struct):
    brand: str
    last4: str


class _PaymentMethod(msgspec.Struct):
    """`card` is absent where it is no card."""

    id: str
    type: str
    card: _Card | None = None


class _InvoiceSettings(msgspec.Struct):
    default_payment_method: str | _PaymentMethod | None = None


class _Payer(msgspec.Struct):
    """The customer of a subscription; one that was deleted has no settings."""

    id: str
    invoice_settings: _InvoiceSettings | None = None


class _LatestInvoice(msgspec.Struct):
    id: str
    status: str | None
    currency: str
    amount_remaining: int
    attempted: bool
    next_payment_attempt: int | None = None
    hosted_invoice_url: str | None = None


class _Subscription(msgspec.Struct):
    """Where an object is not expanded, there is its id."""

    id: str
    customer: str | _Payer
    status: StripeStatus
    start_date: int
    items: _Items
    cancel_at_period_end: bool
    cancel_at: int | None = None
    trial_start: int | None = None
    trial_end: int | None = None
    pause_collection: dict[str, Any] | None = None
    schedule: str | None = None
    latest_invoice: str | _LatestInvoice | None = None
    default_payment_method: str | _PaymentMethod | None = None


def parse_subscription(data: dict[str, Any]) -> StripeSubscriptionSnapshot:
    """By the item whose period ends last; recording prefers one of this catalogue.

    Without expanded objects nothing is known of how it is paid.
    """
    parsed = msgspec.convert(data, _Subscription)
    by_end = sorted(parsed.items.data, key=lambda item: item.current_period_end, reverse=True)
    item, *others = map(_item, by_end)
    is_cancelled = _is_cancelled(parsed, by_end[0].current_period_end)
    ends_later = not is_cancelled and parsed.status not in STRIPE_ENDED
    method = _method_of(parsed)
    latest = parsed.latest_invoice
    return StripeSubscriptionSnapshot(
        id=parsed.id,
        customer_id=parsed.customer if isinstance(parsed.customer, str) else parsed.customer.id,
        status=parsed.status,
        price_id=item.price_id,
        started_at=datetime.fromtimestamp(parsed.start_date, UTC),
        quantity=item.quantity,
        period_ends_at=item.period_ends_at,
        trial_starts_at=_at(parsed.trial_start),
        trial_ends_at=_at(parsed.trial_end),
        cancels_at_period_end=parsed.cancel_at_period_end,
        is_cancelled=is_cancelled,
        cancels_at=_at(parsed.cancel_at) if ends_later else None,
        will_renew=parsed.status in (StripeStatus.ACTIVE, StripeStatus.TRIALING)
        and not is_cancelled
        and parsed.pause_collection is None,
        schedule_id=parsed.schedule,
        latest_invoice_id=latest.id if isinstance(latest, _LatestInvoice) else latest,
        payment_type=method.type if method else None,
        method_id=method.id if method else None,
        card=StripeCard(method.card.brand, method.card.last4) if method and method.card else None,
        failed_payment=_failed_payment(parsed),
        other_items=tuple(others),
    )


def _item(item: _Item) -> SubscriptionItem:
    quantity = 1 if item.quantity is None else item.quantity
    ends_at = datetime.fromtimestamp(item.current_period_end, UTC)
    return SubscriptionItem(item.price.id, quantity, ends_at)


def _at(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _method_of(parsed: _Subscription) -> _PaymentMethod | None:
    """How the next payment is made: Stripe asks the subscription first, then its customer."""
    payer = parsed.customer
    settings = payer.invoice_settings if isinstance(payer, _Payer) else None
    method = parsed.default_payment_method or (settings and settings.default_payment_method)
    return method if isinstance(method, _PaymentMethod) else None


def _failed_payment(parsed: _Subscription) -> FailedPayment | None:
    """What the latest invoice leaves to pay, where an attempt to charge it has failed."""
    latest = parsed.latest_invoice
    if parsed.status not in UNPAID or not isinstance(latest, _LatestInvoice):
        return None
    if latest.status != "open" or not latest.attempted:
        return None
    return FailedPayment(
        nearest_from_stripe(latest.amount_remaining, latest.currency),
        latest.currency,
        _at(latest.next_payment_attempt),
        latest.hosted_invoice_url,
    )


def _is_cancelled(parsed: _Subscription, period_ends_at: int) -> bool:
    """The billing portal cancels by `cancel_at` alone; until a later date it goes on renewing."""
    return parsed.cancel_at_period_end or (
        parsed.cancel_at is not None and parsed.cancel_at <= period_ends_at
    )


class _Preview(msgspec.Struct):
    amount_due: int
    currency: str


def previewed_charge(data: dict[str, Any]) -> Charge:
    """What an invoice that is not made yet is going to charge."""
    parsed = msgspec.convert(data, _Preview)
    return Charge(nearest_from_stripe(parsed.amount_due, parsed.currency), parsed.currency)


class _Method(msgspec.Struct):
    id: str


class _PaymentError(msgspec.Struct):
    payment_method: _Method | None = None


class _AttemptedIntent(msgspec.Struct):
    last_payment_error: _PaymentError | None = None


class _Attempt(msgspec.Struct):
    payment_intent: _AttemptedIntent | None = None


class _AttemptedPayment(msgspec.Struct):
    payment: _Attempt


def declined_method(data: list[dict[str, Any]]) -> str | None:
    """The means of payment that was declined last, by the payments of an invoice, newest first."""
    for attempted in msgspec.convert(data, list[_AttemptedPayment]):
        intent = attempted.payment.payment_intent
        error = intent.last_payment_error if intent else None
        if error is not None and error.payment_method is not None:
            return error.payment_method.id
    return None
