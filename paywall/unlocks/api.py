"""Routes for unlocks, for readers and sites."""

from enum import StrEnum
from typing import Annotated

from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler
from msgspec import Meta
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall import telemetry
from paywall.credits.locking import require_subscriber
from paywall.database.engine import Database
from paywall.database.tables import Unlock
from paywall.http.bodies import RequestModel, ResponseModel
from paywall.http.fields import (
    Credits,
    DecisionReason,
    Id,
    PathArticleId,
    PathReaderId,
    Text,
    Timestamp,
    UnlocksLeft,
)
from paywall.http.paging import CURSOR_CHARS_MAX, LIMIT_DEFAULT, LIMIT_MAX, Cursor, Limit, Page
from paywall.idempotency import IdempotencyClaim, store_response, stored_response
from paywall.problems import (
    ARTICLE_UNKNOWN,
    INSUFFICIENT_CREDITS,
    PRICE_CHANGED,
    SUBSCRIBER_UNKNOWN,
    SUBSCRIPTION_REQUIRED,
)
from paywall.rules.enums import UnlockSource
from paywall.settings import Settings
from paywall.tokens.guard import Caller, reader, site
from paywall.unlocks.complimentary import add_unlock
from paywall.unlocks.responses import (
    PaymentAnswer,
    UnlockAnswer,
    list_unlocks,
    to_response,
    unlock_responses,
)
from paywall.unlocks.revoke import revoke_unlock_of_article
from paywall.unlocks.unlock import NewUnlock, UnlockResult, unlock_article

SEARCH_CHARS_MAX = 200

ReturnCredits = Annotated[
    bool, QueryParameter(description="Whether the credits that paid for it are returned.")
]


class UnlockInput(RequestModel):
    """A reader's request to unlock an article."""

    article_id: Annotated[Id, Meta(description="The site's id of the article.")]
    max_cost: Annotated[
        Credits | None,
        Meta(description="The cost shown to the reader; a higher actual cost is refused."),
    ] = None


class UnlockSearch(RequestModel):
    """Articles that a reader looks for among those unlocked."""

    title: Annotated[
        Text,
        Meta(
            min_length=1,
            max_length=SEARCH_CHARS_MAX,
            description="A part of the article's title, in any case of its letters (on SQLite, of A"
            " to Z). Deleted articles have no title, so none of them is found.",
        ),
    ]
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX, description="At most so many items.")] = (
        LIMIT_DEFAULT
    )
    cursor: Annotated[
        Annotated[str, Meta(max_length=CURSOR_CHARS_MAX)] | None,
        Meta(description="`next_cursor` of the page before; null: start at the newest item."),
    ] = None


class GivenUnlockSource(StrEnum):
    """The sources of unlocks that a site can add; other unlocks are paid with credits."""

    COMPLIMENTARY = "complimentary"
    MIGRATION = "migration"


class GivenUnlockInput(RequestModel, kw_only=True):
    """An article for a reader, without credits."""

    article_id: Annotated[Id, Meta(description="The site's id of the article.")]
    source: Annotated[
        GivenUnlockSource,
        Meta(description="With `migration`, the article may be unknown."),
    ]
    unlocked_at: Annotated[
        Timestamp | None, Meta(description="When it was unlocked; not in the future. Null: now.")
    ] = None


class UnlockOutcome(ResponseModel):
    """The unlock, or null with the reason why none was needed."""

    unlock: Annotated[
        UnlockAnswer | None,
        Meta(description="The unlock in force; null if the article is readable without."),
    ]
    reason: DecisionReason
    unlocks_left: UnlocksLeft


