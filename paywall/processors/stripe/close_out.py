"""Ending all that Stripe has under way for a reader, before the reader is erased."""

from collections.abc import Collection, Sequence

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import Checkout
from paywall.problems import PAYMENT_PENDING, Problem, unavailable
from paywall.processors.stripe.cancel import end_billing
from paywall.processors.stripe.checkout_flow import close_checkout, sync_checkout
from paywall.processors.stripe.context import StripeContext
from paywall.rules.enums import CheckoutStatus
from paywall.subscriptions.billed import billed_of


async def unsettled_of(session: AsyncSession, reader_ids: Collection[str]) -> Sequence[Checkout]:
    """Checkouts of these readers that may still be paid."""
    statement = select(Checkout).where(
        col(Checkout.reader_id).in_(reader_ids),
        col(Checkout.status).in_([CheckoutStatus.OPEN, CheckoutStatus.PROCESSING]),
    )
    return (await session.exec(statement)).all()


async def end_all(context: StripeContext, reader_ids: Collection[str]) -> None:
    """Close every checkout and end every subscription, in Stripe, and see that it is so.

    What was paid meanwhile is recorded. Raises Problem(PAYMENT_PENDING) while a payment is under
    way, and Problem(UNAVAILABLE) where Stripe does not confirm.
    """
    async with context.database.reading() as session:
        checkouts = await unsettled_of(session, reader_ids)
    for checkout in checkouts:
        seen = await sync_checkout(context, checkout)
        if seen.status is CheckoutStatus.OPEN:
            seen = await close_checkout(context, seen)
        if seen.status is CheckoutStatus.PROCESSING:
            raise Problem(PAYMENT_PENDING, f"The checkout {seen.id} waits for its payment.")
    async with context.database.reading() as session:
        billed = await billed_of(session, reader_ids)
    for subscription in billed:
        await end_billing(context, subscription)


async def refuse_unended(session: AsyncSession, reader_ids: Collection[str]) -> None:
    """Once more under the reader's lock: raises Problem where something began meanwhile."""
    if await unsettled_of(session, reader_ids) or await billed_of(session, reader_ids):
        raise unavailable("Something is under way with Stripe for this reader: ask again.")
