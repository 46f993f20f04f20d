"""Reconciling with Stripe: what a webhook should have told, and did not, is made up for."""

import asyncio
from datetime import datetime, timedelta
from typing import NamedTuple

from paywall import telemetry
from paywall.database.errors import is_unavailable
from paywall.processors.stripe.checkout_flow import sync_checkout
from paywall.processors.stripe.client import Missing
from paywall.processors.stripe.context import StripeContext
from paywall.processors.stripe.drift import (
    Compared,
    checkouts_to_fetch,
    compare,
    link_imported,
)
from paywall.processors.stripe.events import handle_event
from paywall.processors.stripe.objects import ObjectKind, ObjectRef, StripeEventRef
from paywall.processors.stripe.state import end_turn, take_turn
from paywall.processors.stripe.sync import UnknownCustomer, sync
from paywall.rules.enums import EventOutcome
from paywall.telemetry import logger

BEGINS_AFTER_SECONDS = 5.0
EVERY_SECONDS = 300.0
WHOLE_EVERY = 12
"""Every so many times all subscriptions are compared, and not the events alone."""
LISTED_FOR = timedelta(days=30)
"""So long Stripe lists an event."""
OVERLAP = timedelta(hours=1)
"""An event may be listed later than one that was made after it."""


class Drift(NamedTuple):
    """What had not been recorded, and is now."""

    events: int = 0
    subscriptions: int = 0
    checkouts: int = 0

    def __str__(self) -> str:
        if not any(self):
            return "Nothing had drifted: what is recorded is what Stripe says."
        return (
            f"Made up for: {self.events} events that were not delivered,"
            f" {self.subscriptions} subscriptions that stood otherwise,"
            f" {self.checkouts} checkouts that had ended."
        )


async def keep_reconciled(context: StripeContext) -> None:
    """Reconcile soon after the start, and then for as long as the service runs."""
    await asyncio.sleep(BEGINS_AFTER_SECONDS)
    turn = 0
    while True:
        try:
            await reconcile(context, whole=turn % WHOLE_EVERY == 0)
        except Exception as error:
            if is_unavailable(error):
                logger.warning("reconcile waits for the database", exc_info=error)
            else:
                logger.exception("reconcile failed")
        turn += 1
        await asyncio.sleep(EVERY_SECONDS)


async def reconcile(context: StripeContext, *, whole: bool = True) -> Drift | None:
    """Make up for what was missed; None where another process is doing so.

    `whole` compares all subscriptions and open checkouts as well; where Stripe may have forgotten
    events that were not read yet, every payment is looked at anew. Raises Problem where Stripe
    cannot be asked: the next time goes on where this one was.
    """
    database = context.database
    async with database.writing() as session:
        state = await take_turn(session, database.clock.now())
    if state is None:
        return None
    read_until: datetime | None = None
    try:
        events, read_until = await _read_events(context, state.events_read_until)
        drift = Drift(events)
        if whole:
            anew = _has_gap(state.events_read_until, database.clock.now())
            subscriptions = await _compare_subscriptions(context, anew=anew)
            checkouts = await _compare_checkouts(context, anew=anew)
            drift = Drift(events, subscriptions, checkouts)
    finally:
        async with database.writing() as session:
            await end_turn(session, read_until)
    for kind, things in drift._asdict().items():
        telemetry.count_stripe_drift(kind, things)
    if any(drift):
        logger.warning("reconciled", extra={"fields": drift._asdict()})
    return drift


async def _read_events(context: StripeContext, read_until: datetime | None) -> tuple[int, datetime]:
    """Handle, oldest first, what Stripe lists since then; how many had not been handled."""
    now = context.database.clock.now()
    since = read_until - OVERLAP if read_until else now - LISTED_FOR
    hints: list[StripeEventRef] = []
    while page := await context.client.events(since, hints[-1].id if hints else None):
        hints += page
    missed = 0
    for event_ref in reversed(hints):
        missed += await handle_event(context, event_ref) is EventOutcome.RECORDED
    return missed, max((event_ref.at for event_ref in hints), default=read_until or now)


def _has_gap(read_until: datetime | None, now: datetime) -> bool:
    return read_until is None or read_until < now - LISTED_FOR + OVERLAP


async def _compare_subscriptions(context: StripeContext, *, anew: bool) -> int:
    database, mended, after = context.database, 0, None
    while page := await context.client.subscriptions(after):
        async with database.writing() as session:
            await link_imported(session, page, database.clock.now())
            compared = await compare(session, page)
        for one in compared:
            if anew or not (one.agrees and one.is_whole):
                mended += await _remedy(context, one, anew=anew)
        after = page[-1].id
    return mended


async def _remedy(context: StripeContext, one: Compared, *, anew: bool) -> bool:
    """Whether anything of it was new: `anew`, its known invoices may have been refunded."""
    known = frozenset[str]() if anew else one.known_invoices
    ref = ObjectRef(ObjectKind.SUBSCRIPTION_HISTORY, one.id, known)
    try:
        async with sync(context, one.customer_id, ref) as synced:
            invoice_ids = {invoice.id for invoice in synced.snapshot.invoices}
    except (Missing, UnknownCustomer):
        return False
    return not one.agrees or not invoice_ids <= one.known_invoices


async def _compare_checkouts(context: StripeContext, *, anew: bool) -> int:
    async with context.database.reading() as session:
        to_look_at = await checkouts_to_fetch(session, anew=anew)
    ended = 0
    for checkout in to_look_at:
        try:
            ended += (await sync_checkout(context, checkout)).status is not checkout.status
        except (Missing, UnknownCustomer):
            logger.warning("a checkout's session is missing in Stripe")
    return ended
