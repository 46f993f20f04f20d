"""Events of Stripe's, from a webhook or read by reconcile: each is handled once.

A handled event is kept by its id, without its payload.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlmodel import col, delete, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall import telemetry
from paywall.database.dialect import insert
from paywall.database.tables import Checkout, StripeEvent
from paywall.processors.stripe.api_errors import Missing
from paywall.processors.stripe.checkout_flow import close_outdated_page
from paywall.processors.stripe.client import StripeClient
from paywall.processors.stripe.context import StripeContext
from paywall.processors.stripe.event_types import kind_of_event
from paywall.processors.stripe.objects import ObjectKind, ObjectRef, StripeEventRef
from paywall.processors.stripe.recover import recover_checkout
from paywall.processors.stripe.state import is_erased
from paywall.processors.stripe.sync import UnknownCustomer, sync
from paywall.rules.enums import EventOutcome

# Longer than Stripe delivers an event again (3 days) or lists it (30 days).
KEPT_FOR = timedelta(days=45)


async def handle_event(context: StripeContext, event: StripeEventRef) -> EventOutcome | None:
    """Handle an event once; returns its outcome, or None if it was handled before.

    The effect and the mark are one transaction: neither is ever there without the other.
    """
    kind = kind_of_event(event.type)
    if kind is None:
        return await _ignore(context, event, EventOutcome.UNKNOWN_TYPE)
    async with context.database.reading() as session:
        if await session.get(StripeEvent, event.id) is not None:
            return None
    customer_id: str | None = None
    try:
        ref = await _object_of(context.client, event, kind)
        customer_id = await _customer_of(context.client, event, ref)
        if event.sealed_order is not None and event.checkout_id is not None:
            await _recover_unknown(context, event, customer_id)
        async with sync(context, customer_id, ref) as synced:
            now = context.database.clock.now()
            is_first = await _mark(synced.session, event, EventOutcome.RECORDED, now)
        if any(one.trial_ends_at for one in synced.snapshot.subscriptions):
            await close_outdated_page(context, customer_id)
    except UnknownCustomer:
        async with context.database.reading() as session:
            was_ours = await is_erased(session, (event.object_id, customer_id or ""))
        outcome = EventOutcome.ERASED if was_ours else EventOutcome.NOT_OURS
        return await _ignore(context, event, outcome)
    except Missing:
        return await _ignore(context, event, EventOutcome.NOT_OURS)
    if not is_first:
        return None
    _report(context, EventOutcome.RECORDED)
    return EventOutcome.RECORDED


async def _recover_unknown(context: StripeContext, event: StripeEventRef, customer_id: str) -> None:
    """Writes only where the checkout is not on record, which is after a restore alone."""
    async with context.database.reading() as session:
        if await session.get(Checkout, event.checkout_id) is not None:
            return
    async with context.database.writing() as session:
        await recover_checkout(session, event, customer_id, context.database.clock.now())


async def _object_of(client: StripeClient, event: StripeEventRef, kind: ObjectKind) -> ObjectRef:
    """The object to fetch; of a refund or a dispute, the payment intent that it is of."""
    if kind is not ObjectKind.PAYMENT:
        return ObjectRef(kind, event.object_id)
    payment_id = event.payment_id
    if payment_id is None and event.charge_id is not None:
        payment_id = await client.payment_of_charge(event.charge_id)
    if payment_id is None:
        raise UnknownCustomer
    return ObjectRef(kind, payment_id)


async def _customer_of(client: StripeClient, event: StripeEventRef, ref: ObjectRef) -> str:
    """Whose it is, which never changes; refunds and disputes do not name the customer."""
    customer_id = event.object_id if ref.kind is ObjectKind.CUSTOMER else event.customer_id
    if customer_id is None and ref.kind is ObjectKind.PAYMENT:
        customer_id = await client.customer_of_payment(ref.id)
    if customer_id is None:
        raise UnknownCustomer
    return customer_id


async def _ignore(
    context: StripeContext, event: StripeEventRef, outcome: EventOutcome
) -> EventOutcome | None:
    async with context.database.writing() as session:
        is_first = await _mark(session, event, outcome, context.database.clock.now())
    if not is_first:
        return None
    _report(context, outcome)
    return outcome


def _report(context: StripeContext, outcome: EventOutcome) -> None:
    telemetry.count_stripe_event(outcome)
    telemetry.set_last_stripe_event(context.database.clock.now())


async def handled_of(session: AsyncSession, ids: Collection[str]) -> set[str]:
    """Those of these events that were handled."""
    statement = select(StripeEvent.id).where(col(StripeEvent.id).in_(ids))
    return set((await session.exec(statement)).all())


async def last_handled_at(session: AsyncSession) -> datetime | None:
    """When an event was last handled, of those that are kept."""
    return (await session.exec(select(func.max(StripeEvent.at)))).one()


async def _mark(
    session: AsyncSession, event: StripeEventRef, outcome: EventOutcome, now: datetime
) -> bool:
    """Mark an event as handled; False if another worker was first."""
    statement = (
        insert(session, StripeEvent)
        .values(id=event.id, type=event.type, object_id=event.object_id, outcome=outcome, at=now)
        .on_conflict_do_nothing()
        .returning(col(StripeEvent.id))
    )
    return (await session.exec(statement)).first() is not None


async def forget(session: AsyncSession, now: datetime) -> int:
    """Housekeeping: delete events that Stripe no longer lists; returns their number."""
    old = delete(StripeEvent).where(col(StripeEvent.at) <= now - KEPT_FOR)
    return (await session.exec(old)).rowcount
