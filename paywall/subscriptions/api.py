"""Routes for complimentary subscriptions, cancelling and resuming, for sites and readers."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from litestar import Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.credits.locking import require_subscriber
from paywall.database.engine import Database
from paywall.database.tables import Subscription
from paywall.http.bodies import RequestModel
from paywall.http.fields import Id, PathReaderId, Text, Timestamp
from paywall.http.paging import LIMIT_DEFAULT, Cursor, Limit, Page
from paywall.idempotency import IdempotencyClaim, store_response, stored_response
from paywall.problems import (
    NO_SUBSCRIPTION,
    RECEIPT_UNKNOWN,
    REFERENCE_CONFLICT,
    SEVERAL_SUBSCRIPTIONS,
    SUBSCRIBER_UNKNOWN,
    SUBSCRIPTION_ENDED,
    SUBSCRIPTION_UNKNOWN,
    Problem,
    invalid,
)
from paywall.processors.stripe.api_errors import REFUSALS, Missing
from paywall.processors.stripe.cancel import cancel_in_stripe, resume_in_stripe
from paywall.processors.stripe.context import StripeContext, require_stripe
from paywall.processors.stripe.link import link_subscription
from paywall.rules.enums import CancelWhen, SubscriptionKind, UpsertOutcome
from paywall.settings import Settings
from paywall.subscriptions.cancel import (
    cancel_subscription,
    find_subscription,
    preview_cancellation,
    resume_subscription,
)
from paywall.subscriptions.complimentary import put_complimentary
from paywall.subscriptions.feedback import (
    FeedbackAnswer,
    FeedbackComment,
    FeedbackFigures,
    FeedbackInput,
    feedback_comments,
    feedback_figures,
    store_feedback,
)
from paywall.subscriptions.receipts import CancelAnswer, receipt_response
from paywall.subscriptions.responses import (
    SubscriptionAnswer,
    load_responses,
)
from paywall.tokens.guard import Caller, reader, site

# A year of months: more could not be fetched within the time of a request.
LINKED_INVOICES_MAX = 12
FIGURES_PERIOD = timedelta(days=30)
Since = Annotated[
    Timestamp | None,
    QueryParameter(description="Count cancellations from this time on; default: 30 days earlier."),
]
Until = Annotated[
    Timestamp | None,
    QueryParameter(description="Count cancellations before this time; default: now."),
]
NOT_CANCELLED = (
    SUBSCRIPTION_UNKNOWN,
    NO_SUBSCRIPTION,
    SEVERAL_SUBSCRIPTIONS,
    SUBSCRIPTION_ENDED,
    *REFUSALS,
)


class ComplimentaryInput(RequestModel, kw_only=True):
    """A subscription without payment."""

    plan_id: Annotated[Id | None, Meta(description="The plan that it stands for.")] = None
    current_period_end: Annotated[
        Timestamp, Meta(description="When it ends; a past time ends it now.")
    ]


class CancelInput(RequestModel, kw_only=True):
    """Which subscription to cancel, and when. A reason is optional."""

    subscription_id: Annotated[
        Id | None, Meta(description="Left out: the only one that renews.")
    ] = None
    when: Annotated[
        CancelWhen, Meta(description="At the end of the paid time, or now and permanently.")
    ]
    reason: Annotated[
        Annotated[Text, Meta(max_length=2000)] | None,
        Meta(description="The reader's reason; optional."),
    ] = None
    dry_run: Annotated[bool, Meta(description="Show the effect without changing anything.")] = False


class LinkedProcessor(StrEnum):
    """The processors whose subscriptions can be linked."""

    STRIPE = "stripe"


class LinkInput(RequestModel, kw_only=True):
    """A subscription that a processor bills already."""

    processor: Annotated[LinkedProcessor, Meta(description="The processor that bills it.")]
    reference: Annotated[Id, Meta(description="The subscription's id there, such as `sub_1PgC7b`.")]
    plan_id: Annotated[
        Id | None,
        Meta(
            description="The plan that it stands for; required if it is billed at a price that is"
            " not of this catalogue."
        ),
    ] = None


class ResumeInput(RequestModel, kw_only=True):
    """Which subscription to resume."""

    subscription_id: Annotated[
        Id | None, Meta(description="Left out: the only one that renews.")
    ] = None


@put(
    "/v1/subscribers/{reader_id:str}/subscription",
    guards=[site("subscribers:write")],
    answers={201: "Created.", 200: "Changed, or the same as before."},
)
async def put_subscription(
    reader_id: PathReaderId, data: JSONBody[ComplimentaryInput], database: NamedDependency[Database]
) -> Response[SubscriptionAnswer]:
    """Create a complimentary subscription (201), or change the existing one (200)."""
    async with database.writing() as session:
        subscription, is_new = await put_complimentary(
            session,
            reader_id,
            plan_id=data.plan_id,
            current_period_end=data.current_period_end,
            clock=database.clock,
        )
        answer = await _to_response(session, subscription, database.clock.now())
    return Response(answer, status_code=201 if is_new else 200)


@post(
    "/v1/subscribers/{reader_id:str}/subscriptions/link",
    guards=[site("subscribers:write")],
    answers={201: "Linked.", 200: "Linked already; nothing was changed."},
    refuses=[SUBSCRIPTION_UNKNOWN, REFERENCE_CONFLICT, *REFUSALS],
)
async def post_link(
    reader_id: PathReaderId,
    data: JSONBody[LinkInput],
    claim: NamedDependency[IdempotencyClaim | None],
    database: NamedDependency[Database],
    stripe: NamedDependency[StripeContext | None],
) -> Response[SubscriptionAnswer]:
    """Link a subscription that Stripe bills already to its reader.

    It is recorded as it is in Stripe, with its newest 12 payments, and kept so from then on; the
    reader can cancel it here.
    """
    context = require_stripe(stripe)
    async with database.writing() as session:
        now = database.clock.now()
        if stored := await stored_response(session, claim, now, reader_id=reader_id):
            return stored
    try:
        linked = await link_subscription(
            context,
            reader_id,
            data.reference,
            plan_id=data.plan_id,
            at_any_price=False,
            invoices_max=LINKED_INVOICES_MAX,
        )
    except Missing as missing:
        raise Problem(
            SUBSCRIPTION_UNKNOWN,
            f"Stripe has no subscription {data.reference!r} in the account and mode (test or live)"
            " of stripe_secret_key: compare its id with Stripe's dashboard.",
        ) from missing
    async with database.writing() as session:
        answer = await _to_response(session, linked.subscription, database.clock.now())
        status = 201 if linked.outcome is UpsertOutcome.CREATED else 200
        return await store_response(session, claim, status, answer)


@post(
    "/v1/subscribers/{reader_id:str}/subscription/cancel",
    guards=[site("subscribers:write")],
    status_code=200,
    refuses=[SUBSCRIBER_UNKNOWN, *NOT_CANCELLED],
)
async def post_cancel(
    reader_id: PathReaderId,
    data: JSONBody[CancelInput],
    claim: NamedDependency[IdempotencyClaim | None],
    database: NamedDependency[Database],
    stripe: NamedDependency[StripeContext | None],
    settings: NamedDependency[Settings],
) -> Response[CancelAnswer]:
    """Cancel a subscriber's subscription, or with `dry_run` only show the effect."""
    async with database.reading() as session:
        await require_subscriber(session, reader_id)
    return await _cancel(reader_id, data, claim, database, stripe, settings)


