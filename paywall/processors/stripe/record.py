"""Recording what Stripe says: functions of what was fetched, the same from wherever it comes.

Webhooks, the return page and reconcile all end here. Each may record the same thing once or often;
what is not of this catalogue is passed over.
"""

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.clock import Clock
from paywall.credits.grant import GrantTerms, grant_many
from paywall.database.tables import (
    Checkout,
    Plan,
    Purchase,
    StripeInvoice,
    StripeSubscription,
    Subscription,
)
from paywall.payments.purchase import STRIPE, Payment, fulfill, grant_time, insert_purchase
from paywall.payments.refund import record_clawbacks
from paywall.processors.stripe.fetch import Snapshot
from paywall.processors.stripe.objects import (
    InvoiceLine,
    SessionStatus,
    StripeInvoiceSnapshot,
    StripeSessionSnapshot,
)
from paywall.processors.stripe.prices import find_price
from paywall.processors.stripe.sold_terms import sold
from paywall.processors.stripe.subscriptions import record_subscription
from paywall.rules.enums import (
    Actor,
    CheckoutStatus,
    CreditsExpire,
    GrantSource,
    ProductKind,
)
from paywall.settings import Settings

ACTOR = Actor("stripe", "stripe", "")


async def record(
    session: AsyncSession, seen: Snapshot, reader_id: str, *, settings: Settings, clock: Clock
) -> None:
    """Write down all that was seen of one customer, whose lock the caller holds."""
    for subscription in seen.subscriptions:
        price = await find_price(session, subscription.price_id)
        if price is not None or await session.get(Subscription, subscription.id) is not None:
            await record_subscription(
                session, subscription, reader_id, settings=settings, now=clock.now()
            )
    for checkout in seen.sessions:
        await _record_session(session, checkout, reader_id, clock)
    for invoice in seen.invoices:
        await _record_invoice(session, invoice, reader_id, clock)


async def _record_session(
    session: AsyncSession, seen: StripeSessionSnapshot, reader_id: str, clock: Clock
) -> None:
    """A checkout is paid once what it sold is here; never after is it anything else."""
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
        await _settle_checkout(session, seen.subscription_id)


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
    """What was bought once is given once, on the terms of the price that was paid."""
    payment = Payment(
        reader_id, STRIPE, seen.id, checkout.product_kind, checkout.product_id,
        seen.amount, seen.currency,
    )  # fmt: skip
    purchase = await insert_purchase(session, payment, ACTOR, seen.paid_at or clock.now())
    if purchase is None:
        purchase = await _find_purchase(session, seen.id)
    elif price := await find_price(session, checkout.price_id):
        await fulfill(session, purchase, sold(price), actor=ACTOR, clock=clock)
    await record_clawbacks(session, purchase.id, seen.clawbacks, actor=ACTOR, clock=clock)
    return purchase


async def _find_purchase(session: AsyncSession, reference: str) -> Purchase:
    statement = select(Purchase).where(
        Purchase.processor == STRIPE, Purchase.reference == reference
    )
    return (await session.exec(statement)).one()


async def _record_invoice(
    session: AsyncSession, seen: StripeInvoiceSnapshot, reader_id: str, clock: Clock
) -> None:
    """A paid invoice is a purchase, a time that was paid for, and the credits of its periods."""
    if seen.paid_at is None or seen.subscription_id is None or not seen.own_lines:
        return
    subscription = await session.get(Subscription, seen.subscription_id)
    billing = await session.get(StripeSubscription, seen.subscription_id)
    if subscription is None or billing is None:
        return
    plan_id = await _plan_of(session, seen, subscription)
    payment = Payment(
        reader_id, STRIPE, seen.id, ProductKind.PLAN, plan_id, seen.amount_paid, seen.currency
    )
    purchase = await insert_purchase(session, payment, ACTOR, seen.paid_at)
    if purchase is None:
        purchase = await _find_purchase(session, seen.id)
    else:
        session.add(
            StripeInvoice(
                id=seen.id,
                subscription_id=subscription.id,
                purchase_id=purchase.id,
                period_ends_at=max(line.ends_at for line in seen.own_lines),
            )
        )
        await session.flush()
        await _grant_credits(session, seen, purchase, billing, clock)
    await record_clawbacks(session, purchase.id, seen.clawbacks, actor=ACTOR, clock=clock)
    await _settle_checkout(session, subscription.id)


async def _plan_of(
    session: AsyncSession, seen: StripeInvoiceSnapshot, subscription: Subscription
) -> str:
    """The plan of the invoice's latest line; of an imported subscription it may be unknown."""
    for line in sorted(seen.own_lines, key=lambda line: line.starts_at, reverse=True):
        if line.price_id and (price := await find_price(session, line.price_id)):
            return price.product_id
    return subscription.plan_id or subscription.id


async def _grant_credits(
    session: AsyncSession,
    seen: StripeInvoiceSnapshot,
    purchase: Purchase,
    billing: StripeSubscription,
    clock: Clock,
) -> None:
    """Once for each invoice and start of a period: none for a trial, or for a proration.

    Of two invoices whose periods start in one second each has its own: shared, they would hang on
    the one that was recorded first.
    """
    trial_ends_at = billing.trial_ends_at
    for line in seen.own_lines:
        is_trial = trial_ends_at is not None and line.starts_at < trial_ends_at
        if line.is_proration or is_trial:
            continue
        if terms := await _terms_of(session, line, purchase):
            age = grant_time(purchase)
            await grant_many(session, [terms], actor=ACTOR, clock=clock, paid_at=age)


async def _terms_of(
    session: AsyncSession, line: InvoiceLine, purchase: Purchase
) -> GrantTerms | None:
    price = await find_price(session, line.price_id) if line.price_id else None
    plan = sold(price) if price else None
    if not isinstance(plan, Plan) or plan.credits == 0:
        return None
    lapses = plan.credits_expire is CreditsExpire.PERIOD_END
    return GrantTerms(
        purchase.reader_id,
        plan.credits,
        GrantSource.SUBSCRIPTION,
        reference=f"{purchase.reference} {line.starts_at:%Y-%m-%dT%H:%M:%SZ}",
        expires_at=line.ends_at if lapses else None,
        purchase_id=purchase.id,
    )


async def _settle_checkout(session: AsyncSession, subscription_id: str) -> None:
    """The checkout that began a subscription is paid by its first invoice, in any order."""
    first = (
        select(StripeInvoice.purchase_id)
        .join(Purchase, col(Purchase.id) == StripeInvoice.purchase_id)
        .where(StripeInvoice.subscription_id == subscription_id)
        .order_by(col(Purchase.created_at), col(StripeInvoice.id))
        .limit(1)
    )
    purchase_id = (await session.exec(first)).first()
    begun = select(Checkout).where(Checkout.subscription_id == subscription_id)
    for checkout in (await session.exec(begun)).all():
        if purchase_id is not None:
            checkout.purchase_id = purchase_id
            checkout.status = CheckoutStatus.PAID
            session.add(checkout)
    await session.flush()
