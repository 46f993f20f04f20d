"""The webhook by which Stripe reports events."""

from datetime import datetime
from typing import Annotated, Any

from litestar import Request, post
from litestar.di import NamedDependency
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from paywall.database.engine import Database
from paywall.http.bodies import ResponseModel
from paywall.problems import STRIPE_OFF, TOO_LARGE, WEBHOOK_REFUSED, Problem
from paywall.processors.stripe.context import StripeContext
from paywall.processors.stripe.events import handle_event
from paywall.processors.stripe.signature import NotFromStripe, read, verify
from paywall.tokens.guard import anyone

EVENT_BYTES_MAX = 512 * 1024


class ReceivedEvent(ResponseModel):
    """The event was recorded."""

    received: Annotated[datetime, Meta(description="When the event was received.")]


@post(
    "/v1/webhooks/stripe",
    guards=[anyone],
    status_code=200,
    refuses=[WEBHOOK_REFUSED, TOO_LARGE, STRIPE_OFF],
)
async def post_stripe_webhook(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    stripe: NamedDependency[StripeContext | None],
) -> ReceivedEvent:
    """Receive an event from Stripe. Its signature is verified; an event is handled only once.

    The object that it reports is fetched from Stripe and recorded before the response. After a 5xx
    Stripe sends the event again.
    """
    if stripe is None:
        raise Problem(STRIPE_OFF)
    body = await _read_body(request)
    now = database.clock.now()
    try:
        header = request.headers.get("stripe-signature")
        verify(body, header, stripe.client.webhook_secrets, now)
        event = read(body, is_live=stripe.client.is_live)
    except NotFromStripe as error:
        raise Problem(WEBHOOK_REFUSED, str(error)) from error
    await handle_event(stripe, event)
    return ReceivedEvent(received=now)


async def _read_body(request: Request[Any, Any, Any]) -> bytes:
    # Of immutable bytes each part would copy all before it: minutes where they come one by one.
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > EVENT_BYTES_MAX:
            raise Problem(TOO_LARGE, "An event is at most 512 KiB.")
    return bytes(body)


ROUTES: list[ControllerRouterHandler] = [post_stripe_webhook]
