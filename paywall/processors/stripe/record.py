"""Recording a snapshot: a function of what was fetched, the same from wherever it comes.

The same snapshot may be recorded any number of times. What is not of this catalogue is ignored.
"""

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.clock import Clock
from paywall.database.tables import (
    Checkout,
    Purchase,
    StripeSubscription,
    Subscription,
)
from paywall.payments.checkouts import settle_checkouts
from paywall.payments.purchase import STRIPE, Payment, fulfill, insert_purchase
from paywall.payments.refund import record_clawbacks
from paywall.processors.stripe.objects import (
    SessionStatus,
    Snapshot,
    StripeSessionSnapshot,
    StripeSubscriptionSnapshot,
)
from paywall.processors.stripe.prices import find_price, sold_product
from paywall.processors.stripe.record_invoice import ACTOR, find_purchase, record_invoice
from paywall.rules.enums import STRIPE_ENDED, CheckoutStatus, ProductKind, SubscriptionKind
from paywall.settings import Settings
from paywall.subscriptions.billed import recompute_billed_access
from paywall.subscriptions.receipts import withdraw_receipts

DAY_SECONDS = 86_400


async def record(
    session: AsyncSession, snapshot: Snapshot, reader_id: str, settings: Settings, clock: Clock
) -> None:
    """Record a snapshot of one customer, whose lock the caller holds."""
    for subscription in snapshot.subscriptions:
        await _record_subscription(session, subscription, reader_id, settings, clock.now())
    for checkout in snapshot.sessions:
        await _record_session(session, checkout, reader_id, clock)
    for invoice in snapshot.invoices:
        await record_invoice(session, invoice, reader_id, clock)
        if invoice.subscription_id is not None:
            await settle_checkouts(session, invoice.subscription_id)


async def _record_subscription(
    session: AsyncSession,
    seen: StripeSubscriptionSnapshot,
    reader_id: str,
    settings: Settings,
    now: datetime,
) -> None:
    """One that is neither here nor sold by this catalogue belongs to another product."""
    price = await find_price(session, seen.price_id)
    subscription = await session.get(Subscription, seen.id)
    if subscription is None:
        if price is None:
            return
        subscription = Subscription(
            id=seen.id,
            reader_id=reader_id,
            kind=SubscriptionKind.STRIPE,
            starts_at=seen.started_at,
            paid_through=seen.started_at,
            entitled_until=seen.started_at,
            access_until=seen.started_at,
            created_at=now,
        )
    subscription.plan_id = price.product_id if price else subscription.plan_id
    subscription.starts_at = seen.started_at
    subscription.cancel_at_period_end = seen.is_cancelled or seen.status in STRIPE_ENDED
    billing = await session.merge(
        StripeSubscription(
            id=seen.id,
            customer_id=seen.customer_id,
            price_id=seen.price_id,
            status=seen.status,
            trial_ends_at=seen.trial_ends_at,
            will_renew=seen.will_renew,
            next_payment_at=seen.period_ends_at if seen.will_renew else None,
            payment_type=seen.payment_type,
            grace_seconds=settings.grace_days * DAY_SECONDS,
            leeway_seconds=settings.renewal_leeway_seconds,
        )
    )
    if not subscription.cancel_at_period_end:
        await withdraw_receipts(session, subscription, now)
    await recompute_billed_access(session, subscription, billing)


async def _record_session(
    session: AsyncSession, seen: StripeSessionSnapshot, reader_id: str, clock: Clock
) -> None:
    """A checkout becomes paid when what it sold is on record, and then stays paid."""
    checkout = await session.get(Checkout, seen.checkout_id) if seen.checkout_id else None
    if checkout is None or checkout.session_id not in (None, seen.id):
        return
    checkout.session_id = seen.id
    checkout.url = seen.url
    checkout.subscription_id = seen.subscription_id
    session.add(checkout)
    if seen.paid_at is not None and checkout.product_kind is not ProductKind.PLAN:
        purchase = await _record_sale(session, checkout, seen, reader_id, clock)
        checkout.purchase_id = purchase.id
        checkout.status = CheckoutStatus.PAID
    elif checkout.status is not CheckoutStatus.PAID:
        checkout.status = _status(seen)
    await session.flush()
    if seen.subscription_id is not None:
        await settle_checkouts(session, seen.subscription_id)


def _status(seen: StripeSessionSnapshot) -> CheckoutStatus:
    match seen.status:
        case SessionStatus.OPEN:
            return CheckoutStatus.OPEN
        case SessionStatus.EXPIRED:
            return CheckoutStatus.EXPIRED
        case SessionStatus.COMPLETE:
            return CheckoutStatus.PROCESSING


async def _record_sale(
    session: AsyncSession,
    checkout: Checkout,
    seen: StripeSessionSnapshot,
    reader_id: str,
    clock: Clock,
) -> Purchase:
    """Give what was bought once, on the terms of the price that was paid."""
    payment = Payment(
        reader_id, STRIPE, seen.id, checkout.product_kind, checkout.product_id,
        seen.amount, seen.currency,
    )  # fmt: skip
    purchase = await insert_purchase(session, payment, ACTOR, seen.paid_at or clock.now())
    if purchase is None:
        purchase = await find_purchase(session, seen.id)
    elif price := await find_price(session, checkout.price_id):
        await fulfill(session, purchase, sold_product(price), actor=ACTOR, clock=clock)
    await record_clawbacks(session, purchase.id, seen.clawbacks, actor=ACTOR, clock=clock)
    return purchase
