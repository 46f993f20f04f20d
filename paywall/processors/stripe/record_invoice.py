"""Recording a paid invoice: a purchase, the period that it pays for, and its credits."""

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.clock import Clock
from paywall.database.tables import (
    Purchase,
    StripeInvoice,
    StripeSubscription,
    Subscription,
)
from paywall.payments.purchase import STRIPE, Payment, grant_credits, insert_purchase
from paywall.payments.refund import record_clawbacks
from paywall.processors.stripe.invoice_lines import SoldLine, granting_lines, plan_id_of
from paywall.processors.stripe.objects import StripeInvoiceSnapshot
from paywall.processors.stripe.prices import find_plan_sold
from paywall.rules.enums import Actor, CreditsExpire, GrantSource, ProductKind
from paywall.subscriptions.billed import recompute_billed_access

ACTOR = Actor("stripe", "stripe", "")


async def record_invoice(
    session: AsyncSession, snapshot: StripeInvoiceSnapshot, reader_id: str, clock: Clock
) -> None:
    """Record an invoice of a subscription that is on record here; an unpaid one is ignored.

    Each period grants the plan's credits once: trials and prorations grant none. Of two invoices
    whose periods start in the same second each grants its own, as a grant depends on its invoice's
    refunds.
    """
    if snapshot.paid_at is None or snapshot.subscription_id is None or not snapshot.lines:
        return
    subscription = await session.get(Subscription, snapshot.subscription_id)
    billing = await session.get(StripeSubscription, snapshot.subscription_id)
    if subscription is None or billing is None:
        return
    lines = [
        SoldLine(line, await find_plan_sold(session, line.price_id)) for line in snapshot.lines
    ]
    granting = granting_lines(lines, billing.trial_ends_at)
    plan_id = plan_id_of(lines) or subscription.plan_id or subscription.id
    payment = Payment(
        reader_id, STRIPE, snapshot.id, ProductKind.PLAN, plan_id,
        snapshot.amount_paid, snapshot.currency,
    )  # fmt: skip
    purchase = await insert_purchase(session, payment, ACTOR, snapshot.paid_at)
    if purchase is None:
        purchase = await find_purchase(session, snapshot.id)
    else:
        session.add(
            StripeInvoice(
                id=snapshot.id,
                subscription_id=subscription.id,
                purchase_id=purchase.id,
                period_ends_at=max(line.ends_at for line in snapshot.lines),
            )
        )
        await session.flush()
        for line, plan in granting:
            await grant_credits(
                session,
                purchase,
                GrantSource.SUBSCRIPTION,
                plan.credits,
                line.ends_at if plan.credits_expire is CreditsExpire.PERIOD_END else None,
                ACTOR,
                clock,
                reference=f"{purchase.reference} {line.starts_at:%Y-%m-%dT%H:%M:%SZ}",
            )
    if snapshot.clawbacks:
        await record_clawbacks(session, purchase.id, snapshot.clawbacks, actor=ACTOR, clock=clock)
    else:
        await recompute_billed_access(session, subscription, billing)


async def find_purchase(session: AsyncSession, reference: str) -> Purchase:
    statement = select(Purchase).where(
        Purchase.processor == STRIPE, Purchase.reference == reference
    )
    return (await session.exec(statement)).one()
