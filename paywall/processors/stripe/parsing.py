"""Parsing Stripe's objects, as its API version 2026-10-28 returns them, into plain values.

Fields that are not named here are ignored. An object of another shape raises
msgspec.ValidationError.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from paywall.processors.stripe.objects import (
    InvoiceLine,
    SessionStatus,
    StripeInvoiceSnapshot,
    StripePriceSnapshot,
    StripeSessionSnapshot,
)
from paywall.processors.stripe.units import from_stripe, nearest_from_stripe
from paywall.rules.refunds import ClawbackSnapshot

# Metadata of a customer: finds one whose creation was never confirmed.
INTENT = "paywall_intent"


class _Customer(msgspec.Struct):
    id: str
    metadata: dict[str, str] | None = None


def made_for(intent: str, data: list[dict[str, Any]]) -> str | None:
    """The customer among these that was created for this intent."""
    parsed = msgspec.convert(data, list[_Customer])
    return next((one.id for one in parsed if (one.metadata or {}).get(INTENT) == intent), None)


class _Period(msgspec.Struct):
    start: int
    end: int


class _CreditedItems(msgspec.Struct):
    invoice: str


class _ProrationDetails(msgspec.Struct):
    credited_items: _CreditedItems | None = None


class _LineParent(msgspec.Struct):
    """Of a subscription's own item, or of an added item such as a proration."""

    subscription: str | None = None
    subscription_item: str | None = None
    proration: bool = False
    proration_details: _ProrationDetails | None = None


class _LineParents(msgspec.Struct):
    subscription_item_details: _LineParent | None = None
    invoice_item_details: _LineParent | None = None


class _PriceDetails(msgspec.Struct):
    price: str


class _Pricing(msgspec.Struct):
    price_details: _PriceDetails | None = None


class _Discount(msgspec.Struct):
    amount: int


class _LineItem(msgspec.Struct):
    id: str
    amount: int
    period: _Period
    parent: _LineParents | None = None
    pricing: _Pricing | None = None
    discount_amounts: list[_Discount] | None = None


class _Lines(msgspec.Struct):
    data: list[_LineItem]
    has_more: bool = False


class _SubscriptionDetails(msgspec.Struct):
    subscription: str


class _InvoiceParent(msgspec.Struct):
    subscription_details: _SubscriptionDetails | None = None


class _Transitions(msgspec.Struct):
    paid_at: int | None = None


class _Tax(msgspec.Struct):
    amount: int


class _Invoice(msgspec.Struct):
    id: str
    customer: str
    status: str | None
    amount_paid: int
    currency: str
    created: int
    lines: _Lines
    status_transitions: _Transitions
    parent: _InvoiceParent | None = None
    total_taxes: list[_Tax] | None = None


def invoice(
    data: dict[str, Any], clawbacks: Iterable[ClawbackSnapshot] = ()
) -> StripeInvoiceSnapshot:
    """The subscription is under `parent`, the periods are on the lines."""
    parsed = msgspec.convert(data, _Invoice)
    details = parsed.parent.subscription_details if parsed.parent else None
    subscription_id = details.subscription if details else None
    paid_at = parsed.status_transitions.paid_at or parsed.created
    return StripeInvoiceSnapshot(
        id=parsed.id,
        customer_id=parsed.customer,
        subscription_id=subscription_id,
        paid_at=at(paid_at) if parsed.status == "paid" else None,
        lines=tuple(
            line
            for item in parsed.lines.data
            if (line := _line(item, subscription_id, parsed.currency))
        ),
        clawbacks=tuple(clawbacks),
        amount_paid=from_stripe(
            parsed.amount_paid, parsed.currency, f"amount_paid of the invoice {parsed.id}"
        ),
        currency=parsed.currency,
        tax_amount=_tax(
            sum(tax.amount for tax in parsed.total_taxes or ()), parsed.currency, parsed.id
        ),
    )


def _tax(amount: int, currency: str, id_: str) -> int | None:
    """None for no tax: Stripe states 0 also where the seller reports no taxes there."""
    return from_stripe(amount, currency, f"tax of {id_}") if amount else None


