"""Reconciling with Stripe: recording what webhooks should have reported but did not."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall import telemetry
from paywall.database.errors import is_unavailable
from paywall.database.tables import (
    Checkout,
    StripeCustomer,
    StripeInvoice,
    StripeSubscription,
    Subscription,
)
from paywall.payments.checkouts import UNSETTLED
from paywall.processors.stripe.api_errors import Missing
from paywall.processors.stripe.checkout_flow import close_outdated_page, sync_checkout
from paywall.processors.stripe.context import StripeContext
from paywall.processors.stripe.customers import link_customer
from paywall.processors.stripe.drift import Comparison, Drift, RecordedBilling, compare
from paywall.processors.stripe.events import handle_event, last_handled_at
from paywall.processors.stripe.objects import (
    ObjectKind,
    ObjectRef,
    StripeEventRef,
    StripeSubscriptionSnapshot,
)
from paywall.processors.stripe.prices import by_item_sold, find_price
from paywall.processors.stripe.state import end_turn, take_turn
from paywall.processors.stripe.sync import UnknownCustomer, sync
from paywall.processors.stripe.units import InexactAmount
from paywall.processors.stripe.withdraw import finish_withdrawals
from paywall.rules.enums import CheckoutStatus, EventOutcome, SubscriptionKind
from paywall.telemetry import BackgroundTask, logger

CHECKOUTS_MAX = 200
BEGINS_AFTER_SECONDS = 5.0
EVERY_SECONDS = 300.0
# Every so many runs all subscriptions are compared, not only the events.
WHOLE_EVERY = 12

# Stripe lists an event for thirty days.
LISTED_FOR = timedelta(days=30)
# An event may be listed later than one that was created after it.
OVERLAP = timedelta(hours=1)


async def keep_reconciled(context: StripeContext) -> None:
    """Reconcile soon after the start, and then for as long as the service runs."""
    telemetry.expect_success(BackgroundTask.RECONCILE)
    for kind in Drift._fields:
        telemetry.count_stripe_drift(kind, 0)
    await asyncio.sleep(BEGINS_AFTER_SECONDS)
    turn = 0
    while True:
        try:
            await _report_last_event(context)
            if await reconcile(context, whole=turn % WHOLE_EVERY == 0) is not None:
                telemetry.record_success(BackgroundTask.RECONCILE)
        except Exception as error:
            if is_unavailable(error):
                logger.warning("reconcile waits for the database", exc_info=error)
            else:
                logger.exception("reconcile failed")
        turn += 1
        await asyncio.sleep(EVERY_SECONDS)


async def _report_last_event(context: StripeContext) -> None:
    """Before the first event of this process, there are those of earlier ones."""
    async with context.database.reading() as session:
        if at := await last_handled_at(session):
            telemetry.set_last_stripe_event(at)


async def reconcile(context: StripeContext, *, whole: bool = True) -> Drift | None:
    """Record what was missed; None while another process is reconciling.

    `whole` also compares all subscriptions and open checkouts; if Stripe may no longer list events
    that were not read yet, every payment is fetched again. Withdrawals that Stripe did not confirm
    are finished. Raises Problem if Stripe cannot be reached: the next run continues where this one
    stopped.
    """
    database = context.database
    async with database.writing() as session:
        state = await take_turn(session, database.clock.now())
    if state is None:
        return None
    read_until: datetime | None = None
    try:
        events, read_until = await _read_events(context, state.events_read_until)
        drift = Drift(events, withdrawals=await finish_withdrawals(context))
        if whole:
            anew = _has_gap(state.events_read_until, database.clock.now())
            subscriptions = await _compare_subscriptions(context, anew=anew)
            checkouts = await _compare_checkouts(context, anew=anew)
            drift = drift._replace(subscriptions=subscriptions, checkouts=checkouts)
    finally:
        async with database.writing() as session:
            await end_turn(session, read_until)
    for kind, things in drift._asdict().items():
        telemetry.count_stripe_drift(kind, things)
    if any(drift):
        logger.warning("reconciled", extra={"fields": drift._asdict()})
    return drift


async def _read_events(context: StripeContext, read_until: datetime | None) -> tuple[int, datetime]:
    """Handle the events that Stripe lists since then, oldest first; returns how many were new."""
    now = context.database.clock.now()
    since = read_until - OVERLAP if read_until else now - LISTED_FOR
    events: list[StripeEventRef] = []
    while page := await context.client.events(since, events[-1].id if events else None):
        events += page
    missed = 0
    for event in reversed(events):
        try:
            missed += await handle_event(context, event) is EventOutcome.RECORDED
        except InexactAmount:
            # The client has logged it, and it would be as inexact in every later run.
            continue
    return missed, max((event.at for event in events), default=read_until or now)


def _has_gap(read_until: datetime | None, now: datetime) -> bool:
    return read_until is None or read_until < now - LISTED_FOR + OVERLAP


async def _compare_subscriptions(context: StripeContext, *, anew: bool) -> int:
    database, remedied, after = context.database, 0, None
    while page := await context.client.subscriptions(after):
        async with database.writing() as session:
            await _link_imported(session, page, database.clock.now())
            compared = await _compare_page(session, page)
        for one in compared:
            if anew or not (one.agrees and one.is_complete):
                remedied += await _remedy(context, one, anew=anew)
        after = page[-1].id
    return remedied


async def _remedy(context: StripeContext, one: Comparison, *, anew: bool) -> bool:
    """Whether anything of it was new; with `anew`, known invoices are fetched again too."""
    known = frozenset[str]() if anew else one.known_invoices
    ref = ObjectRef(ObjectKind.SUBSCRIPTION_HISTORY, one.id, known)
    try:
        async with sync(context, one.customer_id, ref) as synced:
            invoice_ids = {invoice.id for invoice in synced.snapshot.invoices}
    except (InexactAmount, Missing, UnknownCustomer):
        return False
    return not one.agrees or not invoice_ids <= one.known_invoices


async def _compare_checkouts(context: StripeContext, *, anew: bool) -> int:
    async with context.database.reading() as session:
        to_look_at = await _checkouts_to_fetch(session, anew=anew)
    ended = 0
    for checkout in to_look_at:
        try:
            current = await sync_checkout(context, checkout)
            if current.status is CheckoutStatus.OPEN and current.customer_id is not None:
                current = await close_outdated_page(context, current.customer_id) or current
            ended += current.status is not checkout.status
        except InexactAmount:
            continue
        except (Missing, UnknownCustomer):
            logger.warning("a checkout's session is missing in Stripe")
    return ended


async def _compare_page(
    session: AsyncSession, page: Sequence[StripeSubscriptionSnapshot]
) -> list[Comparison]:
    """Compare those that belong to our readers, whether they are recorded or not."""
    ids = [snapshot.id for snapshot in page]
    billing = await _recorded_billing(session, ids)
    invoices = await _invoices(session, ids)
    return [
        compare(snapshot, billing.get(snapshot.id), invoices.get(snapshot.id, frozenset()))
        for snapshot in [await by_item_sold(session, listed) for listed in page]
        if await _is_ours(session, snapshot)
    ]


async def _is_ours(session: AsyncSession, snapshot: StripeSubscriptionSnapshot) -> bool:
    """A subscription on record, or one of a known customer at a price of this catalogue."""
    if await session.get(Subscription, snapshot.id) is not None:
        return True
    customer = await session.get(StripeCustomer, snapshot.customer_id)
    return customer is not None and await find_price(session, snapshot.price_id) is not None


async def _recorded_billing(
    session: AsyncSession, ids: Collection[str]
) -> dict[str, RecordedBilling]:
    statement = select(StripeSubscription).where(col(StripeSubscription.id).in_(ids))
    return {
        billing.id: RecordedBilling(*(getattr(billing, field) for field in RecordedBilling._fields))
        for billing in await session.exec(statement)
    }


async def _invoices(session: AsyncSession, ids: Collection[str]) -> dict[str, frozenset[str]]:
    # One that an earlier release recorded lacks its start and its credits: it is fetched again.
    statement = select(StripeInvoice).where(
        col(StripeInvoice.subscription_id).in_(ids),
        col(StripeInvoice.period_starts_at).is_not(None),
    )
    known: dict[str, frozenset[str]] = {}
    for invoice in await session.exec(statement):
        known[invoice.subscription_id] = known.get(invoice.subscription_id, frozenset()) | {
            invoice.id
        }
    return known


async def _link_imported(
    session: AsyncSession, page: Sequence[StripeSubscriptionSnapshot], now: datetime
) -> None:
    """An imported subscription shows which reader its customer is."""
    customers = {snapshot.id: snapshot.customer_id for snapshot in page}
    statement = select(Subscription.id, Subscription.reader_id).where(
        col(Subscription.id).in_(customers),
        Subscription.kind == SubscriptionKind.STRIPE,
        col(Subscription.id).not_in(select(StripeSubscription.id)),
    )
    for subscription_id, reader_id in (await session.exec(statement)).all():
        await link_customer(session, customers[subscription_id], reader_id, now)


async def _checkouts_to_fetch(session: AsyncSession, *, anew: bool) -> Sequence[Checkout]:
    """The oldest unsettled checkouts; with `anew`, every one that had a page."""
    statement = select(Checkout).where(col(Checkout.session_id).is_not(None))
    if not anew:
        statement = statement.where(col(Checkout.status).in_(UNSETTLED)).limit(CHECKOUTS_MAX)
    ordered = statement.order_by(col(Checkout.created_at), col(Checkout.id))
    return (await session.exec(ordered)).all()