@post(
    "/v1/me/unlocks",
    guards=[reader],
    answers={201: "Unlocked.", 200: "Readable already; nothing was spent."},
    refuses=[ARTICLE_UNKNOWN, SUBSCRIPTION_REQUIRED, PRICE_CHANGED, INSUFFICIENT_CREDITS],
)
async def unlock_my_article(
    data: JSONBody[UnlockInput],
    caller: NamedDependency[Caller],
    claim: NamedDependency[IdempotencyClaim | None],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> Response[UnlockOutcome]:
    """Unlock an article with credits: 201 for the first request, 200 for repeated ones."""
    reader_id = caller.subject
    async with database.writing() as session:
        now = database.clock.now()
        if stored := await stored_response(session, claim, now, reader_id=reader_id):
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
        answer = await store_response(
            session, claim, 201 if outcome.is_new else 200, await _to_response(session, outcome)
        )
    telemetry.count_unlock("new" if outcome.is_new else outcome.reason)
    return answer


async def _to_response(session: AsyncSession, outcome: UnlockResult) -> UnlockOutcome:
    response: UnlockAnswer | None = None
    match outcome.unlock:
        case NewUnlock() as unlock:
            paid = [PaymentAnswer(grant_id=it.grant_id, amount=it.amount) for it in unlock.payments]
            response = to_response(unlock, (outcome.facts.title, outcome.facts.url), paid)
        case Unlock() as unlock:
            (response,) = await unlock_responses(session, [unlock])
        case None:
            pass
    return UnlockOutcome(unlock=response, reason=outcome.reason, unlocks_left=outcome.unlocks_left)


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


@post("/v1/me/unlocks/search", guards=[reader], status_code=200)
async def search_my_unlocks(
    data: JSONBody[UnlockSearch],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
) -> Page[UnlockAnswer]:
    """The reader's unlocks in force with a part of a title, newest first.

    Not by GET: what a reader looks for would be in the address, and so in the logs of proxies.
    """
    async with database.reading() as session:
        items, next_cursor = await list_unlocks(
            session,
            caller.subject,
            all_of_them=False,
            limit=data.limit,
            cursor=data.cursor,
            title=data.title,
        )
    return Page(items=items, next_cursor=next_cursor)


@get(
    "/v1/subscribers/{reader_id:str}/unlocks",
    guards=[site("subscribers:read")],
    refuses=[SUBSCRIBER_UNKNOWN],
)
async def list_subscriber_unlocks(
    reader_id: PathReaderId,
    database: NamedDependency[Database],
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Page[UnlockAnswer]:
    """All unlocks of a subscriber, including revoked ones, newest first."""
    async with database.reading() as session:
        await require_subscriber(session, reader_id)
        items, next_cursor = await list_unlocks(
            session, reader_id, all_of_them=True, limit=limit, cursor=cursor
        )
    return Page(items=items, next_cursor=next_cursor)


@post(
    "/v1/subscribers/{reader_id:str}/unlocks",
    guards=[site("subscribers:write")],
    refuses=[ARTICLE_UNKNOWN],
    answers={201: "Unlocked.", 200: "The unlock that the reader has already."},
)
async def post_unlock(
    reader_id: PathReaderId,
    data: JSONBody[GivenUnlockInput],
    claim: NamedDependency[IdempotencyClaim | None],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> Response[UnlockAnswer]:
    """Add an unlock without credits: 201, or 200 with the unlock that the reader has already."""
    async with database.writing() as session:
        now = database.clock.now()
        if stored := await stored_response(session, claim, now, reader_id=reader_id):
            return stored
        unlock, is_new = await add_unlock(
            session,
            reader_id,
            data.article_id,
            source=UnlockSource(data.source),
            unlocked_at=data.unlocked_at,
            clock=database.clock,
            settings=settings,
        )
        (answer,) = await unlock_responses(session, [unlock])
        return await store_response(session, claim, 201 if is_new else 200, answer)


@delete(
    "/v1/subscribers/{reader_id:str}/unlocks/{article_id:str}",
    guards=[site("subscribers:write")],
    refuses=[SUBSCRIBER_UNKNOWN],
)
async def delete_unlock(
    reader_id: PathReaderId,
    article_id: PathArticleId,
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    return_credits: ReturnCredits = True,  # noqa: FBT002 (a query parameter, called by name)
) -> None:
    """Revoke an unlock. It stays on record, and the reader can unlock the article again."""
    async with database.writing() as session:
        await revoke_unlock_of_article(
            session,
            reader_id,
            article_id,
            return_credits=return_credits,
            actor=caller.actor,
            clock=database.clock,
        )


ROUTES: list[ControllerRouterHandler] = [
    unlock_my_article,
    list_my_unlocks,
    search_my_unlocks,
    list_subscriber_unlocks,
    post_unlock,
    delete_unlock,
]
