"""Sending a reader to Stripe's page, step by step: what is committed, what is asked, what is kept.

Each step can be repeated: whoever finds one begun goes on with it.
"""

from functools import partial
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.engine import Database
from paywall.database.tables import Checkout, Plan, StripeIntent
from paywall.problems import Problem, Unconfirmed, unavailable
from paywall.processors.stripe.client import Missing, SessionOrder, StripeClient
from paywall.processors.stripe.customers import customer_of, link_customer
from paywall.processors.stripe.fetch import fetch_session
from paywall.processors.stripe.intents import asking, begin, give_up, settle
from paywall.processors.stripe.objects import StripeSessionSnapshot
from paywall.processors.stripe.sync import sync_customer
from paywall.rules.enums import CheckoutStatus, IntentKind, IntentState, ProductKind
from paywall.settings import Settings


class StripeContext(NamedTuple):
    """Where things are sold: the store, and the way to Stripe."""

    database: Database
    stripe_client: StripeClient
    settings: Settings


async def send_to_page(context: StripeContext, checkout: Checkout) -> Checkout:
    """The checkout with the address of its page, by a customer that Stripe has.

    Where the reader's was deleted there, a new one is made; the old one stays linked, so that what
    was paid by it can still go back.
    """
    customer_id = await _customer_for(context, checkout.reader_id)
    try:
        return await _page_for(context, checkout, customer_id)
    except Missing as missing:
        if missing.param != "customer":
            raise
    customer_id = await _customer_for(context, checkout.reader_id, besides=customer_id)
    return await _page_for(context, checkout, customer_id)


async def _customer_for(
    context: StripeContext, reader_id: str, *, besides: str | None = None
) -> str:
    """The reader's customer, made where there is none besides this one; a reader buys by one."""
    database, stripe_client, _ = context

    async def known(session: AsyncSession) -> str | None:
        customer_id = await customer_of(session, reader_id)
        return None if customer_id == besides else customer_id

    begun = await begin(database, IntentKind.CUSTOMER, reader_id, known)
    if isinstance(begun, str):
        return begun
    async with asking(database, begun):
        customer_id = await _make_customer(stripe_client, begun)
    async with database.writing() as session:
        await link_customer(session, customer_id, reader_id, database.clock.now())
        await settle(session, begun, IntentState.CONFIRMED)
    return customer_id


async def _make_customer(stripe_client: StripeClient, intent: StripeIntent) -> str:
    try:
        return await stripe_client.make_customer(intent.key)
    except Unconfirmed:
        made = await stripe_client.customer_of_intent(intent.key, intent.created_at)
        if made is None:
            raise
        return made


async def _page_for(context: StripeContext, checkout: Checkout, customer_id: str) -> Checkout:
    """The checkout with the address of its page, made where there is none yet.

    Another wish may have ended the checkout meanwhile: then it is told so, without an address.
    """
    database, stripe_client, _ = context
    known = partial(_with_page_or_over, checkout_id=checkout.id)
    begun = await begin(database, IntentKind.CHECKOUT, checkout.id, known)
    if isinstance(begun, Checkout):
        return begun
    async with database.reading() as session:
        order = await _order(session, checkout, customer_id)
    async with asking(database, begun):
        seen = await _open_session(stripe_client, order, begun)
    async with database.writing() as session:
        await settle(session, begun, IntentState.CONFIRMED)
        kept = await _keep_page(session, checkout.id, customer_id, seen)
    if kept.session_id != seen.id:
        # Whoever took this request for gone went on without it: nobody may pay by this page.
        await stripe_client.expire_session(seen.id, f"{begun.key}_late")
    return kept


async def _with_page_or_over(session: AsyncSession, checkout_id: str) -> Checkout | None:
    """The checkout, unless its page is yet to be made."""
    now = await session.get_one(Checkout, checkout_id)
    is_to_be_made = now.session_id is None and now.status is CheckoutStatus.OPEN
    return None if is_to_be_made else now


async def _order(session: AsyncSession, checkout: Checkout, customer_id: str) -> SessionOrder:
    is_plan = checkout.product_kind is ProductKind.PLAN
    plan = await session.get(Plan, checkout.product_id) if is_plan else None
    return SessionOrder(
        checkout_id=checkout.id,
        customer_id=customer_id,
        price_id=checkout.price_id,
        is_plan=is_plan,
        trial_days=plan.trial_days if plan else None,
        return_url=checkout.return_url,
    )


