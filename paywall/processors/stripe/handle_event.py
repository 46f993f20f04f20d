"""What is done with an event of Stripe's: by a webhook, or read by reconcile."""

from paywall import telemetry
from paywall.processors.stripe.checkout_flow import StripeContext
from paywall.processors.stripe.client import Missing
from paywall.processors.stripe.customers import version_of
from paywall.processors.stripe.erased_ids import is_erased
from paywall.processors.stripe.event_objects import customer_of_event, fetch_for
from paywall.processors.stripe.handled_events import is_handled, mark
from paywall.processors.stripe.objects import StripeEventRef
from paywall.processors.stripe.sync import sync_customer
from paywall.rules.enums import EventOutcome


async def handle_event(context: StripeContext, event_ref: StripeEventRef) -> EventOutcome | None:
    """Handle an event once; tells what became of it, None where it was handled before.

    Its effect and its mark are one transaction: neither is there without the other.
    """
    look = fetch_for(context.stripe_client, event_ref)
    if look is None:
        return await _pass_over(context, event_ref, EventOutcome.UNKNOWN_TYPE)
    try:
        customer_id = await customer_of_event(context.stripe_client, event_ref)
        async with context.database.reading() as session:
            if await is_handled(session, event_ref):
                return None
            is_ours = customer_id is not None and (await version_of(session, customer_id))
        if customer_id is None or is_ours is None:
            return await _pass_over(
                context, event_ref, await _whose(context, event_ref, customer_id)
            )
        if await sync_customer(context.database, context.settings, customer_id, look, event_ref):
            telemetry.count_stripe_event(EventOutcome.RECORDED)
            return EventOutcome.RECORDED
    except Missing:
        return await _pass_over(context, event_ref, EventOutcome.NOT_OURS)
    return None


async def _whose(
    context: StripeContext, event_ref: StripeEventRef, customer_id: str | None
) -> EventOutcome:
    """Of a reader who was erased, or of another product on the same account."""
    async with context.database.reading() as session:
        was_here = await is_erased(session, (event_ref.object_id, customer_id or ""))
    return EventOutcome.ERASED if was_here else EventOutcome.NOT_OURS


async def _pass_over(
    context: StripeContext, event_ref: StripeEventRef, outcome: EventOutcome
) -> EventOutcome | None:
    async with context.database.writing() as session:
        is_first = await mark(session, event_ref, outcome, context.database.clock.now())
    if not is_first:
        return None
    telemetry.count_stripe_event(outcome)
    return outcome
