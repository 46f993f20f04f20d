"""Changing a subscription that Stripe bills: it is asked, looked at, and then recorded.

The answer says what was seen, never what was hoped for: where Stripe does not confirm a change,
nothing of it is recorded.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, NamedTuple

from litestar import Response
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.engine import Database
from paywall.database.tables import StripeIntent, StripeSubscription, Subscription
from paywall.problems import SUBSCRIPTION_ENDED, Problem, Unconfirmed, unavailable
from paywall.processors.stripe.client import Missing, StripeClient, require_stripe
from paywall.processors.stripe.customers import link_customer, lock_customer, version_of
from paywall.processors.stripe.intents import begin, give_up, settle
from paywall.processors.stripe.objects import StripeSubscriptionSnapshot
from paywall.processors.stripe.subscriptions import record_subscription
from paywall.rules.enums import STRIPE_ENDED, CancelWhen, IntentKind, IntentState
from paywall.settings import Settings

TRIES_MAX = 20
Told = Callable[[AsyncSession, Subscription], Awaitable[Response[Any]]]
Known = Callable[[AsyncSession], Awaitable[Response[Any] | None]]


class ChangeContext(NamedTuple):
    """Where a change is asked for: the store, and the way to Stripe if there is one."""

    database: Database
    stripe_client: StripeClient | None
    settings: Settings


class Change(NamedTuple):
    """What Stripe is asked to do to a subscription, and how one sees that it has done it."""

    kind: IntentKind
    ask: Callable[[StripeClient, str, str], Awaitable[None]]
    is_done: Callable[[StripeSubscriptionSnapshot], bool]


async def _end_with_period(stripe_client: StripeClient, subscription_id: str, key: str) -> None:
    await stripe_client.end_with_period(subscription_id, key)


async def _end_now(stripe_client: StripeClient, subscription_id: str, key: str) -> None:
    await stripe_client.end_now(subscription_id, key)


async def _go_on(stripe_client: StripeClient, subscription_id: str, key: str) -> None:
    seen = await stripe_client.subscription(subscription_id)
    if seen.status in STRIPE_ENDED:
        raise Problem(SUBSCRIPTION_ENDED)
    if seen.is_cancelled:
        await stripe_client.go_on(seen, key)


def _is_over(seen: StripeSubscriptionSnapshot) -> bool:
    return seen.status in STRIPE_ENDED


CHANGES = {
    CancelWhen.PERIOD_END: Change(
        IntentKind.CANCEL, _end_with_period, lambda seen: seen.is_cancelled or _is_over(seen)
    ),
    CancelWhen.NOW: Change(IntentKind.CANCEL_NOW, _end_now, _is_over),
}
RESUMING = Change(
    IntentKind.RESUME, _go_on, lambda seen: not seen.is_cancelled and not _is_over(seen)
)


async def change_in_stripe(
    desk: ChangeContext,
    subscription: Subscription,
    change: Change,
    *,
    known: Known,
    tell: Told,
) -> Response[Any]:
    """Ask for the change, and answer by `tell` in the transaction that records it as seen.

    `known` gives an answer where Stripe need not be asked. Raises Problem where Stripe refuses, or
    does not confirm it.
    """
    database, stripe_client = desk.database, require_stripe(desk.stripe_client)
    begun = await begin(database, change.kind, subscription.id, known)
    if isinstance(begun, Response):
        return begun
    refusal: Problem = unavailable("Stripe did not do it: ask again.")
    try:
        await change.ask(stripe_client, subscription.id, begun.key)
    except Missing:
        # One that has ended is missing to Stripe, as soon as it is to be changed.
        refusal = Problem(SUBSCRIPTION_ENDED)
    except Problem as error:
        refusal = error
    try:
        answer = await _look(desk, stripe_client, subscription, change, begun, tell)
    except Problem as error:
        unseen = Unconfirmed(error.detail, is_answered=False)
        async with database.writing() as session:
            await give_up(session, begun, unseen, database.clock.now())
        raise
    if answer is None:
        async with database.writing() as session:
            await give_up(session, begun, refusal, database.clock.now())
        raise refusal
    return answer


async def end_billing(desk: ChangeContext, subscription: Subscription) -> None:
    """End a subscription in Stripe, now and for good; raises Problem unless that was seen."""

    async def known(_session: AsyncSession) -> Response[None] | None:
        return None

    async def tell(_session: AsyncSession, _mine: Subscription) -> Response[None]:
        return Response(None)

    change = CHANGES[CancelWhen.NOW]
    await change_in_stripe(desk, subscription, change, known=known, tell=tell)


async def _look(
    desk: ChangeContext,
    stripe_client: StripeClient,
    subscription: Subscription,
    change: Change,
    intent: StripeIntent,
    tell: Told,
) -> Response[Any] | None:
    """Record the subscription as it is seen now; None where the change is not to be seen."""
    database = desk.database
    customer_id = await _customer_of(database, stripe_client, subscription)
    for _ in range(TRIES_MAX):
        async with database.reading() as session:
            version = await version_of(session, customer_id)
        seen = await stripe_client.subscription(subscription.id)
        async with database.writing() as session:
            if version is None or not await lock_customer(session, customer_id, version):
                continue
            is_done = change.is_done(seen)
            mine = await _record(
                session, seen, change, is_done, desk.settings, database.clock.now()
            )
            if not is_done:
                return None
            # A twin holds its key and then asks for the intent: here too the key comes first.
            answer = await tell(session, mine)
            await settle(session, intent, IntentState.CONFIRMED)
            return answer
    raise unavailable("Too much happens to this subscription at once: ask again.")


async def _customer_of(
    database: Database, stripe_client: StripeClient, subscription: Subscription
) -> str:
    """Of an imported subscription it is not known before Stripe was asked."""
    async with database.reading() as session:
        billing = await session.get(StripeSubscription, subscription.id)
    if billing is not None:
        return billing.customer_id
    customer_id = (await stripe_client.subscription(subscription.id)).customer_id
    async with database.writing() as session:
        now = database.clock.now()
        await link_customer(session, customer_id, subscription.reader_id, now)
    return customer_id


async def _record(
    session: AsyncSession,
    seen: StripeSubscriptionSnapshot,
    change: Change,
    is_done: bool,  # noqa: FBT001 (the question that was just answered)
    settings: Settings,
    now: datetime,
) -> Subscription:
    """Our own "now" ends access at once, whatever was paid."""
    mine = await session.get_one(Subscription, seen.id)
    if is_done and change.kind is IntentKind.CANCEL_NOW:
        mine.ended_at = mine.ended_at or now
    return await record_subscription(session, seen, mine.reader_id, settings=settings, now=now)
