"""Fetching an object from Stripe together with everything that has to be recorded with it."""

from paywall.processors.stripe.client import StripeClient
from paywall.processors.stripe.objects import (
    ObjectKind,
    ObjectRef,
    Snapshot,
    StripeSubscriptionSnapshot,
)
from paywall.rules.enums import StripeStatus

# Of these the next payment is known.
PAYING = frozenset({StripeStatus.ACTIVE, StripeStatus.TRIALING})


async def fetch(client: StripeClient, ref: ObjectRef) -> Snapshot:
    """Fetch an object and what has to be recorded with it.

    An invoice and a session come with all refunds and disputes of their payments, so that a refund
    that is reported before its payment is not lost.
    """
    match ref.kind:
        case ObjectKind.SESSION:
            return await _fetch_session(client, ref.id)
        case ObjectKind.CUSTOMER:
            return await _fetch_customer(client, ref.id)
        case ObjectKind.SUBSCRIPTION:
            return await _fetch_subscription(client, ref.id)
        case ObjectKind.SUBSCRIPTION_ALONE:
            return Snapshot(subscriptions=(await _subscription(client, ref.id),))
        case ObjectKind.SUBSCRIPTION_HISTORY:
            return await _fetch_history(client, ref.id, ref.known_invoices)
        case ObjectKind.INVOICE:
            return await _fetch_invoice(client, ref.id)
        case ObjectKind.PAYMENT:
            return await _fetch_payment(client, ref.id)


async def _fetch_session(client: StripeClient, session_id: str) -> Snapshot:
    """A Checkout session, with the subscription that it began and its latest invoice."""
    session = await client.session(session_id)
    if session.subscription_id is None:
        return Snapshot(sessions=(session,))
    snapshot = await _fetch_subscription(client, session.subscription_id)
    return snapshot._replace(sessions=(session,))


async def _fetch_customer(client: StripeClient, customer_id: str) -> Snapshot:
    """The subscriptions of a customer that have not ended."""
    ids = await client.subscriptions_of(customer_id)
    return Snapshot(subscriptions=tuple([await _subscription(client, id_) for id_ in ids]))


async def _subscription(client: StripeClient, subscription_id: str) -> StripeSubscriptionSnapshot:
    """A subscription with what is charged next, and by what means where a payment failed."""
    subscription = await client.subscription(subscription_id)
    if subscription.status in PAYING:
        return subscription._replace(next_charge=await client.next_charge(subscription))
    failed, invoice_id = subscription.failed_payment, subscription.latest_invoice_id
    if failed is None or invoice_id is None or subscription.method_id is None:
        return subscription
    declined = await client.declined_method(invoice_id)
    is_new = declined is not None and declined != subscription.method_id
    return subscription._replace(failed_payment=failed._replace(has_new_method=is_new))


async def _fetch_subscription(client: StripeClient, subscription_id: str) -> Snapshot:
    """A subscription with its latest invoice."""
    subscription = await _subscription(client, subscription_id)
    if subscription.latest_invoice_id is None:
        return Snapshot(subscriptions=(subscription,))
    invoice = await client.invoice(subscription.latest_invoice_id)
    return Snapshot(subscriptions=(subscription,), invoices=(invoice,))


async def _fetch_invoice(client: StripeClient, invoice_id: str) -> Snapshot:
    """An invoice with its subscription; nothing for an invoice without one."""
    invoice = await client.invoice(invoice_id)
    if invoice.subscription_id is None:
        return Snapshot()
    subscription = await _subscription(client, invoice.subscription_id)
    return Snapshot(subscriptions=(subscription,), invoices=(invoice,))


async def _fetch_payment(client: StripeClient, payment_id: str) -> Snapshot:
    """The session or the invoice that a payment intent was for."""
    if session_id := await client.session_of_payment(payment_id):
        return await _fetch_session(client, session_id)
    if invoice_id := await client.invoice_of_payment(payment_id):
        return await _fetch_invoice(client, invoice_id)
    return Snapshot()


async def _fetch_history(
    client: StripeClient, subscription_id: str, known_invoices: frozenset[str]
) -> Snapshot:
    """A subscription with those of its newest hundred paid invoices that are not known."""
    subscription = await _subscription(client, subscription_id)
    ids = await client.paid_invoices_of(subscription_id)
    invoices = [await client.invoice(id_) for id_ in reversed(ids) if id_ not in known_invoices]
    return Snapshot(subscriptions=(subscription,), invoices=tuple(invoices))
