"""Withdrawing from a purchase that was paid by Stripe: end its subscription, return the money.

The declaration is committed before Stripe is asked, and counts once Stripe has answered both. Where
it did not answer, reconciling asks again.
"""

from collections.abc import Collection, Sequence

from litestar import Response
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import (
    Checkout,
    Purchase,
    StripeCustomer,
    StripeIntent,
    StripeInvoice,
    StripeSubscription,
    Subscription,
    Withdrawal,
)
from paywall.idempotency import IdempotencyClaim, store_response, stored_response
from paywall.payments.withdrawals import (
    WithdrawalAnswer,
    declare_withdrawal,
    declared_of,
    lock_purchase_of,
    withdrawal_to_response,
)
from paywall.problems import (
    PURCHASE_UNKNOWN,
    REQUEST_IN_PROGRESS,
    STRIPE_REFUSED,
    Problem,
    Unconfirmed,
)
from paywall.processors.stripe.cancel import end_billing
from paywall.processors.stripe.context import StripeContext
from paywall.processors.stripe.intents import (
    ASKED_FOR,
    attempts,
    finish_intent,
    give_up,
    take_intent,
)
from paywall.processors.stripe.objects import ObjectKind, ObjectRef
from paywall.processors.stripe.sync import sync
from paywall.rules.enums import IntentKind, IntentState
from paywall.telemetry import logger

UNCONFIRMED_MAX = 100


async def withdraw_in_stripe(
    context: StripeContext, reader_id: str, purchase_id: int, claim: IdempotencyClaim | None
) -> Response[WithdrawalAnswer]:
    """Withdraw, and give the answer with which its receipt is made; twice is one withdrawal."""
    clock = context.database.clock
    async for _ in attempts():
        async with context.database.writing() as session:
            if stored := await stored_response(session, claim, clock.now(), reader_id=reader_id):
                return stored
            purchase = await lock_purchase_of(session, reader_id, purchase_id)
            now = clock.now()
            withdrawal = await declare_withdrawal(session, purchase, context.settings, now)
            if withdrawal.confirmed_at is not None:
                answer = withdrawal_to_response(purchase, withdrawal)
                return await store_response(session, claim, 200, answer)
            intent = await take_intent(session, IntentKind.REFUND, str(purchase.id), now)
        if intent is not None:
            return await _withdraw(context, purchase, withdrawal, intent, claim)
    raise Problem(REQUEST_IN_PROGRESS)


async def finish_withdrawals(context: StripeContext) -> int:
    """Ask Stripe again for the oldest declared withdrawals; returns how many it confirmed.

    Raises Problem where Stripe does not answer.
    """
    finished = 0
    for withdrawal in await _unconfirmed(context):
        try:
            await withdraw_in_stripe(context, withdrawal.reader_id, withdrawal.purchase_id, None)
            finished += 1
        except Unconfirmed:
            raise
        except Problem as problem:
            # One that cannot be finished must not hold up the others.
            logger.warning("withdrawal %s is not confirmed: %s", withdrawal.id, problem.detail)
    return finished


async def finish_withdrawals_of(context: StripeContext, reader_ids: Collection[str]) -> None:
    """Have Stripe confirm what these readers declared. Raises Problem where it does not."""
    async with context.database.reading() as session:
        declared = await declared_of(session, reader_ids)
    for withdrawal in declared:
        await withdraw_in_stripe(context, withdrawal.reader_id, withdrawal.purchase_id, None)


async def _unconfirmed(context: StripeContext) -> Sequence[Withdrawal]:
    """The oldest, without erased readers' and those for which a request may be asking now."""
    left = context.database.clock.now() - ASKED_FOR
    statement = (
        select(Withdrawal)
        .where(
            col(Withdrawal.confirmed_at).is_(None),
            col(Withdrawal.at) <= left,
            col(Withdrawal.reader_id).in_(select(StripeCustomer.reader_id)),
        )
        .order_by(col(Withdrawal.at), col(Withdrawal.id))
        .limit(UNCONFIRMED_MAX)
    )
    async with context.database.reading() as session:
        return (await session.exec(statement)).all()


async def _withdraw(
    context: StripeContext,
    purchase: Purchase,
    withdrawal: Withdrawal,
    intent: StripeIntent,
    claim: IdempotencyClaim | None,
) -> Response[WithdrawalAnswer]:
    """Ask Stripe for both, and record what it confirmed."""
    clock = context.database.clock
    try:
        async with context.database.reading() as session:
            subscription = await _billed_by(session, purchase)
            customer_id = await _customer_of(session, purchase)
        # Before the money goes back, so that a failure between the two charges nothing more.
        if subscription is not None:
            await end_billing(context, subscription)
        await _return_money(context, purchase, withdrawal, intent.key)
        kind = ObjectKind.SESSION if subscription is None else ObjectKind.INVOICE
        async with sync(context, customer_id, ObjectRef(kind, purchase.reference)) as (session, _):
            confirmed = await session.get_one(Withdrawal, withdrawal.id)
            confirmed.confirmed_at = clock.now()
            session.add(confirmed)
            current = await session.get_one(Purchase, purchase.id, populate_existing=True)
            answer = withdrawal_to_response(current, confirmed)
            response = await store_response(session, claim, 201, answer)
            await finish_intent(session, intent, IntentState.CONFIRMED)
            return response
    except Problem as error:
        async with context.database.writing() as session:
            await give_up(session, intent, error, clock.now())
        raise


async def _return_money(
    context: StripeContext, purchase: Purchase, withdrawal: Withdrawal, key: str
) -> None:
    """Refund what is left of each payment; of a single one exactly the amount of the withdrawal.

    Where Stripe refuses that (already refunded, disputed, too old), the declaration stands: it is
    listed for the desk, which returns the money in another way.
    """
    client = context.client
    payment_ids = await client.payments_for(purchase.reference)
    amount = withdrawal.amount if len(payment_ids) == 1 else None
    for payment_id in payment_ids:
        own_key = f"{key}-{payment_id}"
        try:
            await client.refund(payment_id, amount, purchase.currency, withdrawal.id, own_key)
        except Problem as refusal:
            if refusal.kind is not STRIPE_REFUSED:
                raise
            logger.warning(
                "Stripe refused the refund of withdrawal %s: return the money another way",
                withdrawal.id,
            )


async def _billed_by(session: AsyncSession, purchase: Purchase) -> Subscription | None:
    """The subscription whose first invoice this was."""
    invoice = select(StripeInvoice.subscription_id).where(StripeInvoice.purchase_id == purchase.id)
    subscription = select(Subscription).where(col(Subscription.id).in_(invoice))
    return (await session.exec(subscription)).first()


async def _customer_of(session: AsyncSession, purchase: Purchase) -> str:
    """Raises Problem where the reader was erased in the meantime."""
    invoice = select(StripeInvoice.subscription_id).where(StripeInvoice.purchase_id == purchase.id)
    for statement in (
        select(StripeSubscription.customer_id).where(col(StripeSubscription.id).in_(invoice)),
        select(Checkout.customer_id).where(Checkout.purchase_id == purchase.id),
    ):
        if customer_id := (await session.exec(statement)).first():
            return customer_id
    raise Problem(PURCHASE_UNKNOWN)
