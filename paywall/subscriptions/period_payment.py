"""What was paid for the running period of a subscription, which ending it now would lose."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import Purchase, StripeInvoice, Subscription
from paywall.http.bodies import ResponseModel
from paywall.rules.withdrawal import Withdrawability
from paywall.settings import Settings
from paywall.subscriptions.withdrawability import (
    amount_left,
    withdrawability_of,
    withdrawable_until_of,
)


class PeriodPayment(ResponseModel):
    """The payment for the running period, as far as it did not go back."""

    purchase_id: Annotated[int, Meta(description="The purchase that paid for it.")]
    amount: Annotated[int, Meta(description="In the currency's smallest unit by ISO 4217.")]
    currency: Annotated[str, Meta(description="ISO 4217, in lower case.")]
    paid_until: Annotated[datetime, Meta(description="The end of what it paid for.")]
    withdrawable_until: Annotated[
        datetime | None,
        Meta(
            description="Until when the reader gets all of it back by POST /v1/me/withdrawals;"
            " null: there is no such right, or it is over or lost."
        ),
    ]


async def load_period_payment(
    session: AsyncSession, subscription: Subscription, settings: Settings, now: datetime
) -> PeriodPayment | None:
    """None where nothing was paid for the period, or all of it went back."""
    newest = (
        select(StripeInvoice)
        .where(
            StripeInvoice.subscription_id == subscription.id,
            col(StripeInvoice.period_ends_at) > now,
        )
        .order_by(col(StripeInvoice.period_ends_at).desc(), col(StripeInvoice.id).desc())
        .limit(1)
    )
    invoice = (await session.exec(newest)).first()
    purchase_id = invoice.purchase_id if invoice else subscription.purchase_id
    purchase = None if purchase_id is None else await session.get(Purchase, purchase_id)
    if purchase is None or amount_left(purchase) <= 0:
        return None
    outcome = await withdrawability_of(session, purchase, settings, now)
    ends = await withdrawable_until_of(session, [purchase], settings)
    is_possible = outcome is Withdrawability.POSSIBLE
    return PeriodPayment(
        purchase_id=purchase.id,
        amount=amount_left(purchase),
        currency=purchase.currency,
        paid_until=invoice.period_ends_at if invoice else subscription.access_until,
        withdrawable_until=ends.get(purchase.id) if is_possible else None,
    )
