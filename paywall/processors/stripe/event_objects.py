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


def fetch_for(stripe_client: StripeClient, event_ref: StripeEventRef) -> Look | None:
    """How to look at what an event is about; None for a type that means nothing here."""
    match event_ref.type:
        case (
            # A reader has paid on Stripe's page, or will not any more.
            "checkout.session.completed"
            # A payment that takes days has arrived, or has not.
            | "checkout.session.async_payment_succeeded"
            | "checkout.session.async_payment_failed"
            | "checkout.session.expired"
        ):
            return partial(fetch_session, stripe_client, event_ref.object_id)
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
            return partial(fetch_subscription, stripe_client, event_ref.object_id)
        case (
            # A period was paid for, or for nothing to be paid.
            "invoice.paid"
            # It was not: the subscription is past due, or will be.
            | "invoice.payment_failed"
        ):
            return partial(fetch_invoice, stripe_client, event_ref.object_id)
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
            return partial(_look_at_payment_of, stripe_client, event_ref)
        case _:
            return None


async def customer_of_event(stripe_client: StripeClient, event_ref: StripeEventRef) -> str | None:
    """Whose it is, which never changes; refunds and disputes do not say it themselves."""
    if event_ref.customer_id is not None:
        return event_ref.customer_id
    payment_id = await _payment_of(stripe_client, event_ref)
    return await stripe_client.customer_of_payment(payment_id) if payment_id else None


async def _look_at_payment_of(stripe_client: StripeClient, event_ref: StripeEventRef) -> Snapshot:
    payment_id = await _payment_of(stripe_client, event_ref)
    return await fetch_payment(stripe_client, payment_id) if payment_id else Snapshot()


async def _payment_of(stripe_client: StripeClient, event_ref: StripeEventRef) -> str | None:
    if event_ref.payment_id is not None or event_ref.charge_id is None:
        return event_ref.payment_id
    try:
        return await stripe_client.payment_of_charge(event_ref.charge_id)
    except Missing:
        return None
