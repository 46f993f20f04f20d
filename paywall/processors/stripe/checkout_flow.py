"""Sending a reader to Stripe's page and back: what is committed, asked and recorded.

Each step can be repeated: a request that finds a started step continues with it.
"""

from litestar import Response
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.credits.locking import lock_or_create_subscriber
from paywall.database.tables import Checkout, Plan, StripeCustomer, StripeIntent
from paywall.idempotency import IdempotencyClaim, store_response, stored_response
from paywall.payments.checkout_models import CheckoutPage
from paywall.payments.checkouts import CheckoutRequest, outdated_plan_of
from paywall.problems import (
    CHECKOUT_CLOSED,
    REQUEST_IN_PROGRESS,
    Problem,
    Unconfirmed,
    unavailable,
)
from paywall.processors.stripe.api_errors import Missing
from paywall.processors.stripe.checkout import open_checkout
from paywall.processors.stripe.client import StripeClient
from paywall.processors.stripe.context import StripeContext
from paywall.processors.stripe.customers import customer_of, link_customer
from paywall.processors.stripe.intents import (
    attempts,
    finish_intent,
    give_up,
    give_up_on_problem,
    take_intent,
)
from paywall.processors.stripe.objects import (
    ObjectKind,
    ObjectRef,
    SessionOrder,
    StripeSessionSnapshot,
)
from paywall.processors.stripe.order_seal import SealedOrder, seal
from paywall.processors.stripe.state import state
from paywall.processors.stripe.sync import sync
from paywall.rules.enums import CheckoutStatus, IntentKind, IntentState, ProductKind
from paywall.subscriptions.trials import first_trial_of
from paywall.telemetry import logger

TRIES_MAX = 20


async def start_checkout(
    context: StripeContext, reader_id: str, request: CheckoutRequest, claim: IdempotencyClaim | None
) -> Response[CheckoutPage]:
    """Open the reader's checkout for this request; another open one for a plan is closed first."""
    database = context.database
    for _ in range(TRIES_MAX):
        async with database.writing() as session:
            now = database.clock.now()
            if stored := await stored_response(session, claim, now, reader_id=reader_id):
                return stored
            await lock_or_create_subscriber(session, reader_id, now)
            checkout, serves = await open_checkout(session, reader_id, request, claim, now)
        is_new = checkout.session_id is None
        if not is_new:
            checkout = await sync_checkout(context, checkout)
        if checkout.status is CheckoutStatus.OPEN and not serves:
            await close_checkout(context, checkout)
        elif checkout.status is CheckoutStatus.OPEN:
            checkout = await _open_page(context, checkout)
        if serves and checkout.status is not CheckoutStatus.EXPIRED:
            break
        if serves and is_new:
            # The last request wins: were its checkout replaced in turn, two requests could go on
            # closing each other's checkouts.
            raise Problem(CHECKOUT_CLOSED)
    else:
        raise Problem(REQUEST_IN_PROGRESS, "Other requests of the reader interfered each time.")
    async with database.writing() as session:
        page = CheckoutPage(id=checkout.id, url=checkout.url or checkout.return_url)
        return await store_response(session, claim, 201 if is_new else 200, page)


async def _open_page(context: StripeContext, checkout: Checkout) -> Checkout:
    """The checkout with the address of its page, for a customer that Stripe has.

    Where the reader's customer was deleted in Stripe a new one is created; the old one stays
    linked, so that refunds of its payments are still recorded.
    """
    customer_id = await _customer_for(context, checkout.reader_id)
    try:
        return await _page_for(context, checkout, customer_id)
    except Missing as missing:
        if missing.param != "customer":
            raise
    customer_id = await _customer_for(context, checkout.reader_id, other_than=customer_id)
    return await _page_for(context, checkout, customer_id)


