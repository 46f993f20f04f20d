"""Routes for purchases, their refunds, and checkouts at a processor; for sites and readers."""

from contextlib import suppress
from typing import Annotated

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.bakong_problems import BAKONG_OFF
from paywall.database.engine import Database
from paywall.database.tables import Checkout, KhqrCode, Purchase
from paywall.http.fields import (
    PathCheckoutId,
    PathPurchaseId,
)
from paywall.http.paging import LIMIT_DEFAULT, Cursor, Limit, Page, newest_first
from paywall.idempotency import IdempotencyClaim, store_response, stored_response
from paywall.payments.checkout_models import (
    CheckoutAnswer,
    CheckoutInput,
    CheckoutPage,
    PortalAnswer,
    PortalInput,
    checkout_to_response,
    refuse_foreign_page,
)
from paywall.payments.checkouts import UNSETTLED, find_checkout
from paywall.payments.khqr_codes import find_khqr_code, khqr_to_response
from paywall.payments.purchase import STRIPE, record_purchase
from paywall.payments.purchase_models import PurchaseInput, RefundInput
from paywall.payments.refund import RefundTerms, refund_purchase
from paywall.payments.responses import PurchaseAnswer, to_response, to_responses
from paywall.payments.withdrawal_preview import preview_withdrawal
from paywall.payments.withdrawals import (
    REFUSALS_OF_WITHDRAWAL,
    WithdrawalAnswer,
    WithdrawalInput,
    declare_withdrawal,
    find_purchase_of,
    list_withdrawals,
    lock_purchase_of,
    withdrawal_to_response,
)
from paywall.problems import (
    ALREADY_SUBSCRIBED,
    CHECKOUT_CLOSED,
    CHECKOUT_UNKNOWN,
    NO_BILLING,
    NOT_ON_SALE,
    PRODUCT_UNKNOWN,
    PURCHASE_UNKNOWN,
    REFERENCE_CONFLICT,
    REFUND_TOO_LARGE,
    Problem,
    Unconfirmed,
)
from paywall.processors.bakong.checkout import start_khqr_checkout
from paywall.processors.bakong.confirm import ask_about
from paywall.processors.bakong.context import BakongContext, require_bakong
from paywall.processors.stripe.api_errors import REFUSALS, Missing
from paywall.processors.stripe.checkout_flow import start_checkout, sync_checkout
from paywall.processors.stripe.context import StripeContext, require_stripe
from paywall.processors.stripe.customers import customers_of
from paywall.processors.stripe.withdraw import withdraw_in_stripe
from paywall.rules.enums import Processor
from paywall.settings import Settings
from paywall.tokens.guard import Caller, reader, site

Outstanding = Annotated[
    bool, QueryParameter(description="Only those whose refund is not recorded yet.")
]


