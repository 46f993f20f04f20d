"""What each event of Stripe's is about. What it says is a hint: the object itself is fetched."""

from collections.abc import Awaitable, Callable
from functools import partial

from paywall.processors.stripe.client import Missing, StripeClient
from paywall.processors.stripe.fetch import (
    Snapshot,
    fetch_invoice,
    fetch_payment,
    fetch_session,
    fetch_subscription,
)
from paywall.processors.stripe.objects import StripeEventRef

Look = Callable[[], Awaitable[Snapshot]]


def fetch_for(gateway: StripeClient, hint: StripeEventRef) -> Look | None:
    """How to look at what an event is about; None for a type that means nothing here."""
    match hint.type:
        case (
            # A reader has paid on Stripe's page, or will not any more.
            "checkout.session.completed"
            # A payment that takes days has arrived, or has not.
            | "checkout.session.async_payment_succeeded"
            | "checkout.session.async_payment_failed"
            | "checkout.session.expired"
        ):
            return partial(fetch_session, gateway, hint.object_id)
        case (
            # A subscription begins.
            "customer.subscription.created"
            # It renews, lapses, is cancelled or not any more, switches its plan, ends its trial.
            | "customer.subscription.updated"
            | "customer.subscription.paused"
            | "customer.subscription.resumed"
            # It is over for good.
            | "customer.subscription.deleted"
        ):
            return partial(fetch_subscription, gateway, hint.object_id)
        case (
            # A period was paid for, or for nothing to be paid.
            "invoice.paid"
            # It was not: the subscription is past due, or will be.
            | "invoice.payment_failed"
        ):
            return partial(fetch_invoice, gateway, hint.object_id)
        case (
            # Money goes back, or was to go back and did not.
            "charge.refunded"
            | "charge.refund.updated"
            | "refund.created"
            | "refund.updated"
            | "refund.failed"
            # A bank takes money back, gives it back, or only asks.
            | "charge.dispute.created"
            | "charge.dispute.updated"
            | "charge.dispute.closed"
            | "charge.dispute.funds_withdrawn"
            | "charge.dispute.funds_reinstated"
        ):
            return partial(_look_at_payment_of, gateway, hint)
        case _:
            return None


async def customer_of_event(gateway: StripeClient, hint: StripeEventRef) -> str | None:
    """Whose it is, which never changes; refunds and disputes do not say it themselves."""
    if hint.customer_id is not None:
        return hint.customer_id
    payment_id = await _payment_of(gateway, hint)
    return await gateway.customer_of_payment(payment_id) if payment_id else None


async def _look_at_payment_of(gateway: StripeClient, hint: StripeEventRef) -> Snapshot:
    payment_id = await _payment_of(gateway, hint)
    return await fetch_payment(gateway, payment_id) if payment_id else Snapshot()


async def _payment_of(gateway: StripeClient, hint: StripeEventRef) -> str | None:
    if hint.payment_id is not None or hint.charge_id is None:
        return hint.payment_id
    try:
        return await gateway.payment_of_charge(hint.charge_id)
    except Missing:
        return None
