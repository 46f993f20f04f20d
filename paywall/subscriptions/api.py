"""Routes for complimentary subscriptions, cancelling and resuming, for sites and readers."""

from datetime import datetime
from itertools import groupby
from typing import Annotated

from litestar import Response, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.credits.locking import require_subscriber
from paywall.credits.responses import GrantAnswer, list_spendable_grants
from paywall.database.engine import Database
from paywall.database.tables import CancellationReceipt, Subscription
from paywall.http.bodies import RequestModel, ResponseModel
from paywall.http.fields import CancelledWhen, Id, PathReaderId, SubscriptionId, Text, Timestamp
from paywall.idempotency import IdempotencyClaim, store_response, stored_response
from paywall.problems import (
    NO_SUBSCRIPTION,
    REQUEST_IN_PROGRESS,
    SEVERAL_SUBSCRIPTIONS,
    SUBSCRIBER_UNKNOWN,
    SUBSCRIPTION_ENDED,
    SUBSCRIPTION_UNKNOWN,
    Problem,
)
from paywall.processors.stripe.cancel import CANCELLATIONS, change
from paywall.processors.stripe.client import REFUSALS
from paywall.processors.stripe.context import StripeContext, require_stripe
from paywall.processors.stripe.intents import attempts, take_intent
from paywall.rules.enums import CancelWhen, IntentKind, SubscriptionKind
from paywall.subscriptions.cancel import (
    access_after_cancellation,
    cancel_subscription,
    find_receipt,
    find_subscription,
    receipt_for,
    resume_subscription,
)
from paywall.subscriptions.complimentary import put_complimentary
from paywall.subscriptions.responses import (
    ReceiptAnswer,
    SubscriptionAnswer,
    load_responses,
    receipt_to_response,
)
from paywall.tokens.guard import Caller, reader, site

NOT_CANCELLED = (
    SUBSCRIPTION_UNKNOWN,
    NO_SUBSCRIPTION,
    SEVERAL_SUBSCRIPTIONS,
    SUBSCRIPTION_ENDED,
    *REFUSALS,
)


class ComplimentaryInput(RequestModel, kw_only=True):
    """A subscription without payment."""

    plan_id: Annotated[Id | None, Meta(description="The plan that it replaces.")] = None
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


class ResumeInput(RequestModel, kw_only=True):
    """Which subscription to resume."""

    subscription_id: Annotated[
        Id | None, Meta(description="Left out: the only one that renews.")
    ] = None


class LapsingCredits(ResponseModel):
    """Credits that can be spent until `expires_at`; null: no expiry."""

    amount: Annotated[int, Meta(description="A number of credits.")]
    expires_at: Annotated[
        datetime | None, Meta(description="Spendable before this time; null: no expiry.")
    ]


class CancelAnswer(ResponseModel):
    """The exact effect of a cancellation."""

    subscription_id: SubscriptionId
    when: CancelledWhen
    access_until: Annotated[datetime, Meta(description="When access ends.")]
    credits: Annotated[
        list[LapsingCredits],
        Meta(description="The remaining credits by their expiry, which does not change."),
    ]
    receipt: Annotated[ReceiptAnswer | None, Meta(description="Null for a dry run.")]


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
) -> Response[CancelAnswer]:
    """Cancel a subscriber's subscription, or with `dry_run` only show the effect."""
    async with database.reading() as session:
        await require_subscriber(session, reader_id)
    return await _cancel(reader_id, data, claim, database, stripe)


@post("/v1/me/subscription/cancel", guards=[reader], status_code=200, refuses=NOT_CANCELLED)
async def cancel_my_subscription(
    data: JSONBody[CancelInput],
    caller: NamedDependency[Caller],
    claim: NamedDependency[IdempotencyClaim | None],
    database: NamedDependency[Database],
    stripe: NamedDependency[StripeContext | None],
) -> Response[CancelAnswer]:
    """Cancel my subscription, or with `dry_run` only show the effect."""
    return await _cancel(caller.subject, data, claim, database, stripe)


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


