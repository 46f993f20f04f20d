"""Routes for subscribers: overview, merge, export and erasure."""

from typing import Annotated

from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from paywall.access.api import MyDecision, MyQuestions, decide_mine
from paywall.bakong_problems import BAKONG_OFF
from paywall.credits.locking import require_subscriber
from paywall.credits.responses import list_newest_grants, list_spendable_grants
from paywall.database.engine import Database
from paywall.http.bodies import RequestModel, ResponseModel
from paywall.http.fields import Id, PathReaderId
from paywall.idempotency import IdempotencyClaim, store_response, stored_response
from paywall.payments.checkouts import plans_to_close_before_merge, unsettled_of
from paywall.payments.withdrawals import declared_of
from paywall.problems import PAYMENT_PENDING, SUBSCRIBER_UNKNOWN
from paywall.processors.bakong.close_out import (
    ask_about_unpaid,
    forget_reader_of_codes,
    has_unpaid_codes,
)
from paywall.processors.bakong.context import BakongContext, require_bakong
from paywall.processors.stripe.api_errors import REFUSALS
from paywall.processors.stripe.checkout_flow import close_checkout
from paywall.processors.stripe.close_out import end_all, forget_billing
from paywall.processors.stripe.context import StripeContext, require_stripe
from paywall.settings import Settings
from paywall.subscribers.erase import erase_reader, ids_to_erase, lock_ids_to_erase
from paywall.subscribers.export import export_reader, require_on_record
from paywall.subscribers.export_models import ReaderExport
from paywall.subscribers.merge import merge_readers
from paywall.subscribers.overview import Overview, overview
from paywall.subscriptions.billed import billed_of
from paywall.tokens.guard import Caller, reader, site


class MergeInput(RequestModel):
    """The other id of the same person."""

    into: Annotated[Id, Meta(description="The id that stays; it may be unknown so far.")]


@get(
    "/v1/subscribers/{reader_id:str}",
    guards=[site("subscribers:read")],
    refuses=[SUBSCRIBER_UNKNOWN],
)
async def get_subscriber(
    reader_id: PathReaderId,
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> Overview:
    """What a subscriber has, with the newest 200 grants, including spent ones."""
    now = database.clock.now()
    async with database.reading() as session:
        await require_subscriber(session, reader_id)
        grants = await list_newest_grants(session, reader_id)
        return await overview(session, reader_id, grants, settings=settings, now=now)


@get("/v1/me", guards=[reader])
async def get_my_overview(
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> Overview:
    """What I have, with at most 200 grants that can be spent."""
    now = database.clock.now()
    async with database.reading() as session:
        grants = await list_spendable_grants(session, caller.subject, now)
        return await overview(session, caller.subject, grants, settings=settings, now=now)


class PageAnswer(ResponseModel):
    """What a page of the site shows a reader."""

    me: Annotated[Overview, Meta(description="The same as `GET /v1/me`.")]
    decisions: Annotated[
        list[MyDecision], Meta(description="One per article, in the order of the request.")
    ]


@post("/v1/me/page", guards=[reader], status_code=200)
async def get_my_page(
    data: JSONBody[MyQuestions],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> PageAnswer:
    """What I have, and my access to the articles of a page, in one request. No view is counted."""
    decisions = await decide_mine(caller.subject, data.article_ids, database, settings)
    now = database.clock.now()
    async with database.reading() as session:
        grants = await list_spendable_grants(session, caller.subject, now)
        me = await overview(session, caller.subject, grants, settings=settings, now=now)
    return PageAnswer(me=me, decisions=decisions)


@post(
    "/v1/subscribers/{reader_id:str}/merge",
    guards=[site("subscribers:write")],
    status_code=200,
    refuses=[SUBSCRIBER_UNKNOWN, *REFUSALS],
)
async def post_merge(
    reader_id: PathReaderId,
    data: JSONBody[MergeInput],
    caller: NamedDependency[Caller],
    claim: NamedDependency[IdempotencyClaim | None],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    stripe: NamedDependency[StripeContext | None],
) -> Response[Overview]:
    """Move everything that a reader has to another id of the same person, and return that reader.

    Of two unlocks of one article the older stays, and the other's credits are returned. The old id
    is unknown afterwards and can be used anew. Of two open plan checkouts the moved one is closed,
    and so is one that may give a second trial.
    What each has left of passes and prepaid periods is used one after the other from then on, by
    the time of the payments.
    """
    # Twice, because a checkout may turn out to be paid, and to have begun a trial.
    for _ in range(2 if reader_id != data.into else 0):
        async with database.reading() as session:
            closing = await plans_to_close_before_merge(session, reader_id, data.into)
        for checkout in closing:
            await close_checkout(require_stripe(stripe), checkout)
    async with database.writing() as session:
        now = database.clock.now()
        if stored := await stored_response(session, claim, now, reader_id=data.into):
            return stored
        await merge_readers(session, reader_id, data.into, actor=caller.actor, clock=database.clock)
        grants = await list_newest_grants(session, data.into)
        answer = await overview(session, data.into, grants, settings=settings, now=now)
        return await store_response(session, claim, 200, answer)


@get(
    "/v1/subscribers/{reader_id:str}/export",
    guards=[site("subscribers:privacy")],
    refuses=[SUBSCRIBER_UNKNOWN],
)
async def export_subscriber(
    reader_id: PathReaderId,
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> ReaderExport:
    """Everything on record about a reader, as a download for that reader."""
    async with database.reading() as session:
        await require_on_record(session, reader_id)
        return await export_reader(session, reader_id, settings, database.clock.now())


@get("/v1/me/export", guards=[reader])
async def export_my_data(
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> ReaderExport:
    """Everything on record about me, as a download."""
    async with database.reading() as session:
        return await export_reader(session, caller.subject, settings, database.clock.now())


@delete(
    "/v1/subscribers/{reader_id:str}",
    guards=[site("subscribers:privacy")],
    refuses=[PAYMENT_PENDING, BAKONG_OFF, *REFUSALS],
)
async def delete_subscriber(
    reader_id: PathReaderId,
    database: NamedDependency[Database],
    stripe: NamedDependency[StripeContext | None],
    bakong: NamedDependency[BakongContext | None],
) -> None:
    """Erase a reader: reading history is deleted; payments stay under a random id.

    Billing in Stripe is ended first, and what the reader has withdrawn from is refunded; nothing is
    erased until Stripe has confirmed that. Bakong is asked about unpaid codes first; a payment that
    comes later is listed as unmatched. Erasure is permanent. The same id can be used anew.
    """
    async with database.reading() as session:
        ids = await ids_to_erase(session, reader_id)
        is_under_way = (
            await unsettled_of(session, ids)
            or await billed_of(session, ids)
            or await declared_of(session, ids)
        )
        is_unpaid = await has_unpaid_codes(session, ids)
    if is_under_way:
        await end_all(require_stripe(stripe), ids)
    asked_at = await ask_about_unpaid(require_bakong(bakong), ids) if is_unpaid else None
    async with database.writing() as session:
        ids = await lock_ids_to_erase(session, reader_id, database.clock.now())
        subscription_ids = await forget_billing(session, ids)
        await forget_reader_of_codes(session, ids, asked_at)
        await erase_reader(session, reader_id, ids, subscription_ids)


ROUTES: list[ControllerRouterHandler] = [
    get_subscriber,
    get_my_overview,
    get_my_page,
    post_merge,
    export_subscriber,
    export_my_data,
    delete_subscriber,
]
