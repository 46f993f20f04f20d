"""Linking a subscription that began in Stripe without this service, such as with another system."""

from datetime import datetime
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import Plan, StripeCustomer, StripeSubscription, Subscription
from paywall.problems import (
    REFERENCE_CONFLICT,
    SUBSCRIPTION_UNKNOWN,
    Problem,
    invalid,
    unavailable,
)
from paywall.processors.stripe.client import StripeClient
from paywall.processors.stripe.context import StripeContext
from paywall.processors.stripe.customers import link_customer, lock_customer, version_of
from paywall.processors.stripe.fetch import fetch
from paywall.processors.stripe.objects import (
    ObjectKind,
    ObjectRef,
    Snapshot,
    StripeSubscriptionSnapshot,
)
from paywall.processors.stripe.prices import by_item_sold, find_plan_sold, find_price
from paywall.processors.stripe.record import record
from paywall.processors.stripe.state import is_erased
from paywall.rules.enums import SubscriptionKind, UpsertOutcome

TRIES_MAX = 20


class LinkedSubscription(NamedTuple):
    """A linked subscription; `has_known_price`: its price is one of this catalogue."""

    subscription: Subscription
    outcome: UpsertOutcome
    has_known_price: bool


class LinkableSubscription(NamedTuple):
    """What linking would do; `access_until` is the end of the period in Stripe."""

    access_until: datetime
    outcome: UpsertOutcome
    has_known_price: bool


class NeededPlan(NamedTuple):
    """The plan that a subscription stands for, which it needs unless it is linked at any price."""

    plan_id: str | None
    at_any_price: bool


async def link_subscription(
    context: StripeContext,
    reader_id: str,
    subscription_id: str,
    *,
    plan_id: str | None = None,
    at_any_price: bool = True,
    invoices_max: int | None = None,
) -> LinkedSubscription:
    """Record a subscription of Stripe, its customer and its paid invoices as this reader's.

    Nothing is recorded before Stripe has answered. It is recorded at any price, unless it has to
    stand for a plan (`plan_id`): one outside the catalogue opens everything and grants no credits.
    Of its invoices the newest `invoices_max` are recorded, by default the newest hundred.
    Repeating it asks nothing and changes nothing.
    Raises Missing, or Problem where it is another reader's or Stripe cannot be asked.
    """
    database, client = context.database, context.client
    plan = NeededPlan(plan_id, at_any_price)
    for _ in range(TRIES_MAX):
        async with database.reading() as session:
            if linked := await find_linked(session, reader_id, subscription_id):
                return linked
        customer_id = (await client.subscription(subscription_id)).customer_id
        ref = await _history(client, subscription_id, invoices_max)
        async with database.reading() as session:
            version = await version_of(session, customer_id)
        snapshot = await fetch(client, ref)
        async with database.writing() as session:
            if await _link(context, session, reader_id, snapshot, version, plan):
                [fetched] = snapshot.subscriptions
                subscription = await by_item_sold(session, fetched)
                is_known = await find_price(session, subscription.price_id) is not None
                recorded = await session.get_one(Subscription, subscription_id)
                return LinkedSubscription(recorded, UpsertOutcome.CREATED, is_known)
    raise unavailable("This customer was changed several times at once: repeat the request.")


async def check_link(
    context: StripeContext, reader_id: str, subscription_id: str
) -> LinkableSubscription:
    """Ask Stripe whether it can be linked, and record nothing; raises what linking would raise."""
    async with context.database.reading() as session:
        if linked := await find_linked(session, reader_id, subscription_id):
            return LinkableSubscription(
                linked.subscription.access_until, linked.outcome, linked.has_known_price
            )
    fetched = await context.client.subscription(subscription_id)
    async with context.database.reading() as session:
        await _refuse_erased(session, fetched)
        customer = await session.get(StripeCustomer, fetched.customer_id)
        if customer is not None and customer.reader_id != reader_id:
            raise _of_another()
        fetched = await by_item_sold(session, fetched)
        is_known = await find_price(session, fetched.price_id) is not None
    return LinkableSubscription(fetched.period_ends_at, UpsertOutcome.CREATED, is_known)


