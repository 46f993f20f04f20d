"""Recording a paid invoice: a purchase, the period that it pays for, and its credits."""

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.clock import Clock
from paywall.database.tables import (
    Purchase,
    StripeInvoice,
    StripeProration,
    StripeSubscription,
    Subscription,
)
from paywall.payments.purchase import STRIPE, Payment, grant_credits, insert_purchase
from paywall.payments.refund import record_clawbacks
from paywall.processors.stripe.invoice_grants import SoldLine
from paywall.processors.stripe.invoice_lines import ProrationCredit, read_lines
from paywall.processors.stripe.objects import StripeInvoiceSnapshot
from paywall.processors.stripe.prices import find_plan_sold
from paywall.rules.enums import Actor, CreditsExpire, GrantSource, ProductKind
from paywall.subscriptions.billed import recompute_billed_access

ACTOR = Actor("stripe", "stripe", "")


async def record_invoice(
    session: AsyncSession, snapshot: StripeInvoiceSnapshot, reader_id: str, clock: Clock
) -> None:
    """Record an invoice of a subscription that is on record here; an unpaid one is ignored.

    Each period grants the plan's credits once, the rest of a period after a switch its share, and a
    trial none. Of two invoices whose periods start in the same second each grants its own, as a
    grant depends on its invoice's refunds and on later credits for the rest of its period.
    """
    if snapshot.paid_at is None or snapshot.subscription_id is None or not snapshot.lines:
        return
    subscription = await session.get(Subscription, snapshot.subscription_id)
    billing = await session.get(StripeSubscription, snapshot.subscription_id)
    if subscription is None or billing is None:
        return
    sold = [SoldLine(line, await find_plan_sold(session, line.price_id)) for line in snapshot.lines]
    contents = read_lines(sold, billing.trial_ends_at)
    payment = Payment(
        reader_id, STRIPE, snapshot.id, ProductKind.PLAN,
        contents.plan_id or subscription.plan_id or subscription.id,
        snapshot.amount_paid, snapshot.currency,
    )  # fmt: skip
    new = await insert_purchase(session, payment, ACTOR, snapshot.paid_at)
    purchase = new or await find_purchase(session, snapshot.id)
    # Also what is on record is written: an earlier release did not keep all of it.
    purchase.tax_amount = snapshot.tax_amount
    await session.merge(
        StripeInvoice(
            id=snapshot.id,
            subscription_id=subscription.id,
            purchase_id=purchase.id,
            period_starts_at=contents.starts_at,
            period_ends_at=contents.ends_at,
            grants_from=contents.grants_from,
            item_id=contents.item_id,
        )
    )
    for proration in contents.prorations:
        await session.merge(_proration_row(proration, subscription.id, snapshot.id))
    await session.flush()
    for line, plan, credits_ in contents.grants if new else ():
        expires_at = line.ends_at if plan.credits_expire is CreditsExpire.PERIOD_END else None
        reference = f"{purchase.reference} {line.starts_at:%Y-%m-%dT%H:%M:%SZ}"
        source = GrantSource.SUBSCRIPTION
        await grant_credits(
            session, purchase, source, credits_, expires_at, ACTOR, clock, reference
        )
    prorated = StripeProration.subscription_id == subscription.id
    any_proration = select(StripeProration.id).where(prorated).limit(1)
    if snapshot.clawbacks or (await session.exec(any_proration)).first() is not None:
        await record_clawbacks(session, purchase.id, snapshot.clawbacks, actor=ACTOR, clock=clock)
    else:
        await recompute_billed_access(session, subscription, billing)


def _proration_row(
    proration: ProrationCredit, subscription_id: str, invoice_id: str
) -> StripeProration:
    return StripeProration(
        id=proration.line_id,
        subscription_id=subscription_id,
        invoice_id=invoice_id,
        credited_invoice_id=proration.credited_invoice_id,
        starts_at=proration.starts_at,
        amount=proration.amount,
        item_id=proration.item_id,
    )


async def find_purchase(session: AsyncSession, reference: str) -> Purchase:
    statement = select(Purchase).where(
        Purchase.processor == STRIPE, Purchase.reference == reference
    )
    return (await session.exec(statement)).one()
