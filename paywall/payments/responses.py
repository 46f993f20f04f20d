"""Response models of recorded and pending payments."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Meta
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import Checkout, Purchase
from paywall.http.bodies import ResponseModel
from paywall.http.fields import (
    CreatedAt,
    NumberId,
    PassId,
    PlanId,
    ReaderId,
    ReceiptNumber,
)
from paywall.payments.withdrawals import (
    WithdrawalAnswer,
    withdrawal_to_response,
    withdrawals_of,
)
from paywall.rules.enums import ProductKind
from paywall.rules.receipt_number import payment_number
from paywall.settings import Settings
from paywall.subscriptions.billed import paid_until_of
from paywall.subscriptions.withdrawability import withdrawable_until_of

AMOUNT = "In the currency's smallest unit by ISO 4217: 4,000 riel are 400000."


class PurchaseAnswer(ResponseModel):
    """One payment, by any processor, for one product."""

    id: NumberId
    reader_id: ReaderId
    processor: Annotated[
        str, Meta(description="How it was paid, such as `khqr`, `cash` or `stripe`.")
    ]
    reference: Annotated[str, Meta(description="The processor's id of the payment.")]
    pack_id: Annotated[str | None, Meta(description="The pack that was bought, if it was one.")]
    pass_id: Annotated[str | None, Meta(description="The pass that was bought, if it was one.")]
    plan_id: Annotated[str | None, Meta(description="The plan that was paid for, if it was one.")]
    amount_paid: Annotated[int, Meta(description=AMOUNT)]
    currency: Annotated[str, Meta(description="ISO 4217, in lower case.")]
    refunded: Annotated[int, Meta(description="The refunded amount, without disputes.")]
    paid_until: Annotated[
        datetime | None,
        Meta(description="The end of the paid period if it paid for a Stripe subscription."),
    ]
    created_at: CreatedAt
    receipt_number: ReceiptNumber
    tax_amount: Annotated[
        int | None,
        Meta(description="The tax in `amount_paid`; null where the processor reported none."),
    ]
    withdrawable_until: Annotated[
        datetime | None,
        Meta(description="When the reader's time to withdraw ends; null: no right of withdrawal."),
    ]
    withdrawal: Annotated[
        WithdrawalAnswer | None, Meta(description="The reader's withdrawal from it, if any.")
    ]


class PendingAnswer(ResponseModel):
    """A payment that the reader has made and the bank has not confirmed yet."""

    checkout_id: Annotated[str, Meta(description="Its status: GET /v1/me/checkout/{id}.")]
    pack_id: Annotated[str | None, Meta(description="The site's id of the pack.")]
    pass_id: PassId
    plan_id: PlanId
    since: Annotated[datetime, Meta(description="When the checkout was opened.")]


def pending_to_response(checkout: Checkout) -> PendingAnswer:
    return PendingAnswer(
        checkout_id=checkout.id,
        since=checkout.created_at,
        **_product_ids(checkout.product_kind, checkout.product_id),
    )


async def to_responses(
    session: AsyncSession, purchases: Sequence[Purchase], settings: Settings
) -> list[PurchaseAnswer]:
    ids = [purchase.id for purchase in purchases]
    until = await paid_until_of(session, ids)
    withdrawable = await withdrawable_until_of(session, purchases, settings)
    withdrawals = await withdrawals_of(session, ids)
    return [
        PurchaseAnswer(
            id=purchase.id,
            reader_id=purchase.reader_id,
            processor=purchase.processor,
            reference=purchase.reference,
            amount_paid=purchase.amount_paid,
            currency=purchase.currency,
            refunded=purchase.refunded,
            paid_until=until.get(purchase.id),
            created_at=purchase.created_at,
            receipt_number=payment_number(
                purchase.id, purchase.processor, purchase.reference, purchase.created_at
            ),
            tax_amount=purchase.tax_amount,
            withdrawable_until=withdrawable.get(purchase.id),
            withdrawal=(
                withdrawal_to_response(purchase, withdrawals[purchase.id])
                if purchase.id in withdrawals
                else None
            ),
            **_product_ids(purchase.product_kind, purchase.product_id),
        )
        for purchase in purchases
    ]


async def to_response(
    session: AsyncSession, purchase: Purchase, settings: Settings
) -> PurchaseAnswer:
    (answer,) = await to_responses(session, [purchase], settings)
    return answer


def _product_ids(kind: ProductKind, product_id: str) -> dict[str, str | None]:
    """The id under the name of its kind; null under the others."""
    return {
        f"{product_kind}_id": product_id if product_kind == kind else None
        for product_kind in ProductKind
    }