async def _history(
    client: StripeClient, subscription_id: str, invoices_max: int | None
) -> ObjectRef:
    older: frozenset[str] = frozenset()
    if invoices_max is not None:
        older = frozenset((await client.paid_invoices_of(subscription_id))[invoices_max:])
    return ObjectRef(ObjectKind.SUBSCRIPTION_HISTORY, subscription_id, older)


async def _require_plan(
    session: AsyncSession, fetched: StripeSubscriptionSnapshot, plan: NeededPlan
) -> None:
    """Refuse a plan that the catalogue lacks, and a missing one where the price names none."""
    plan_id = plan.plan_id
    if plan_id is not None and await session.get(Plan, plan_id) is None:
        raise invalid("plan_id", f"is {plan_id!r}, and the catalogue has no such plan")
    if plan.at_any_price or plan_id is not None:
        return
    if await find_plan_sold(session, fetched.price_id) is None:
        raise invalid(
            "plan_id",
            f"missing: {fetched.id} is billed at {fetched.price_id}, a price that is not of this"
            " catalogue. Send the plan that it stands for, or create one with"
            " PUT /v1/plans/{plan_id} first.",
        )


async def find_linked(
    session: AsyncSession, reader_id: str, subscription_id: str
) -> LinkedSubscription | None:
    """The subscription if it is this reader's and on record as it is in Stripe.

    Raises Problem(REFERENCE_CONFLICT) where it is another reader's.
    """
    subscription = await session.get(Subscription, subscription_id)
    if subscription is None:
        return None
    if subscription.reader_id != reader_id:
        raise _of_another()
    billing = await session.get(StripeSubscription, subscription_id)
    if billing is None:
        return None
    is_known = await find_price(session, billing.price_id) is not None
    return LinkedSubscription(subscription, UpsertOutcome.UNCHANGED, is_known)


async def _link(
    context: StripeContext,
    session: AsyncSession,
    reader_id: str,
    snapshot: Snapshot,
    version: int | None,
    plan: NeededPlan,
) -> bool:
    """Record the snapshot; False if the customer was changed since before it was fetched."""
    [subscription] = snapshot.subscriptions
    fetched = await by_item_sold(session, subscription)
    clock = context.database.clock
    await _refuse_erased(session, fetched)
    if version is None:
        await link_customer(session, fetched.customer_id, reader_id, clock.now())
    customer = await lock_customer(session, fetched.customer_id, version or 0)
    if customer is None:
        return False
    if customer.reader_id != reader_id:
        raise _of_another()
    if await session.get(Subscription, fetched.id) is None:
        await _require_plan(session, fetched, plan)
        session.add(_new(reader_id, customer.sequence_id, fetched, context, plan.plan_id))
        await session.flush()
    await record(session, snapshot, customer, context.settings, clock)
    return True


async def _refuse_erased(session: AsyncSession, fetched: StripeSubscriptionSnapshot) -> None:
    if await is_erased(session, (fetched.id, fetched.customer_id)):
        raise Problem(SUBSCRIPTION_UNKNOWN, "The reader of this subscription was erased.")


def _new(
    reader_id: str,
    sequence_id: str | None,
    fetched: StripeSubscriptionSnapshot,
    context: StripeContext,
    plan_id: str | None,
) -> Subscription:
    """Its times follow from what is recorded with it."""
    return Subscription(
        id=fetched.id,
        reader_id=reader_id,
        sequence_id=sequence_id,
        kind=SubscriptionKind.STRIPE,
        plan_id=plan_id,
        starts_at=fetched.started_at,
        paid_through=fetched.started_at,
        entitled_until=fetched.started_at,
        access_until=fetched.started_at,
        created_at=context.database.clock.now(),
    )


def _of_another() -> Problem:
    return Problem(
        REFERENCE_CONFLICT,
        "The subscription or its customer in Stripe is another reader's: look for that reader, and"
        " merge the two if they are one person.",
        fields=["reader_id"],
    )
