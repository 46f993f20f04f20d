"""Closing a reader's account with Stripe, before the reader is erased."""

from collections.abc import Collection

from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import (
    Checkout,
    StripeEvent,
    StripeIntent,
    StripeInvoice,
    StripeProration,
    StripeSubscription,
    Subscription,
)
from paywall.payments.checkouts import unsettled_of
from paywall.problems import PAYMENT_PENDING, Problem, unavailable
from paywall.processors.stripe.cancel import end_billing
from paywall.processors.stripe.checkout_flow import close_checkout, sync_checkout
from paywall.processors.stripe.context import StripeContext
from paywall.processors.stripe.customers import customers_of
from paywall.processors.stripe.state import remember_erased
from paywall.processors.stripe.withdraw import finish_withdrawals_of
from paywall.rules.enums import CheckoutStatus, SubscriptionKind
from paywall.subscriptions.billed import billed_of


async def end_all(context: StripeContext, reader_ids: Collection[str]) -> None:
    """Close every checkout and end every subscription in Stripe, and have that confirmed.

    Declared withdrawals are finished first: afterwards nobody knows whose payment it was. What was
    paid meanwhile is recorded. Raises Problem(PAYMENT_PENDING) while a payment is under way, and
    Problem(UNAVAILABLE) where Stripe does not confirm.
    """
    await finish_withdrawals_of(context, reader_ids)
    async with context.database.reading() as session:
        checkouts = await unsettled_of(session, reader_ids)
    for checkout in checkouts:
        current = await sync_checkout(context, checkout)
        if current.status is CheckoutStatus.OPEN:
            current = await close_checkout(context, current)
        if current.status is CheckoutStatus.PROCESSING:
            raise Problem(PAYMENT_PENDING, f"The checkout {current.id} waits for its payment.")
    async with context.database.reading() as session:
        billed = await billed_of(session, reader_ids)
    for subscription in billed:
        await end_billing(context, subscription)


async def forget_billing(session: AsyncSession, reader_ids: Collection[str]) -> list[str]:
    """Delete what is recorded about these readers in Stripe, and keep keyed hashes of the ids.

    The caller holds the reader's lock. Returns the ids of the subscriptions, which references of
    grants contain. Raises Problem(UNAVAILABLE) if something began since `end_all`.
    """
    if await unsettled_of(session, reader_ids) or await billed_of(session, reader_ids):
        raise unavailable(
            "A checkout or subscription of this reader was started: repeat the request."
        )
    customers = [customer.id for customer in await customers_of(session, reader_ids)]
    mine = select(Subscription.id).where(
        col(Subscription.reader_id).in_(reader_ids),
        col(Subscription.kind) == SubscriptionKind.STRIPE,
    )
    subscriptions = list((await session.exec(mine)).all())
    pages = select(Checkout.session_id).where(
        col(Checkout.reader_id).in_(reader_ids), col(Checkout.session_id).is_not(None)
    )
    sessions = [id_ for id_ in (await session.exec(pages)).all() if id_ is not None]
    if customers or subscriptions or sessions:
        await remember_erased(session, [*customers, *subscriptions, *sessions])
    asked = [*reader_ids, *subscriptions]
    await session.exec(delete(StripeIntent).where(col(StripeIntent.target).in_(asked)))
    for table in (StripeSubscription, Subscription):
        await session.exec(delete(table).where(col(table.id).in_(subscriptions)))
    billed = col(StripeInvoice.subscription_id).in_(subscriptions)
    await session.exec(delete(StripeInvoice).where(billed))
    credited = col(StripeProration.subscription_id).in_(subscriptions)
    await session.exec(delete(StripeProration).where(credited))
    events = [*customers, *subscriptions, *sessions]
    known = update(StripeEvent).where(col(StripeEvent.object_id).in_(events))
    await session.exec(known.values(object_id=""))
    return subscriptions