async def _customer_for(
    context: StripeContext, reader_id: str, *, other_than: str | None = None
) -> str:
    """The reader's customer, created if there is none; a reader buys through one customer."""
    database = context.database
    async for _ in attempts():
        async with database.writing() as session:
            customer_id = await customer_of(session, reader_id)
            if customer_id is not None and customer_id != other_than:
                return customer_id
            now = database.clock.now()
            intent = await take_intent(session, IntentKind.CUSTOMER, reader_id, now)
        if intent is None:
            continue
        async with give_up_on_problem(database, intent):
            customer_id = await _make_customer(context.client, intent)
        async with database.writing() as session:
            await link_customer(session, customer_id, reader_id, database.clock.now())
            await finish_intent(session, intent, IntentState.CONFIRMED)
        return customer_id
    raise Problem(REQUEST_IN_PROGRESS)


async def _make_customer(client: StripeClient, intent: StripeIntent) -> str:
    try:
        return await client.make_customer(intent.key)
    except Unconfirmed:
        made = await client.customer_of_intent(intent.key, intent.created_at)
        if made is None:
            raise
        return made


async def _page_for(context: StripeContext, checkout: Checkout, customer_id: str) -> Checkout:
    """The checkout with the address of its page, which is created if there is none.

    Another request may have closed the checkout meanwhile: then it is returned without an address.
    """
    database = context.database
    async for _ in attempts():
        async with database.writing() as session:
            current = await session.get_one(Checkout, checkout.id)
            if not _lacks_page(current):
                return current
            now = database.clock.now()
            intent = await take_intent(session, IntentKind.CHECKOUT, checkout.id, now)
            order = await _order(session, current, customer_id)
        if intent is None:
            continue
        async with give_up_on_problem(database, intent):
            page = await _create_session(context.client, order, intent)
        async with database.writing() as session:
            await finish_intent(session, intent, IntentState.CONFIRMED)
            kept = await _keep_page(session, checkout.id, customer_id, page)
        if kept.session_id != page.id:
            # Another request took over when this intent expired: nobody may pay on this page.
            await context.client.expire_session(page.id, f"{intent.key}_late")
        return kept
    raise Problem(REQUEST_IN_PROGRESS)


def _lacks_page(checkout: Checkout) -> bool:
    return checkout.session_id is None and checkout.status is CheckoutStatus.OPEN


async def _order(session: AsyncSession, checkout: Checkout, customer_id: str) -> SessionOrder:
    is_plan = checkout.product_kind is ProductKind.PLAN
    plan = await session.get(Plan, checkout.product_id) if is_plan else None
    had_trial = await first_trial_of(session, checkout.reader_id) is not None
    return SessionOrder(
        checkout_id=checkout.id,
        customer_id=customer_id,
        price_id=checkout.price_id,
        is_plan=is_plan,
        trial_days=plan.trial_days if plan and not had_trial else None,
        return_url=checkout.return_url,
        sealed=seal(
            SealedOrder(checkout.reader_id, checkout.price_id, checkout.consent_at),
            checkout_id=checkout.id,
            hash_key=(await state(session)).hash_key,
        ),
    )


async def _create_session(
    client: StripeClient, order: SessionOrder, intent: StripeIntent
) -> StripeSessionSnapshot:
    try:
        return await client.open_session(order, intent.key)
    except Unconfirmed:
        made = await _find_session(client, order.customer_id, order.checkout_id)
        if made is None:
            raise
        return made


async def _keep_page(
    session: AsyncSession, checkout_id: str, customer_id: str, snapshot: StripeSessionSnapshot
) -> Checkout:
    """Store the page with the checkout, unless the checkout was dropped before."""
    checkout = await session.get_one(Checkout, checkout_id, with_for_update=True)
    checkout.customer_id = customer_id
    # A webhook may have been first, and may have recorded more.
    if checkout.session_id is None and checkout.status is CheckoutStatus.OPEN:
        checkout.session_id, checkout.url = snapshot.id, snapshot.url
    session.add(checkout)
    await session.flush()
    return checkout


async def sync_checkout(context: StripeContext, checkout: Checkout) -> Checkout:
    """The checkout as it is in Stripe now."""
    if checkout.session_id is not None and checkout.customer_id is not None:
        ref = ObjectRef(ObjectKind.SESSION, checkout.session_id)
        async with sync(context, checkout.customer_id, ref):
            pass
    # Read after the transaction: for a HEAD request it is rolled back, which expires its objects.
    async with context.database.reading() as session:
        return await session.get_one(Checkout, checkout.id)