@post(
    "/v1/purchases",
    guards=[site("subscribers:write")],
    answers={201: "Recorded.", 200: "Already recorded; nothing was changed."},
    refuses=[PRODUCT_UNKNOWN, REFERENCE_CONFLICT],
)
async def post_purchase(
    data: JSONBody[PurchaseInput],
    caller: NamedDependency[Caller],
    claim: NamedDependency[IdempotencyClaim | None],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> Response[PurchaseAnswer]:
    """Record a payment and fulfill it: 201, or 200 if it was already recorded."""
    payment = data.payment()
    async with database.writing() as session:
        now = database.clock.now()
        if stored := await stored_response(session, claim, now, reader_id=payment.reader_id):
            return stored
        purchase, is_new = await record_purchase(
            session,
            payment,
            timezone=settings.meter_timezone,
            actor=caller.actor,
            clock=database.clock,
        )
        answer = await to_response(session, purchase, settings)
        return await store_response(session, claim, 201 if is_new else 200, answer)


@post(
    "/v1/purchases/{purchase_id:int}/refunds",
    guards=[site("admin")],
    answers={201: "Refunded.", 200: "Already recorded; nothing was changed."},
    refuses=[PURCHASE_UNKNOWN, REFERENCE_CONFLICT, REFUND_TOO_LARGE],
)
async def post_refund(
    purchase_id: PathPurchaseId,
    data: JSONBody[RefundInput],
    caller: NamedDependency[Caller],
    claim: NamedDependency[IdempotencyClaim | None],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> Response[PurchaseAnswer]:
    """Record a refund and claw back what it paid for: 201, or 200 if it was already recorded.

    Credits are taken in proportion, rounded down: unspent ones first, then the newest unlocks that
    they paid for. Once its whole price is refunded, what is left of a pass or prepaid period is
    removed.
    """
    async with database.writing() as session:
        now = database.clock.now()
        purchase = await session.get(Purchase, purchase_id)
        reader_id = purchase.reader_id if purchase else None
        if stored := await stored_response(session, claim, now, reader_id=reader_id):
            return stored
        terms = RefundTerms(data.reference, data.amount, keep_access=data.keep_access)
        purchase, is_new = await refund_purchase(
            session, purchase_id, terms, actor=caller.actor, clock=database.clock
        )
        answer = await to_response(session, purchase, settings)
        return await store_response(session, claim, 201 if is_new else 200, answer)


@get("/v1/purchases", guards=[site("subscribers:read")])
async def list_purchases(
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Page[PurchaseAnswer]:
    """Every purchase, newest first."""
    async with database.reading() as session:
        return await load_page(session, None, limit, cursor, settings)


@get(
    "/v1/purchases/{purchase_id:int}",
    guards=[site("subscribers:read")],
    refuses=[PURCHASE_UNKNOWN],
)
async def get_purchase(
    purchase_id: PathPurchaseId,
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> PurchaseAnswer:
    """One purchase."""
    async with database.reading() as session:
        purchase = await session.get(Purchase, purchase_id)
        if purchase is None:
            raise Problem(PURCHASE_UNKNOWN)
        return await to_response(session, purchase, settings)


@get("/v1/me/purchases", guards=[reader])
async def list_my_purchases(
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Page[PurchaseAnswer]:
    """The reader's purchases, newest first."""
    async with database.reading() as session:
        return await load_page(session, caller.subject, limit, cursor, settings)


async def load_page(
    session: AsyncSession,
    reader_id: str | None,
    limit: int,
    cursor: str | None,
    settings: Settings,
) -> Page[PurchaseAnswer]:
    """Purchases of one reader, or of all, newest first."""
    statement = select(Purchase)
    if reader_id is not None:
        statement = statement.where(Purchase.reader_id == reader_id)
    rows, next_cursor = await newest_first(
        session, statement, at=Purchase.created_at, id=Purchase.id, limit=limit, cursor=cursor
    )
    return Page(items=await to_responses(session, rows, settings), next_cursor=next_cursor)


@post(
    "/v1/me/withdrawals",
    guards=[reader],
    answers={201: "Withdrawn.", 200: "Withdrawn already, or a dry run; nothing was changed."},
    refuses=[*REFUSALS_OF_WITHDRAWAL, *REFUSALS],
)
async def post_my_withdrawal(
    data: JSONBody[WithdrawalInput],
    caller: NamedDependency[Caller],
    claim: NamedDependency[IdempotencyClaim | None],
    database: NamedDependency[Database],
    stripe: NamedDependency[StripeContext | None],
    settings: NamedDependency[Settings],
) -> Response[WithdrawalAnswer]:
    """Withdraw from the contract of a purchase, or with `dry_run` only show what goes back.

    A payment by Stripe is refunded there, and its subscription ends at once. For any other payment
    the withdrawal is recorded, and the site returns the money and records the refund.
    """
    reader_id = caller.subject
    if data.dry_run:
        async with database.discarding().writing() as session:
            purchase = await lock_purchase_of(session, reader_id, data.purchase_id)
            answer = await preview_withdrawal(
                session, purchase, settings, actor=caller.actor, clock=database.clock
            )
            return Response(answer, status_code=200)
    async with database.reading() as session:
        purchase = await find_purchase_of(session, reader_id, data.purchase_id)
    if purchase.processor == STRIPE:
        return await withdraw_in_stripe(require_stripe(stripe), reader_id, purchase.id, claim)
    async with database.writing() as session:
        now = database.clock.now()
        if stored := await stored_response(session, claim, now, reader_id=reader_id):
            return stored
        purchase = await lock_purchase_of(session, reader_id, purchase.id)
        withdrawal = await declare_withdrawal(session, purchase, settings, database.clock.now())
        is_new = withdrawal.confirmed_at is None
        withdrawal.confirmed_at = withdrawal.confirmed_at or withdrawal.at
        session.add(withdrawal)
        answer = withdrawal_to_response(purchase, withdrawal)
        return await store_response(session, claim, 201 if is_new else 200, answer)


@get("/v1/withdrawals", guards=[site("subscribers:read")])
async def get_withdrawals(
    database: NamedDependency[Database],
    outstanding: Outstanding = False,  # noqa: FBT002 (a query parameter)
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Page[WithdrawalAnswer]:
    """Every withdrawal, newest first; or those whose money the site has still to return.

    The latter are without those that Stripe has not confirmed: the service asks it again by itself.
    """
    async with database.reading() as session:
        return await list_withdrawals(session, outstanding=outstanding, limit=limit, cursor=cursor)


@post(
    "/v1/me/checkout",
    guards=[reader],
    answers={201: "Opened.", 200: "The plan's checkout, or the KHQR code, that was open already."},
    refuses=[
        PRODUCT_UNKNOWN,
        NOT_ON_SALE,
        ALREADY_SUBSCRIBED,
        CHECKOUT_CLOSED,
        BAKONG_OFF,
        *REFUSALS,
    ],
)
async def post_my_checkout(
    data: JSONBody[CheckoutInput],
    caller: NamedDependency[Caller],
    claim: NamedDependency[IdempotencyClaim | None],
    stripe: NamedDependency[StripeContext | None],
    bakong: NamedDependency[BakongContext | None],
    settings: NamedDependency[Settings],
) -> Response[CheckoutPage]:
    """Open a checkout: send the reader to its `url`, and wait at the return address.

    By Stripe, a reader has one open plan checkout: the same request gets the same page while it is
    open, and another request closes it first; a request whose checkout is closed before it has a
    page is refused. If it is already paid, `url` is the return address.
    By Bakong, the answer has the KHQR code for one payment: show it, and ask for the checkout until
    it is paid. The same request gets the same code while it is open.
    """
    reader_id, processor = caller.subject, data.processor
    if processor is Processor.BAKONG or (processor is None and stripe is None and bakong):
        by_code = require_bakong(bakong)
        return await start_khqr_checkout(by_code, reader_id, data.to_request(settings), claim)
    context = require_stripe(stripe)
    return await start_checkout(context, reader_id, data.to_request(settings), claim)


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
    bakong: NamedDependency[BakongContext | None],
) -> CheckoutAnswer:
    """The state of a checkout: `paid` once the credits, the pass or the subscription are here.

    Until it is settled, the processor is asked: Stripe each time, so it does not depend on a
    webhook, and Bakong at most once in two seconds.
    """
    async with database.reading() as session:
        found: Checkout | KhqrCode | None = await find_khqr_code(
            session, caller.subject, checkout_id
        )
        found = found or await find_checkout(session, caller.subject, checkout_id)
    if isinstance(found, KhqrCode):
        if found.purchase_id is None and bakong is not None:
            with suppress(Unconfirmed):
                found = await ask_about(bakong, found)
        return khqr_to_response(found, database.clock.now())
    if found.status in UNSETTLED and stripe is not None:
        with suppress(Unconfirmed, Missing):
            found = await sync_checkout(stripe, found)
    return checkout_to_response(found)


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
        refuse_foreign_page(return_url, settings)
    async with database.reading() as session:
        customers = await customers_of(session, [caller.subject])
    for customer in reversed(customers):
        try:
            url = await require_stripe(stripe).client.portal(customer.id, return_url)
            return PortalAnswer(url=url)
        except Missing:
            # The customer was deleted in Stripe; an older one may still be there.
            continue
    raise Problem(NO_BILLING)


ROUTES: list[ControllerRouterHandler] = [
    post_purchase,
    post_refund,
    list_purchases,
    get_purchase,
    list_my_purchases,
    post_my_checkout,
    get_my_checkout,
    post_my_billing_portal,
    post_my_withdrawal,
    get_withdrawals,
]
