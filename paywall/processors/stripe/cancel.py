"""Cancelling and resuming a subscription that Stripe bills: ask, fetch, record what was confirmed.

Where Stripe does not confirm a change, nothing of it is recorded.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from litestar import Response
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import StripeIntent, StripeSubscription, Subscription
from paywall.idempotency import IdempotencyClaim, store_response, stored_response
from paywall.problems import (
    REQUEST_IN_PROGRESS,
    STRIPE_REFUSED,
    SUBSCRIPTION_ENDED,
    Problem,
    Unconfirmed,
    unavailable,
)
from paywall.processors.stripe.api_errors import Missing
from paywall.processors.stripe.client import StripeClient
from paywall.processors.stripe.context import StripeContext
from paywall.processors.stripe.customers import link_customer
from paywall.processors.stripe.intents import attempts, finish_intent, give_up, take_intent
from paywall.processors.stripe.objects import ObjectKind, ObjectRef, is_changed
from paywall.processors.stripe.sync import sync
from paywall.rules.enums import STRIPE_ENDED, CancelWhen, IntentKind, IntentState
from paywall.subscriptions.billed import end_billed_access
from paywall.subscriptions.cancel import find_subscription
from paywall.subscriptions.receipts import (
    CancelAnswer,
    find_receipt,
    receipt_for,
    receipt_response,
)
from paywall.subscriptions.responses import SubscriptionAnswer, load_responses

CANCELLATIONS = {
    CancelWhen.PERIOD_END: IntentKind.CANCEL,
    CancelWhen.NOW: IntentKind.CANCEL_NOW,
}


class Changed(NamedTuple):
    """The open transaction, and the subscription as it was recorded in it."""

    session: AsyncSession
    subscription: Subscription


async def cancel_in_stripe(
    context: StripeContext,
    subscription: Subscription,
    when: CancelWhen,
    reason: str | None,
    claim: IdempotencyClaim | None,
) -> Response[CancelAnswer]:
    """Cancel a subscription, and give the receipt; cancelling twice is one cancellation."""
    clock, reader_id = context.database.clock, subscription.reader_id
    async for _ in attempts():
        async with context.database.writing() as session:
            if stored := await stored_response(session, claim, clock.now(), reader_id=reader_id):
                return stored
            current = await find_subscription(session, reader_id, subscription.id, clock.now())
            if receipt := await find_receipt(session, current, when):
                answer = await receipt_response(session, current, receipt, clock.now())
                return await store_response(session, claim, 200, answer)
            billing = await session.get(StripeSubscription, subscription.id)
            kind = CANCELLATIONS[when]
            intent = await take_intent(session, kind, subscription.id, clock.now())
        if intent is None:
            continue
        customer_id = billing.customer_id if billing else None
        async with _change(context, subscription, customer_id, intent) as (session, cancelled):
            receipt = await receipt_for(session, cancelled, when, reason, clock.now())
            answer = await receipt_response(session, cancelled, receipt, clock.now())
            return await store_response(session, claim, 200, answer)
    raise Problem(REQUEST_IN_PROGRESS)


async def resume_in_stripe(
    context: StripeContext, subscription: Subscription, claim: IdempotencyClaim | None
) -> Response[SubscriptionAnswer]:
    """Withdraw a cancellation before the end."""
    clock, reader_id = context.database.clock, subscription.reader_id
    async for _ in attempts():
        async with context.database.writing() as session:
            if stored := await stored_response(session, claim, clock.now(), reader_id=reader_id):
                return stored
            billing = await session.get(StripeSubscription, subscription.id)
            intent = await take_intent(session, IntentKind.RESUME, subscription.id, clock.now())
        if intent is None:
            continue
        customer_id = billing.customer_id if billing else None
        async with _change(context, subscription, customer_id, intent) as (session, resumed):
            (answer,) = await load_responses(session, [resumed], clock.now())
            return await store_response(session, claim, 200, answer)
    raise Problem(REQUEST_IN_PROGRESS)


async def end_billing(context: StripeContext, subscription: Subscription) -> None:
    """End a subscription in Stripe, now and for good; raises Problem unless Stripe confirms it."""
    async for _ in attempts():
        async with context.database.writing() as session:
            now = context.database.clock.now()
            billing = await session.get(StripeSubscription, subscription.id)
            intent = await take_intent(session, IntentKind.CANCEL_NOW, subscription.id, now)
        if intent is None:
            continue
        customer_id = billing.customer_id if billing else None
        async with _change(context, subscription, customer_id, intent):
            return
    raise Problem(REQUEST_IN_PROGRESS)


@asynccontextmanager
async def _change(
    context: StripeContext,
    subscription: Subscription,
    customer_id: str | None,
    intent: StripeIntent,
) -> AsyncIterator[Changed]:
    """Ask Stripe for a change: a transaction in which it has been recorded as confirmed.

    What the caller adds is committed with it, and settles the intent. Raises Problem where Stripe
    refuses the change, or does not confirm it.
    """
    now = context.database.clock.now
    refusal = await _ask(context.client, subscription.id, intent)
    try:
        if customer_id is None:
            customer_id = await _link_imported(context, subscription)
        ref = ObjectRef(ObjectKind.SUBSCRIPTION_ALONE, subscription.id)
        async with sync(context, customer_id, ref) as (session, snapshot):
            if is_changed(snapshot.subscriptions[0], intent.kind):
                mine = await session.get_one(Subscription, subscription.id)
                if intent.kind is IntentKind.CANCEL_NOW:
                    await end_billed_access(session, mine, now())
                yield Changed(session, mine)
                # A twin locks its key and then the intent: the key comes first here too.
                await finish_intent(session, intent, IntentState.CONFIRMED)
                return
            await give_up(session, intent, refusal, now())
    except Problem as error:
        # Stripe may have made the change: the next try asks with the same key.
        unseen = Unconfirmed(error.detail, is_answered=False)
        async with context.database.writing() as session:
            await give_up(session, intent, unseen, now())
        raise
    raise refusal


async def _ask(client: StripeClient, subscription_id: str, intent: StripeIntent) -> Problem:
    """Ask for the change; returns what to raise if the change is then not found in Stripe."""
    try:
        if intent.kind is IntentKind.CANCEL:
            await _end_with_period(client, subscription_id, intent.key)
        elif intent.kind is IntentKind.CANCEL_NOW:
            await client.end_now(subscription_id, intent.key)
        else:
            await _resume(client, subscription_id, intent.key)
    except Missing:
        # Stripe reports a subscription that has ended as missing when it is to be changed.
        return Problem(SUBSCRIPTION_ENDED)
    except Problem as error:
        return error
    return unavailable("Stripe did not confirm the change: repeat the request.")


async def _end_with_period(client: StripeClient, subscription_id: str, key: str) -> None:
    """Stripe refuses it while a subscription schedule decides about the end."""
    try:
        await client.end_with_period(subscription_id, key)
    except Problem as refusal:
        if refusal.kind is not STRIPE_REFUSED or isinstance(refusal, Missing):
            raise
        snapshot = await client.subscription(subscription_id)
        if snapshot.schedule_id is not None:
            await client.release_schedule(snapshot.schedule_id, f"{key}-release")
        # Also where an earlier try released it: Stripe repeats its refusal of the first key.
        await client.end_with_period(subscription_id, f"{key}-released")


async def _resume(client: StripeClient, subscription_id: str, key: str) -> None:
    snapshot = await client.subscription(subscription_id)
    if snapshot.status in STRIPE_ENDED:
        raise Problem(SUBSCRIPTION_ENDED)
    if not snapshot.is_cancelled and snapshot.cancels_at is None:
        return
    if snapshot.schedule_id is not None:
        await client.release_schedule(snapshot.schedule_id, f"{key}-release")
    else:
        await client.resume(snapshot, key)


async def _link_imported(context: StripeContext, subscription: Subscription) -> str:
    """The customer of an imported subscription, which only Stripe knows so far."""
    customer_id = (await context.client.subscription(subscription.id)).customer_id
    async with context.database.writing() as session:
        now = context.database.clock.now()
        await link_customer(session, customer_id, subscription.reader_id, now)
    return customer_id