async def close_checkout(context: StripeContext, checkout: Checkout) -> Checkout:
    """Expire an open checkout, so that it can no longer be paid.

    It may turn out to be paid, or its payment to be under way: that is recorded and returned.
    Raises Problem where Stripe does not confirm that it is closed.
    """
    database = context.database
    checkout = await _find_page_or_drop(context, checkout)
    if checkout.session_id is None:
        return checkout
    async for _ in attempts():
        async with database.writing() as session:
            current = await session.get_one(Checkout, checkout.id)
            if current.status is not CheckoutStatus.OPEN:
                return current
            now = database.clock.now()
            intent = await take_intent(session, IntentKind.EXPIRE, checkout.id, now)
        if intent is not None:
            return await _expire(context, checkout, checkout.session_id, intent)
    raise Problem(REQUEST_IN_PROGRESS)


async def close_outdated_page(context: StripeContext, customer_id: str) -> Checkout | None:
    """Close the open page of a reader whose trial began elsewhere; returns it if it is closed.

    Reconcile repeats what fails. A page that is paid for before gives a second trial: Stripe goes
    by what the page was opened with.
    """
    async with context.database.reading() as session:
        customer = await session.get(StripeCustomer, customer_id)
        outdated = await outdated_plan_of(session, customer.reader_id) if customer else None
    if outdated is None:
        return None
    try:
        return await close_checkout(context, outdated)
    except Problem as error:
        logger.warning("a page that may give a second trial is still open", exc_info=error)
        return None


async def _expire(
    context: StripeContext, checkout: Checkout, session_id: str, intent: StripeIntent
) -> Checkout:
    database = context.database
    refusal = unavailable("Stripe did not confirm that the checkout is closed: repeat the request.")
    try:
        await context.client.expire_session(session_id, intent.key)
    except Problem as error:
        refusal = error
    current = await sync_checkout(context, checkout)
    is_closed = current.status is not CheckoutStatus.OPEN
    async with database.writing() as session:
        if is_closed:
            await finish_intent(session, intent, IntentState.CONFIRMED)
        else:
            await give_up(session, intent, refusal, database.clock.now())
    if not is_closed:
        raise refusal
    return current


async def _find_page_or_drop(context: StripeContext, checkout: Checkout) -> Checkout:
    """The checkout with its page, or closed: a page that is being created is waited for."""
    database = context.database
    async for _ in attempts():
        async with database.writing() as session:
            current = await session.get_one(Checkout, checkout.id)
            if not _lacks_page(current):
                return current
            now = database.clock.now()
            intent = await take_intent(session, IntentKind.CHECKOUT, checkout.id, now)
            customer_id = await customer_of(session, checkout.reader_id)
        if intent is None:
            continue
        async with give_up_on_problem(database, intent):
            page = await _find_session(context.client, customer_id, checkout.id)
        async with database.writing() as session:
            if page is not None and customer_id is not None:
                await finish_intent(session, intent, IntentState.CONFIRMED)
                return await _keep_page(session, checkout.id, customer_id, page)
            await finish_intent(session, intent, IntentState.FAILED)
            return await _drop(session, checkout.id)
    raise Problem(REQUEST_IN_PROGRESS)


async def _find_session(
    client: StripeClient, customer_id: str | None, checkout_id: str
) -> StripeSessionSnapshot | None:
    """The session created for a checkout when the response was lost, if there is one."""
    if customer_id is None:
        return None
    session_id = await client.session_of_checkout(customer_id, checkout_id)
    return None if session_id is None else await client.session(session_id)


async def _drop(session: AsyncSession, checkout_id: str) -> Checkout:
    """Close a checkout without a page; a payment on a late page is still recorded."""
    checkout = await session.get_one(Checkout, checkout_id, with_for_update=True)
    if checkout.session_id is None:
        checkout.status = CheckoutStatus.EXPIRED
        session.add(checkout)
        await session.flush()
    return checkout