def _line(line: _LineItem, subscription_id: str | None, currency: str) -> InvoiceLine | None:
    """None for a line that is not for the invoice's own subscription."""
    parents = line.parent or _LineParents()
    parent = parents.subscription_item_details or parents.invoice_item_details
    if parent is None or parent.subscription is None or parent.subscription != subscription_id:
        return None
    details = line.pricing.price_details if line.pricing else None
    credited = parent.proration_details.credited_items if parent.proration_details else None
    discount = sum(discount.amount for discount in line.discount_amounts or ())
    return InvoiceLine(
        id=line.id,
        price_id=details.price if details else None,
        starts_at=at(line.period.start),
        ends_at=at(line.period.end),
        is_proration=parent.proration,
        amount=nearest_from_stripe(line.amount - discount, currency),
        # A credit for something that was free has no amount.
        is_credit=line.amount < 0 or credited is not None,
        credited_invoice_id=credited.invoice if credited else None,
        item_id=parent.subscription_item,
    )


class _TotalDetails(msgspec.Struct):
    amount_tax: int = 0


class _Session(msgspec.Struct):
    id: str
    status: SessionStatus
    payment_status: str
    created: int
    amount_total: int | None = None
    currency: str | None = None
    customer: str | None = None
    client_reference_id: str | None = None
    url: str | None = None
    payment_intent: str | None = None
    subscription: str | None = None
    invoice: str | None = None
    total_details: _TotalDetails | None = None


class _Payment(msgspec.Struct):
    """Of a payment intent."""

    status: str
    latest_charge: str | None = None


def payment(data: dict[str, Any]) -> tuple[str | None, bool]:
    """The charge by which a payment intent succeeded, and whether it failed for good.

    Only for complete sessions: there, a payment that requires another method has failed.
    """
    parsed = msgspec.convert(data, _Payment)
    charge_id = parsed.latest_charge if parsed.status == "succeeded" else None
    return charge_id, parsed.status in ("requires_payment_method", "canceled")


class _InvoicePayment(msgspec.Struct):
    invoice: str


def invoice_paid(data: list[dict[str, Any]]) -> str | None:
    """The invoice that the first of these payments was for."""
    return next((item.invoice for item in msgspec.convert(data, list[_InvoicePayment])), None)


def payment_of(data: dict[str, Any]) -> str | None:
    """The payment intent of a Checkout session."""
    return msgspec.convert(data, _Session).payment_intent


def unpaid_invoice_of(data: dict[str, Any]) -> str | None:
    """The first invoice of a plan that was ordered and whose payment has not arrived."""
    parsed = msgspec.convert(data, _Session)
    is_pending = parsed.status is SessionStatus.COMPLETE and parsed.payment_status == "unpaid"
    return parsed.invoice if is_pending else None


def session(
    data: dict[str, Any],
    *,
    paid_at: datetime | None,
    has_failed: bool,
    clawbacks: Iterable[ClawbackSnapshot] = (),
) -> StripeSessionSnapshot:
    """`paid_at` and `has_failed` describe the payment of a complete session, if it has one."""
    parsed = msgspec.convert(data, _Session)
    amount, currency = parsed.amount_total or 0, parsed.currency or ""
    details = parsed.total_details
    is_complete = parsed.status is SessionStatus.COMPLETE
    is_free = is_complete and parsed.payment_status == "no_payment_required"
    return StripeSessionSnapshot(
        id=parsed.id,
        customer_id=parsed.customer,
        checkout_id=parsed.client_reference_id,
        status=SessionStatus.EXPIRED if has_failed and is_complete else parsed.status,
        url=parsed.url,
        amount=from_stripe(amount, currency, f"amount_total of the Checkout session {parsed.id}"),
        currency=currency,
        paid_at=at(parsed.created) if is_free else paid_at,
        subscription_id=parsed.subscription,
        clawbacks=tuple(clawbacks),
        tax_amount=_tax(details.amount_tax if details else 0, currency, parsed.id),
    )


class _Price(msgspec.Struct):
    id: str
    currency: str
    unit_amount: int | None = None
    lookup_key: str | None = None


def prices(data: list[dict[str, Any]]) -> dict[str, StripePriceSnapshot]:
    """These prices by their lookup key, without those that have none."""
    return {
        price.lookup_key: StripePriceSnapshot(price.id, _unit_amount(price), price.currency)
        for price in msgspec.convert(data, list[_Price])
        if price.lookup_key
    }


def _unit_amount(price: _Price) -> int | None:
    if price.unit_amount is None:
        return None
    return from_stripe(price.unit_amount, price.currency, f"unit_amount of the price {price.id}")


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
