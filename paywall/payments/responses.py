"""Payments as they are told: those that are here, and those on their way."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Meta
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import Checkout, Purchase, StripeInvoice
from paywall.http.bodies import ResponseModel
from paywall.rules.enums import ProductKind

AMOUNT = "In the currency's smallest unit as ISO 4217 counts it: 4,000 riel are 400000."


class PurchaseAnswer(ResponseModel):
    """One payment, by any processor, for the one product that is named."""

    id: int
    reader_id: str
    processor: str
    reference: Annotated[str, Meta(description="The processor's own name for the payment.")]
    pack_id: str | None
    pass_id: str | None
    plan_id: str | None
    amount_paid: Annotated[int, Meta(description=AMOUNT)]
    currency: Annotated[str, Meta(description="ISO 4217, in lower case.")]
    refunded: Annotated[int, Meta(description="What was refunded of it, disputes aside.")]
    paid_until: Annotated[
        datetime | None,
        Meta(description="Of a payment for a subscription in Stripe: the end of what it paid for."),
    ]
    created_at: datetime


class PendingAnswer(ResponseModel):
    """A payment that the reader has made and a bank has yet to confirm, for the product named."""

    checkout_id: Annotated[str, Meta(description="GET /v1/me/checkout/{id} tells how it stands.")]
    pack_id: str | None
    pass_id: str | None
    plan_id: str | None
    since: Annotated[datetime, Meta(description="When the checkout was opened.")]


def pending_to_response(checkout: Checkout) -> PendingAnswer:
    bought = {checkout.product_kind: checkout.product_id}
    return PendingAnswer(
        checkout_id=checkout.id,
        pack_id=bought.get(ProductKind.PACK),
        pass_id=bought.get(ProductKind.PASS),
        plan_id=bought.get(ProductKind.PLAN),
        since=checkout.created_at,
    )


async def to_responses(
    session: AsyncSession, purchases: Sequence[Purchase]
) -> list[PurchaseAnswer]:
    ids = [purchase.id for purchase in purchases]
    invoices = select(StripeInvoice).where(col(StripeInvoice.purchase_id).in_(ids))
    until = {paid.purchase_id: paid.period_ends_at for paid in await session.exec(invoices)}
    return [_told(purchase, until.get(purchase.id)) for purchase in purchases]


async def to_response(session: AsyncSession, purchase: Purchase) -> PurchaseAnswer:
    (answer,) = await to_responses(session, [purchase])
    return answer


def _told(purchase: Purchase, paid_until: datetime | None) -> PurchaseAnswer:
    bought = {purchase.product_kind: purchase.product_id}
    return PurchaseAnswer(
        id=purchase.id,
        reader_id=purchase.reader_id,
        processor=purchase.processor,
        reference=purchase.reference,
        pack_id=bought.get(ProductKind.PACK),
        pass_id=bought.get(ProductKind.PASS),
        plan_id=bought.get(ProductKind.PLAN),
        amount_paid=purchase.amount_paid,
        currency=purchase.currency,
        refunded=purchase.refunded,
        paid_until=paid_until,
        created_at=purchase.created_at,
    )
