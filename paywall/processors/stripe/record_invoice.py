"""Recording a paid invoice: a purchase, the period that it pays for, and its credits."""

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.clock import Clock
from paywall.credits.grant import GrantTerms, grant_many
from paywall.database.tables import (
    Plan,
    Purchase,
    StripeInvoice,
    StripeSubscription,
    Subscription,
)
from paywall.payments.purchase import STRIPE, Payment, grant_time, insert_purchase
from paywall.payments.refund import record_clawbacks
from paywall.processors.stripe.objects import InvoiceLine, StripeInvoiceSnapshot
from paywall.processors.stripe.prices import find_price, sold_product
from paywall.rules.enums import Actor, CreditsExpire, GrantSource, ProductKind

ACTOR = Actor("stripe", "stripe", "")


async def record_invoice(
    session: AsyncSession, seen: StripeInvoiceSnapshot, reader_id: str, clock: Clock
) -> None:
    """Record an invoice of a subscription that is on record here; an unpaid one is ignored."""
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
        purchase = await find_purchase(session, seen.id)
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
    plan = sold_product(price) if price else None
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


async def find_purchase(session: AsyncSession, reference: str) -> Purchase:
    statement = select(Purchase).where(
        Purchase.processor == STRIPE, Purchase.reference == reference
    )
    return (await session.exec(statement)).one()
