"""Unlocks, for readers and for sites."""

from typing import Annotated

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from paywall import telemetry
from paywall.credits.locking import require_subscriber
from paywall.database import Database
from paywall.http.bodies import Answer, Shape
from paywall.http.fields import Credits, Id, PathId
from paywall.http.paging import LIMIT_DEFAULT, Cursor, Limit, Page
from paywall.idempotency import Claim, keep_answer, stored_answer
from paywall.problems import (
    ARTICLE_UNKNOWN,
    INSUFFICIENT_CREDITS,
    PRICE_CHANGED,
    SUBSCRIBER_UNKNOWN,
    SUBSCRIPTION_REQUIRED,
)
from paywall.rules.decision import Reason
from paywall.settings import Settings
from paywall.tokens.guard import Caller, reader, site
from paywall.unlocks.listing import UnlockAnswer, describe, list_unlocks
from paywall.unlocks.unlock import unlock_article


class UnlockInput(Shape):
    """A reader's click on *Unlock*."""

    article_id: Id
    max_cost: Annotated[
        Credits | None,
        Meta(description="The cost that the dialog showed; a higher one is refused."),
    ] = None


class UnlockOutcome(Answer):
    """The unlock, or why none was needed."""

    unlock: UnlockAnswer | None
    reason: Reason
    unlocks_left: int


@post(
    "/v1/me/unlocks",
    guards=[reader],
    answers={201: "Unlocked.", 200: "It was readable already: nothing was spent."},
    refuses=[ARTICLE_UNKNOWN, SUBSCRIPTION_REQUIRED, PRICE_CHANGED, INSUFFICIENT_CREDITS],
)
async def unlock_for_me(
    data: JSONBody[UnlockInput],
    caller: NamedDependency[Caller],
    claim: NamedDependency[Claim | None],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> Response[UnlockOutcome]:
    """Unlock an article with credits: 201 for the first click, 200 for every other."""
    reader_id = caller.subject
    async with database.writing() as session:
        now = database.clock.now()
        if stored := await stored_answer(session, claim, now, reader_id=reader_id):
            return stored
        outcome = await unlock_article(
            session,
            reader_id,
            data.article_id,
            max_cost=data.max_cost,
            actor=caller.actor,
            clock=database.clock,
            settings=settings,
        )
        unlocks = await describe(session, [outcome.unlock]) if outcome.unlock else [None]
        answer = await keep_answer(
            session,
            claim,
            201 if outcome.is_new else 200,
            UnlockOutcome(
                unlock=unlocks[0], reason=outcome.reason, unlocks_left=outcome.unlocks_left
            ),
        )
    telemetry.unlocked("new" if outcome.is_new else outcome.reason)
    return answer


@get("/v1/me/unlocks", guards=[reader])
async def list_my_unlocks(
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Page[UnlockAnswer]:
    """The reader's unlocks in force, newest first."""
    async with database.reading() as session:
        items, next_cursor = await list_unlocks(
            session, caller.subject, all_of_them=False, limit=limit, cursor=cursor
        )
    return Page(items=items, next_cursor=next_cursor)


@get(
    "/v1/subscribers/{reader_id:str}/unlocks",
    guards=[site("subscribers:read")],
    refuses=[SUBSCRIBER_UNKNOWN],
)
async def list_unlocks_of(
    reader_id: PathId,
    database: NamedDependency[Database],
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Page[UnlockAnswer]:
    """All unlocks of a subscriber, the revoked ones too, newest first."""
    async with database.reading() as session:
        await require_subscriber(session, reader_id)
        items, next_cursor = await list_unlocks(
            session, reader_id, all_of_them=True, limit=limit, cursor=cursor
        )
    return Page(items=items, next_cursor=next_cursor)


ROUTES = [unlock_for_me, list_my_unlocks, list_unlocks_of]