@post("/v1/me/subscription/cancel", guards=[reader], status_code=200, refuses=NOT_CANCELLED)
async def cancel_my_subscription(
    data: JSONBody[CancelInput],
    caller: NamedDependency[Caller],
    claim: NamedDependency[IdempotencyClaim | None],
    database: NamedDependency[Database],
    stripe: NamedDependency[StripeContext | None],
    settings: NamedDependency[Settings],
) -> Response[CancelAnswer]:
    """Cancel my subscription, or with `dry_run` only show the effect."""
    return await _cancel(caller.subject, data, claim, database, stripe, settings)


@post(
    "/v1/subscribers/{reader_id:str}/subscription/resume",
    guards=[site("subscribers:write")],
    status_code=200,
    refuses=[SUBSCRIBER_UNKNOWN, *NOT_CANCELLED],
)
async def post_resume(
    reader_id: PathReaderId,
    claim: NamedDependency[IdempotencyClaim | None],
    database: NamedDependency[Database],
    stripe: NamedDependency[StripeContext | None],
    data: JSONBody[ResumeInput | None] = None,
) -> Response[SubscriptionAnswer]:
    """Withdraw a cancellation before the end."""
    async with database.reading() as session:
        await require_subscriber(session, reader_id)
    return await _resume(reader_id, data or ResumeInput(), claim, database, stripe)


@post("/v1/me/subscription/resume", guards=[reader], status_code=200, refuses=NOT_CANCELLED)
async def resume_my_subscription(
    caller: NamedDependency[Caller],
    claim: NamedDependency[IdempotencyClaim | None],
    database: NamedDependency[Database],
    stripe: NamedDependency[StripeContext | None],
    data: JSONBody[ResumeInput | None] = None,
) -> Response[SubscriptionAnswer]:
    """Withdraw my cancellation before the end."""
    return await _resume(caller.subject, data or ResumeInput(), claim, database, stripe)


