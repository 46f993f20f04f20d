"""Giving what a code was paid for: the purchase and what it gives, in one transaction."""

from datetime import datetime
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.catalogue.sold_terms import product_as_sold
from paywall.clock import Clock
from paywall.database.tables import KhqrCode, Purchase
from paywall.payments.purchase import Payment, fulfill, insert_purchase
from paywall.rules.enums import Actor, Processor
from paywall.settings import Settings
from paywall.subscriptions.prepaid import recompute_prepaid


class CodePayment(NamedTuple):
    """A payment for a code, by its hash; `amount` in the smallest unit of ISO 4217."""

    hash: str
    amount: int
    currency: str
    paid_at: datetime | None


async def give(
    session: AsyncSession,
    code: KhqrCode,
    payment: CodePayment,
    actor: Actor,
    settings: Settings,
    clock: Clock,
) -> Purchase | None:
    """Record the payment as a purchase of what the code sold; None if it is recorded already.

    The caller holds the reader's lock. The purchase's time is now, so that a reader is not charged
    for time during which the service could not open anything.
    """
    purchase = await insert_purchase(
        session,
        Payment(
            reader_id=code.reader_id,
            processor=Processor.BAKONG,
            reference=payment.hash,
            product_kind=code.product_kind,
            product_id=code.product_id,
            amount_paid=payment.amount,
            currency=payment.currency,
        ),
        actor,
        clock.now(),
    )
    if purchase is None:
        return None
    product = product_as_sold(code.product_kind, code.terms)
    timezone = settings.meter_timezone
    await fulfill(session, purchase, product, timezone=timezone, actor=actor, clock=clock)
    await recompute_prepaid(session, code.reader_id)
    if code.purchase_id is None:
        code.purchase_id, code.hash = purchase.id, payment.hash
        code.paid_at = payment.paid_at
        session.add(code)
        await session.flush()
    return purchase
