"""Looking at Stripe: everything that has to be recorded together, fetched anew.

An invoice and a session come with all that was taken back of their payments, so that a refund
that is told of before its payment is not lost.
"""

from typing import NamedTuple

from paywall.processors.stripe.client import StripeClient
from paywall.processors.stripe.objects import (
    StripeInvoiceSnapshot,
    StripeSessionSnapshot,
    StripeSubscriptionSnapshot,
)


class Snapshot(NamedTuple):
    """What Stripe says, of one customer."""

    sessions: tuple[StripeSessionSnapshot, ...] = ()
    subscriptions: tuple[StripeSubscriptionSnapshot, ...] = ()
    invoices: tuple[StripeInvoiceSnapshot, ...] = ()


async def fetch_session(stripe_client: StripeClient, session_id: str) -> Snapshot:
    """A Checkout session, with the subscription that it began and its latest invoice."""
    session = await stripe_client.session(session_id)
    if session.subscription_id is None:
        return Snapshot(sessions=(session,))
    return (await fetch_subscription(stripe_client, session.subscription_id))._replace(
        sessions=(session,)
    )


async def fetch_subscription(stripe_client: StripeClient, subscription_id: str) -> Snapshot:
    """A subscription with its latest invoice."""
    subscription = await stripe_client.subscription(subscription_id)
    invoices = []
    if subscription.latest_invoice_id is not None:
        invoices.append(await stripe_client.invoice(subscription.latest_invoice_id))
    return Snapshot(subscriptions=(subscription,), invoices=tuple(invoices))


async def fetch_invoice(stripe_client: StripeClient, invoice_id: str) -> Snapshot:
    """An invoice with its subscription; nothing for an invoice that is of none."""
    invoice = await stripe_client.invoice(invoice_id)
    if invoice.subscription_id is None:
        return Snapshot()
    subscription = await stripe_client.subscription(invoice.subscription_id)
    return Snapshot(subscriptions=(subscription,), invoices=(invoice,))


async def fetch_payment(stripe_client: StripeClient, payment_id: str) -> Snapshot:
    """The session or the invoice that a payment was for, with all that was taken back of it."""
    if session_id := await stripe_client.session_of_payment(payment_id):
        return await fetch_session(stripe_client, session_id)
    if invoice_id := await stripe_client.invoice_of_payment(payment_id):
        return await fetch_invoice(stripe_client, invoice_id)
    return Snapshot()


async def fetch_history(
    stripe_client: StripeClient, subscription_id: str, known: frozenset[str]
) -> Snapshot:
    """A subscription with those of its newest hundred paid invoices that are not known."""
    subscription = await stripe_client.subscription(subscription_id)
    ids = await stripe_client.paid_invoices_of(subscription_id)
    invoices = [await stripe_client.invoice(id_) for id_ in reversed(ids) if id_ not in known]
    return Snapshot(subscriptions=(subscription,), invoices=tuple(invoices))