@post("/v1/me/cancellation-feedback", guards=[reader], status_code=200, refuses=[RECEIPT_UNKNOWN])
async def post_my_feedback(
    data: JSONBody[FeedbackInput],
    caller: NamedDependency[Caller],
    claim: NamedDependency[IdempotencyClaim | None],
    database: NamedDependency[Database],
) -> Response[FeedbackAnswer]:
    """Answer why I cancelled, once for each receipt; another answer replaces it."""
    async with database.writing() as session:
        now, reader_id = database.clock.now(), caller.subject
        if stored := await stored_response(session, claim, now, reader_id=reader_id):
            return stored
        answer = await store_feedback(session, reader_id, data, clock=database.clock)
        return await store_response(session, claim, 200, answer)


@get("/v1/cancellation-feedback", guards=[site("subscribers:read")])
async def list_feedback(
    database: NamedDependency[Database], limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
) -> Page[FeedbackComment]:
    """What readers wrote about their cancellations, newest first and without the readers."""
    async with database.reading() as session:
        return await feedback_comments(session, limit, cursor)


@get("/v1/cancellation-feedback/figures", guards=[site("subscribers:read")])
async def get_feedback_figures(
    database: NamedDependency[Database], since: Since = None, until: Until = None
) -> FeedbackFigures:
    """How many subscriptions were cancelled in a period, and why; by default the last 30 days."""
    end = until or database.clock.now()
    start = since or end - FIGURES_PERIOD
    if start >= end:
        raise invalid("since", "is not before `until`; send an earlier time")
    async with database.reading() as session:
        return await feedback_figures(session, start, end)


async def _cancel(
    reader_id: str,
    data: CancelInput,
    claim: IdempotencyClaim | None,
    database: Database,
    stripe: StripeContext | None,
    settings: Settings,
) -> Response[CancelAnswer]:
    now = database.clock.now()
    if data.dry_run:
        async with database.discarding().writing() as session:
            return Response(
                await preview_cancellation(
                    session,
                    reader_id,
                    data.subscription_id,
                    data.when,
                    settings=settings,
                    clock=database.clock,
                )
            )
    if billed := await _billed(database, reader_id, data.subscription_id):
        return await cancel_in_stripe(require_stripe(stripe), billed, data.when, data.reason, claim)
    async with database.writing() as session:
        if stored := await stored_response(session, claim, now, reader_id=reader_id):
            return stored
        done = await cancel_subscription(
            session,
            reader_id,
            data.subscription_id,
            data.when,
            reason=data.reason,
            clock=database.clock,
        )
        if done is not None:
            answer = await receipt_response(session, *done, now)
            return await store_response(session, claim, 200, answer)
    # A webhook recorded a subscription of Stripe's between the two transactions.
    return await _cancel(reader_id, data, claim, database, stripe, settings)


async def _billed(
    database: Database, reader_id: str, subscription_id: str | None
) -> Subscription | None:
    """The subscription that is meant, if Stripe bills it.

    A Problem is not raised here: a stored answer may be about a subscription that has ended since.
    """
    try:
        async with database.reading() as session:
            chosen = await find_subscription(
                session, reader_id, subscription_id, database.clock.now()
            )
    except Problem:
        return None
    return chosen if chosen.kind is SubscriptionKind.STRIPE else None


async def _resume(
    reader_id: str,
    data: ResumeInput,
    claim: IdempotencyClaim | None,
    database: Database,
    stripe: StripeContext | None,
) -> Response[SubscriptionAnswer]:
    if billed := await _billed(database, reader_id, data.subscription_id):
        return await resume_in_stripe(require_stripe(stripe), billed, claim)
    async with database.writing() as session:
        now = database.clock.now()
        if stored := await stored_response(session, claim, now, reader_id=reader_id):
            return stored
        subscription = await resume_subscription(
            session, reader_id, data.subscription_id, clock=database.clock
        )
        if subscription is not None:
            answer = await _to_response(session, subscription, database.clock.now())
            return await store_response(session, claim, 200, answer)
    # A webhook recorded a subscription of Stripe's between the two transactions.
    return await _resume(reader_id, data, claim, database, stripe)


async def _to_response(
    session: AsyncSession, subscription: Subscription, now: datetime
) -> SubscriptionAnswer:
    (answer,) = await load_responses(session, [subscription], now)
    return answer


ROUTES = [
    put_subscription,
    post_link,
    post_cancel,
    cancel_my_subscription,
    post_resume,
    resume_my_subscription,
    post_my_feedback,
    list_feedback,
    get_feedback_figures,
]
