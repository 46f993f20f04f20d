"""Proration credits as clawbacks on the invoices that they credit."""

from collections import defaultdict
from collections.abc import Iterable

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import Purchase, Refund, StripeInvoice
from paywall.database.tables.actor import actor_values
from paywall.rules.enums import Actor, ClawbackKind
from paywall.rules.refunds import ClawbackAmount, clawed_back
from paywall.subscriptions.clawback_times import TimedProration, prorations_of


async def settle_prorations(session: AsyncSession, purchase: Purchase, *, actor: Actor) -> None:
    """Claw back what invoices credit of one another, where `purchase` paid for one of them.

    A refund of an invoice can withdraw its own credits and those of the invoices before it, so all
    of the subscription are set. A credit of an invoice that is recorded later is set with that.
    """
    of_purchase = select(StripeInvoice.subscription_id).where(
        StripeInvoice.purchase_id == purchase.id
    )
    for subscription_id in (await session.exec(of_purchase)).all():
        prorations = await prorations_of(session, [subscription_id])
        if prorations:
            await _write_refunds(session, prorations, actor)


async def _write_refunds(
    session: AsyncSession, prorations: Iterable[TimedProration], actor: Actor
) -> None:
    # A proration credit of what was free takes back granted credits, but no money to record.
    by_invoice: dict[str, list[TimedProration]] = defaultdict(list)
    for proration in prorations:
        if proration.row.amount:
            by_invoice[proration.row.credited_invoice_id].append(proration)
    statement = (
        select(StripeInvoice.id, Purchase)
        .join(Purchase, col(Purchase.id) == StripeInvoice.purchase_id)
        .where(col(StripeInvoice.id).in_(by_invoice))
        .order_by(col(StripeInvoice.id))
    )
    for invoice_id, purchase in (await session.exec(statement)).all():
        refunds = select(Refund).where(Refund.purchase_id == purchase.id).order_by(col(Refund.id))
        known = {refund.reference: refund for refund in await session.exec(refunds)}
        for proration in by_invoice[invoice_id]:
            if proration.row.id not in known and not proration.spans:
                continue
            refund = known.get(proration.row.id) or _new_refund(purchase, proration, actor)
            known[proration.row.id] = refund
            _set_refund(refund, proration)
        session.add_all(known.values())
        set_clawed_back(purchase, known.values())
        session.add(purchase)
    await session.flush()


def _new_refund(purchase: Purchase, proration: TimedProration, actor: Actor) -> Refund:
    return Refund(
        purchase_id=purchase.id,
        reference=proration.row.id,
        kind=ClawbackKind.PRORATION,
        created_at=proration.row.starts_at,
        amount=proration.row.amount,
        **actor_values(actor),
    )


def _set_refund(refund: Refund, proration: TimedProration) -> None:
    refund.amount = proration.row.amount
    refund.is_in_force = proration.counts_now
    ends = (span.ends_at for span in proration.spans)
    refund.withdrawn_at = None if refund.is_in_force else max(ends, default=None)


def set_clawed_back(purchase: Purchase, refunds: Iterable[Refund]) -> None:
    """Set what is refunded and clawed back of a purchase to the sums of those in force.

    The money of a pending refund is not back yet, so only what it paid for is.
    """
    in_force = [refund for refund in refunds if refund.is_in_force]
    complete = [r for r in in_force if r.kind is ClawbackKind.REFUND and not r.is_pending]
    purchase.refunded = sum(refund.amount for refund in complete)
    purchase.taken_back = clawed_back(
        purchase.amount_paid,
        (ClawbackAmount(refund.amount, refund.keep_access) for refund in in_force),
    )
