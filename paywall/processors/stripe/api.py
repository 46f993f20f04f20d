"""Selling by Stripe: checkouts, the billing portal, and what Stripe's webhooks tell."""

from datetime import datetime
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from paywall.credits.locking import lock_or_create_subscriber
from paywall.database.engine import Database
from paywall.database.tables import Checkout
from paywall.http.bodies import RequestModel, ResponseModel
from paywall.http.fields import CURRENCY_PATTERN, Id, PathCheckoutId, Text
from paywall.http.origins import is_of_the_site
from paywall.idempotency import IdempotencyClaim, store_response, stored_response
from paywall.problems import (
    ALREADY_SUBSCRIBED,
    CHECKOUT_CLOSED,
    CHECKOUT_UNKNOWN,
    NO_BILLING,
    NOT_ON_SALE,
    PRODUCT_UNKNOWN,
    REQUEST_IN_PROGRESS,
    STRIPE_OFF,
    TOO_LARGE,
    WEBHOOK_REFUSED,
    Problem,
    Unconfirmed,
    invalid,
)
from paywall.processors.stripe.checkout import CheckoutRequest, find_checkout, open_checkout
from paywall.processors.stripe.checkout_flow import close_checkout, open_page, sync_checkout
from paywall.processors.stripe.client import REFUSALS, Missing
from paywall.processors.stripe.context import StripeContext, require_stripe
from paywall.processors.stripe.customers import customers_of
from paywall.processors.stripe.events import handle_event
from paywall.processors.stripe.signature import NotFromStripe, read, verify
from paywall.rules.enums import CheckoutStatus, ProductKind
from paywall.rules.money import currency_code
from paywall.settings import Settings
from paywall.tokens.guard import Caller, anyone, reader

EVENT_BYTES_MAX = 512 * 1024
TRIES_MAX = 20
UNSETTLED = (CheckoutStatus.OPEN, CheckoutStatus.PROCESSING)
ReturnUrl = Annotated[Text, Meta(max_length=2000)]


class CheckoutInput(RequestModel, kw_only=True):
    """What a reader wants to buy. Exactly one product is named."""

    pack_id: Annotated[Id | None, Meta(description="The pack to buy.")] = None
    pass_id: Annotated[Id | None, Meta(description="The pass to buy.")] = None
    plan_id: Annotated[Id | None, Meta(description="A subscription to the plan.")] = None
    currency: Annotated[
        Annotated[str, Meta(pattern=CURRENCY_PATTERN)] | None,
        Meta(description="One of the product's; left out: that of its first price."),
    ] = None
    return_url: Annotated[
        ReturnUrl, Meta(description="Where Stripe sends the reader back to, on an allowed origin.")
    ]
    consent: Annotated[
        bool, Meta(description="The reader agrees to have it at once, and is told what that means.")
    ] = False

    def wish(self, settings: Settings) -> CheckoutRequest:
        products = [
            (ProductKind.PACK, self.pack_id),
            (ProductKind.PASS, self.pass_id),
            (ProductKind.PLAN, self.plan_id),
        ]
        named = [(kind, product_id) for kind, product_id in products if product_id is not None]
        if len(named) != 1:
            raise invalid("pack_id", "name exactly one of pack_id, pass_id and plan_id")
        currency = None if self.currency is None else currency_code(self.currency)
        if self.currency is not None and currency is None:
            raise invalid("currency", f"{self.currency!r} is not a currency of ISO 4217")
        refuse_foreign(self.return_url, settings)
        return CheckoutRequest(*named[0], currency, self.return_url, self.consent)


class PortalInput(RequestModel, kw_only=True):
    """Where to go back to from the portal."""

    return_url: Annotated[
        ReturnUrl | None, Meta(description="On an allowed origin; left out: as Stripe is set up.")
    ] = None


class CheckoutPage(ResponseModel):
    """Where the reader pays."""

    id: Annotated[str, Meta(description="The checkout, to be asked for on the return page.")]
    url: Annotated[str, Meta(description="Stripe's page: send the reader there.")]


class CheckoutAnswer(ResponseModel):
    """How a checkout stands."""

    id: Annotated[str, Meta(description="The checkout.")]
    status: Annotated[
        CheckoutStatus,
        Meta(description="`paid` once what was bought is here; `processing` while money is due."),
    ]
    url: Annotated[str | None, Meta(description="Stripe's page, while it is open.")]
    purchase_id: Annotated[int | None, Meta(description="What was bought, once it is paid.")]


class PortalAnswer(ResponseModel):
    """Where the reader manages cards, invoices and subscriptions."""

    url: Annotated[str, Meta(description="Stripe's portal, good for some minutes.")]


class ReceivedEvent(ResponseModel):
    """An event was taken in."""

    received: Annotated[datetime, Meta(description="When it was taken in.")]


def refuse_foreign(return_url: str, settings: Settings) -> None:
    """A reader is sent to pages of the site alone."""
    if not is_of_the_site(return_url, settings):
        raise invalid("return_url", "a page on one of allowed_origins, such as https://…/thanks")