async def _open_session(
    stripe_client: StripeClient, order: SessionOrder, intent: StripeIntent
) -> StripeSessionSnapshot:
    try:
        return await stripe_client.open_session(order, intent.key)
    except Unconfirmed:
        made = await _find_session(stripe_client, order.customer_id, order.checkout_id)
        if made is None:
            raise
        return made


async def _keep_page(
    session: AsyncSession, checkout_id: str, customer_id: str, seen: StripeSessionSnapshot
) -> Checkout:
    """The checkout with this page, unless it was dropped before the page was there."""
    checkout = await session.get_one(Checkout, checkout_id, with_for_update=True)
    checkout.customer_id = customer_id
    # A webhook may have told of it first, and more.
    if checkout.session_id is None and checkout.status is CheckoutStatus.OPEN:
        checkout.session_id, checkout.url = seen.id, seen.url
    session.add(checkout)
    await session.flush()
    return checkout


async def fetch_again(context: StripeContext, checkout: Checkout) -> Checkout:
    """The checkout as Stripe says it is now."""
    if checkout.session_id is not None and checkout.customer_id is not None:
        look = partial(fetch_session, context.stripe_client, checkout.session_id)
        await sync_customer(context.database, context.settings, checkout.customer_id, look)
    async with context.database.reading() as session:
        return await session.get_one(Checkout, checkout.id)


async def close_checkout(context: StripeContext, checkout: Checkout) -> Checkout:
    """Expire an open checkout, so that nobody can pay by it any more.

    It may turn out to be paid, or its payment to be under way: that is recorded then, and told.
    Raises Problem where Stripe does not confirm that it is closed.
    """
    database, stripe_client, _ = context
    checkout = await _find_page_or_drop(context, checkout)
    if checkout.session_id is None:
        return checkout

    async def over(session: AsyncSession) -> Checkout | None:
        now = await session.get_one(Checkout, checkout.id)
        return now if now.status is not CheckoutStatus.OPEN else None

    begun = await begin(database, IntentKind.EXPIRE, checkout.id, over)
    if isinstance(begun, Checkout):
        return begun
    refusal = unavailable("Stripe did not confirm that the checkout is closed: ask again.")
    try:
        await stripe_client.expire_session(checkout.session_id, begun.key)
    except Problem as error:
        refusal = error
    closed = await fetch_again(context, checkout)
    is_closed = closed.status is not CheckoutStatus.OPEN
    async with database.writing() as session:
        if is_closed:
            await settle(session, begun, IntentState.CONFIRMED)
        else:
            await give_up(session, begun, refusal, database.clock.now())
    if not is_closed:
        raise refusal
    return closed


async def _find_page_or_drop(context: StripeContext, checkout: Checkout) -> Checkout:
    """With its page, or over: a page that is being made is waited for, and none is made after."""
    database, stripe_client, _ = context
    known = partial(_with_page_or_over, checkout_id=checkout.id)
    begun = await begin(database, IntentKind.CHECKOUT, checkout.id, known)
    if isinstance(begun, Checkout):
        return begun
    async with database.reading() as session:
        customer_id = await customer_of(session, checkout.reader_id)
    async with asking(database, begun):
        seen = await _find_session(stripe_client, customer_id, checkout.id)
    async with database.writing() as session:
        if seen is not None and customer_id is not None:
            await settle(session, begun, IntentState.CONFIRMED)
            return await _keep_page(session, checkout.id, customer_id, seen)
        await settle(session, begun, IntentState.FAILED)
        return await _drop(session, checkout.id)


async def _find_session(
    stripe_client: StripeClient, customer_id: str | None, checkout_id: str
) -> StripeSessionSnapshot | None:
    """The session that was made for a checkout though nobody said so, if there is one."""
    if customer_id is None:
        return None
    session_id = await stripe_client.session_of_checkout(customer_id, checkout_id)
    return None if session_id is None else await stripe_client.session(session_id)


async def _drop(session: AsyncSession, checkout_id: str) -> Checkout:
    """A checkout that has no page; if one is made after all, its payment is still recorded."""
    checkout = await session.get_one(Checkout, checkout_id, with_for_update=True)
    if checkout.session_id is None:
        checkout.status = CheckoutStatus.EXPIRED
        session.add(checkout)
        await session.flush()
    return checkout