async def _cancel(
    reader_id: str,
    data: CancelInput,
    claim: IdempotencyClaim | None,
    database: Database,
    stripe: StripeContext | None,
) -> Response[CancelAnswer]:
    now = database.clock.now()
    if data.dry_run:
        async with database.reading() as session:
            subscription = await find_subscription(session, reader_id, data.subscription_id, now)
            until = access_after_cancellation(subscription, data.when, now)
            return Response(
                await _cancel_response(session, subscription, data.when, until, None, now)
            )
    if billed := await _billed(database, reader_id, data.subscription_id):
        return await _cancel_in_stripe(reader_id, billed, data, claim, require_stripe(stripe))
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
            return await _store_cancel_response(session, *done, claim, now)
    # A webhook recorded a subscription of Stripe's between the two transactions.
    return await _cancel(reader_id, data, claim, database, stripe)


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


async def _cancel_in_stripe(
    reader_id: str,
    subscription: Subscription,
    data: CancelInput,
    claim: IdempotencyClaim | None,
    stripe: StripeContext,
) -> Response[CancelAnswer]:
    clock, kind = stripe.database.clock, CANCELLATIONS[data.when]
    async for _ in attempts():
        async with stripe.database.writing() as session:
            if stored := await stored_response(session, claim, clock.now(), reader_id=reader_id):
                return stored
            chosen = await find_subscription(session, reader_id, subscription.id, clock.now())
            if receipt := await find_receipt(session, chosen, data.when):
                return await _store_cancel_response(session, chosen, receipt, claim, clock.now())
            intent = await take_intent(session, kind, subscription.id, clock.now())
        if intent is None:
            continue
        async with change(stripe, subscription, intent) as (session, cancelled):
            receipt = await receipt_for(session, cancelled, data.when, data.reason, clock.now())
            return await _store_cancel_response(session, cancelled, receipt, claim, clock.now())
    raise Problem(REQUEST_IN_PROGRESS)


async def _store_cancel_response(
    session: AsyncSession,
    subscription: Subscription,
    receipt: CancellationReceipt,
    claim: IdempotencyClaim | None,
    now: datetime,
) -> Response[CancelAnswer]:
    answer = await _cancel_response(
        session, subscription, receipt.when, receipt.access_until, receipt, now
    )
    return await store_response(session, claim, 200, answer)


async def _resume(
    reader_id: str,
    data: ResumeInput,
    claim: IdempotencyClaim | None,
    database: Database,
    stripe: StripeContext | None,
) -> Response[SubscriptionAnswer]:
    if billed := await _billed(database, reader_id, data.subscription_id):
        return await _resume_in_stripe(reader_id, billed, claim, require_stripe(stripe))
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


async def _resume_in_stripe(
    reader_id: str,
    subscription: Subscription,
    claim: IdempotencyClaim | None,
    stripe: StripeContext,
) -> Response[SubscriptionAnswer]:
    clock = stripe.database.clock
    async for _ in attempts():
        async with stripe.database.writing() as session:
            if stored := await stored_response(session, claim, clock.now(), reader_id=reader_id):
                return stored
            intent = await take_intent(session, IntentKind.RESUME, subscription.id, clock.now())
        if intent is None:
            continue
        async with change(stripe, subscription, intent) as (session, resumed):
            answer = await _to_response(session, resumed, clock.now())
            return await store_response(session, claim, 200, answer)
    raise Problem(REQUEST_IN_PROGRESS)


async def _to_response(
    session: AsyncSession, subscription: Subscription, now: datetime
) -> SubscriptionAnswer:
    (answer,) = await load_responses(session, [subscription], now)
    return answer


async def _cancel_response(
    session: AsyncSession,
    subscription: Subscription,
    when: CancelWhen,
    access_until: datetime,
    receipt: CancellationReceipt | None,
    now: datetime,
) -> CancelAnswer:
    grants = await list_spendable_grants(session, subscription.reader_id, now)
    return CancelAnswer(
        subscription_id=subscription.id,
        when=when,
        access_until=access_until,
        credits=_by_expiry(grants),
        receipt=receipt_to_response(receipt) if receipt else None,
    )


def _by_expiry(grants: list[GrantAnswer]) -> list[LapsingCredits]:
    """Soonest expiry first, credits without expiry last."""
    in_order = sorted(grants, key=lambda grant: (grant.expires_at is None, grant.expires_at))
    return [
        LapsingCredits(amount=sum(grant.remaining for grant in same), expires_at=expires_at)
        for expires_at, same in groupby(in_order, key=lambda grant: grant.expires_at)
    ]


ROUTES = [
    put_subscription,
    post_cancel,
    cancel_my_subscription,
    post_resume,
    resume_my_subscription,
]
