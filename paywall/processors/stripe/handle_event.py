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


async def handle_event(counter: StripeContext, hint: StripeEventRef) -> EventOutcome | None:
    """Handle an event once; tells what became of it, None where it was handled before.

    Its effect and its mark are one transaction: neither is there without the other.
    """
    look = fetch_for(counter.gateway, hint)
    if look is None:
        return await _pass_over(counter, hint, EventOutcome.UNKNOWN_TYPE)
    try:
        customer_id = await customer_of_event(counter.gateway, hint)
        async with counter.database.reading() as session:
            if await is_handled(session, hint):
                return None
            is_ours = customer_id is not None and (await version_of(session, customer_id))
        if customer_id is None or is_ours is None:
            return await _pass_over(counter, hint, await _whose(counter, hint, customer_id))
        if await sync_customer(counter.database, counter.settings, customer_id, look, hint):
            telemetry.stripe_event_handled(EventOutcome.RECORDED)
            return EventOutcome.RECORDED
    except Missing:
        return await _pass_over(counter, hint, EventOutcome.NOT_OURS)
    return None


async def _whose(
    counter: StripeContext, hint: StripeEventRef, customer_id: str | None
) -> EventOutcome:
    """Of a reader who was erased, or of another product on the same account."""
    async with counter.database.reading() as session:
        was_here = await is_erased(session, (hint.object_id, customer_id or ""))
    return EventOutcome.ERASED if was_here else EventOutcome.NOT_OURS


async def _pass_over(
    counter: StripeContext, hint: StripeEventRef, outcome: EventOutcome
) -> EventOutcome | None:
    async with counter.database.writing() as session:
        is_first = await mark(session, hint, outcome, counter.database.clock.now())
    if not is_first:
        return None
    telemetry.stripe_event_handled(outcome)
    return outcome
