"""Recording a snapshot of Stripe's objects; the result depends on the snapshot alone.

The same snapshot may be recorded any number of times. What is not of this catalogue is ignored.
"""

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.clock import Clock
from paywall.database.tables import (
    Checkout,
    Purchase,
    StripeCustomer,
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
from paywall.processors.stripe.prices import by_item_sold, find_price, sold_product
from paywall.processors.stripe.record_invoice import ACTOR, find_purchase, record_invoice
from paywall.rules.enums import STRIPE_ENDED, CheckoutStatus, ProductKind, SubscriptionKind
from paywall.settings import Settings
from paywall.subscriptions.billed import recompute_billed_access
from paywall.subscriptions.prepaid import recompute_prepaid
from paywall.subscriptions.receipts import withdraw_receipts

DAY_SECONDS = 86_400


async def record(
    session: AsyncSession,
    snapshot: Snapshot,
    customer: StripeCustomer,
    settings: Settings,
    clock: Clock,
) -> None:
    """Record a snapshot of one customer, whose lock the caller holds."""
    reader_id = customer.reader_id
    for subscription in snapshot.subscriptions:
        await _record_subscription(session, subscription, customer, settings, clock.now())
    for checkout_session in snapshot.sessions:
        await _record_session(session, checkout_session, customer, settings, clock)
    for invoice in snapshot.invoices:
        await record_invoice(session, invoice, reader_id, clock)
        if invoice.subscription_id is not None:
            await settle_checkouts(session, invoice.subscription_id)
    await recompute_prepaid(session, reader_id)


async def _record_subscription(
    session: AsyncSession,
    snapshot: StripeSubscriptionSnapshot,
    customer: StripeCustomer,
    settings: Settings,
    now: datetime,
) -> None:
    """Ignore one that is neither on record nor of a price of this catalogue."""
    snapshot = await by_item_sold(session, snapshot)
    price = await find_price(session, snapshot.price_id)
    subscription = await session.get(Subscription, snapshot.id)
    if subscription is None:
        if price is None:
            return
        subscription = Subscription(
            id=snapshot.id,
            reader_id=customer.reader_id,
            sequence_id=customer.sequence_id,
            kind=SubscriptionKind.STRIPE,
            starts_at=snapshot.started_at,
            paid_through=snapshot.started_at,
            entitled_until=snapshot.started_at,
            access_until=snapshot.started_at,
            created_at=now,
        )
    subscription.plan_id = price.product_id if price else subscription.plan_id
    subscription.starts_at = snapshot.started_at
    subscription.cancel_at_period_end = snapshot.is_cancelled or snapshot.status in STRIPE_ENDED
    card, failed, charge = snapshot.card, snapshot.failed_payment, snapshot.next_charge
    billing = await session.merge(
        StripeSubscription(
            id=snapshot.id,
            customer_id=snapshot.customer_id,
            price_id=snapshot.price_id,
            status=snapshot.status,
            quantity=snapshot.quantity,
            trial_starts_at=snapshot.trial_starts_at,
            trial_ends_at=snapshot.trial_ends_at,
            cancels_at=snapshot.cancels_at,
            will_renew=snapshot.will_renew,
            next_payment_at=snapshot.period_ends_at if snapshot.will_renew else None,
            payment_type=snapshot.payment_type,
            card_brand=card.brand if card else None,
            card_last4=card.last4 if card else None,
            failed_amount=failed.amount if failed else None,
            failed_currency=failed.currency if failed else None,
            next_attempt_at=failed.next_attempt_at if failed else None,
            pay_url=failed.pay_url if failed else None,
            has_new_method=failed.has_new_method if failed else False,
            next_amount=charge.amount if charge else None,
            next_currency=charge.currency if charge else None,
            grace_seconds=settings.grace_days * DAY_SECONDS,
            leeway_seconds=settings.renewal_leeway_seconds,
        )
    )
    if not subscription.cancel_at_period_end:
        await withdraw_receipts(session, subscription, now)
    await recompute_billed_access(session, subscription, billing)


async def _record_session(
    session: AsyncSession,
    snapshot: StripeSessionSnapshot,
    customer: StripeCustomer,
    settings: Settings,
    clock: Clock,
) -> None:
    """A checkout becomes paid when its purchase is on record, and then stays paid."""
    checkout = await session.get(Checkout, snapshot.checkout_id) if snapshot.checkout_id else None
    if checkout is None or checkout.session_id not in (None, snapshot.id):
        return
    checkout.session_id = snapshot.id
    checkout.url = snapshot.url
    checkout.subscription_id = snapshot.subscription_id
    session.add(checkout)
    if snapshot.paid_at is not None and checkout.product_kind is not ProductKind.PLAN:
        purchase = await _record_sale(session, checkout, snapshot, customer, settings, clock)
        checkout.purchase_id = purchase.id
        checkout.status = CheckoutStatus.PAID
    elif checkout.status is not CheckoutStatus.PAID:
        checkout.status = _status(snapshot)
    await session.flush()
    if snapshot.subscription_id is not None:
        await settle_checkouts(session, snapshot.subscription_id)


def _status(snapshot: StripeSessionSnapshot) -> CheckoutStatus:
    match snapshot.status:
        case SessionStatus.OPEN:
            return CheckoutStatus.OPEN
        case SessionStatus.EXPIRED:
            return CheckoutStatus.EXPIRED
        case SessionStatus.COMPLETE:
            return CheckoutStatus.PROCESSING


async def _record_sale(
    session: AsyncSession,
    checkout: Checkout,
    snapshot: StripeSessionSnapshot,
    customer: StripeCustomer,
    settings: Settings,
    clock: Clock,
) -> Purchase:
    """Fulfill a one-time purchase once, on the terms of the price that was paid."""
    payment = Payment(
        customer.reader_id, STRIPE, snapshot.id, checkout.product_kind, checkout.product_id,
        snapshot.amount, snapshot.currency,
    )  # fmt: skip
    purchase = await insert_purchase(session, payment, ACTOR, snapshot.paid_at or clock.now())
    if purchase is None:
        purchase = await find_purchase(session, snapshot.id)
    elif price := await find_price(session, checkout.price_id):
        await fulfill(
            session,
            purchase,
            sold_product(price),
            timezone=settings.meter_timezone,
            actor=ACTOR,
            clock=clock,
            sequence_id=customer.sequence_id,
        )
    purchase.tax_amount = snapshot.tax_amount
    session.add(purchase)
    await session.flush()
    await record_clawbacks(session, purchase.id, snapshot.clawbacks, actor=ACTOR, clock=clock)
    return purchase
