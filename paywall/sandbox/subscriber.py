"""Subscribes one of the sandbox's readers through the stand-in, as the reader would."""

import httpx

from paywall.payments.checkouts import CheckoutRequest, open_plan_of
from paywall.processors.stripe.checkout_flow import start_checkout, sync_checkout
from paywall.processors.stripe.context import StripeContext
from paywall.rules.enums import ProductKind
from paywall.server.serve import CannotServe

TIMEOUT_SECONDS = 15


async def subscribe(
    context: StripeContext, reader_id: str, plan_id: str, *, return_url: str
) -> None:
    """Buy this plan with a card that pays, and record the payment at once.

    The service does not run yet, so it receives the stand-in's webhooks after its start.
    """
    request = CheckoutRequest(
        ProductKind.PLAN, plan_id, currency=None, return_url=return_url, consents=False
    )
    await start_checkout(context, reader_id, request, None)
    async with context.database.reading() as session:
        checkout = await open_plan_of(session, reader_id)
    if checkout is None or checkout.url is None:
        raise CannotServe(f"The sandbox has no page on which {reader_id} pays for {plan_id}.")
    async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
        await client.post(checkout.url, data={"way": "PAYS"})
    await sync_checkout(context, checkout)