@post(
    "/v1/me/checkout",
    guards=[reader],
    answers={201: "Opened.", 200: "The plan's checkout that was open already."},
    refuses=[PRODUCT_UNKNOWN, NOT_ON_SALE, ALREADY_SUBSCRIBED, CHECKOUT_CLOSED, *REFUSALS],
)
async def post_my_checkout(
    data: JSONBody[CheckoutInput],
    caller: NamedDependency[Caller],
    claim: NamedDependency[IdempotencyClaim | None],
    database: NamedDependency[Database],
    stripe: NamedDependency[StripeContext | None],
    settings: NamedDependency[Settings],
) -> Response[CheckoutPage]:
    """Open a checkout: send the reader to its `url`, and wait at the return address.

    A reader has one open plan checkout: the same wish gets the same page while it is open, and
    another wish closes it first; what is closed before it has a page is refused. Where it is paid
    already, `url` is the return address.
    """
    context = require_stripe(stripe)
    wish, reader_id = data.wish(settings), caller.subject
    for _ in range(TRIES_MAX):
        async with database.writing() as session:
            now = database.clock.now()
            if stored := await stored_response(session, claim, now, reader_id=reader_id):
                return stored
            await lock_or_create_subscriber(session, reader_id, now)
            checkout, is_as_wished = await open_checkout(session, reader_id, wish, claim, now)
        is_new = checkout.session_id is None
        if not is_new:
            checkout = await sync_checkout(context, checkout)
        if checkout.status is CheckoutStatus.OPEN and not is_as_wished:
            await close_checkout(context, checkout)
        elif checkout.status is CheckoutStatus.OPEN:
            checkout = await open_page(context, checkout)
        if is_as_wished and checkout.status is not CheckoutStatus.EXPIRED:
            break
        if is_as_wished and is_new:
            # The last wish stands: were it closed in turn, two could go on like this for ever.
            raise Problem(CHECKOUT_CLOSED)
    else:
        raise Problem(REQUEST_IN_PROGRESS, "Another wish of the reader comes in between each time.")
    async with database.writing() as session:
        answer = CheckoutPage(id=checkout.id, url=checkout.url or checkout.return_url)
        return await store_response(session, claim, 201 if is_new else 200, answer)


@get(
    "/v1/me/checkout/{checkout_id:str}",
    guards=[reader],
    refuses=[CHECKOUT_UNKNOWN],
)
async def get_my_checkout(
    checkout_id: PathCheckoutId,
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    stripe: NamedDependency[StripeContext | None],
) -> CheckoutAnswer:
    """How a checkout stands: `paid` once the credits, the pass or the subscription are here.

    While it is not settled, Stripe is asked: no webhook has to come first.
    """
    async with database.reading() as session:
        checkout = await find_checkout(session, caller.subject, checkout_id)
    if checkout.status in UNSETTLED and stripe is not None:
        try:
            checkout = await sync_checkout(stripe, checkout)
        except (Unconfirmed, Missing):
            return _tell(checkout)
    return _tell(checkout)


@post("/v1/me/billing-portal", guards=[reader], status_code=200, refuses=[NO_BILLING, *REFUSALS])
async def post_my_billing_portal(
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    stripe: NamedDependency[StripeContext | None],
    settings: NamedDependency[Settings],
    data: JSONBody[PortalInput | None] = None,
) -> PortalAnswer:
    """Open Stripe's billing portal for the reader: cards, invoices, switching and cancelling."""
    return_url = data.return_url if data else None
    if return_url is not None:
        refuse_foreign(return_url, settings)
    async with database.reading() as session:
        customers = await customers_of(session, [caller.subject])
    for customer in reversed(customers):
        try:
            url = await require_stripe(stripe).client.portal(customer.id, return_url)
            return PortalAnswer(url=url)
        except Missing:
            # Somebody deleted the customer in Stripe; an older one may still be there.
            continue
    raise Problem(NO_BILLING)


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
    """Take in an event of Stripe's, by its signature; once, however often it comes.

    What it is about is fetched from Stripe and recorded before the answer. A 5xx asks Stripe to
    send it again.
    """
    context = require_stripe(stripe)
    body = await _read_body(request)
    now = database.clock.now()
    try:
        header = request.headers.get("stripe-signature")
        verify(body, header, context.client.webhook_secrets, now)
        event = read(body, is_live=context.client.is_live)
    except NotFromStripe as error:
        raise Problem(WEBHOOK_REFUSED, str(error)) from error
    await handle_event(context, event)
    return ReceivedEvent(received=now)


async def _read_body(request: Request[Any, Any, Any]) -> bytes:
    # Of immutable bytes each part would copy all before it: minutes where they come one by one.
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > EVENT_BYTES_MAX:
            raise Problem(TOO_LARGE, "An event is at most 512 KiB.")
    return bytes(body)


def _tell(checkout: Checkout) -> CheckoutAnswer:
    return CheckoutAnswer(
        id=checkout.id,
        status=checkout.status,
        url=checkout.url,
        purchase_id=checkout.purchase_id,
    )


ROUTES: list[ControllerRouterHandler] = [
    post_my_checkout,
    get_my_checkout,
    post_my_billing_portal,
    post_stripe_webhook,
]
