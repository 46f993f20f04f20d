"""Routes for credit grants and the ledger."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from paywall.credits.grant import PRIORITY_DEFAULT, GrantTerms, grant_credits, void_grant
from paywall.credits.locking import require_subscriber
from paywall.credits.responses import EntryAnswer, GrantAnswer, list_entries, to_response
from paywall.database.engine import Database
from paywall.http.bodies import RequestModel
from paywall.http.fields import Credits, Id, PathGrantId, PathReaderId, Timestamp
from paywall.http.paging import LIMIT_DEFAULT, Cursor, Limit, Page
from paywall.idempotency import IdempotencyClaim, store_response, stored_response
from paywall.problems import (
    GRANT_UNKNOWN,
    REFERENCE_CONFLICT,
    SUBSCRIBER_UNKNOWN,
)
from paywall.rules.enums import GrantSource
from paywall.settings import Settings
from paywall.tokens.guard import Caller, insufficient_scope, reader, site
from paywall.tokens.scopes import ADMIN


class GivenSource(StrEnum):
    """The sources that a site can grant credits from; other grants come from payments."""

    PROMOTION = "promotion"
    ADJUSTMENT = "adjustment"
    MIGRATION = "migration"


class GrantInput(RequestModel):
    """Credits for a reader."""

    amount: Credits
    source: Annotated[GivenSource, Meta(description="Where it came from.")]
    reference: Annotated[
        Id, Meta(description="Unique per `source`; repeating it with the same fields is a no-op.")
    ]
    expires_at: Annotated[
        Timestamp | None,
        Meta(description="The credits can be spent before this time; null: no expiry."),
    ] = None
    priority: Annotated[int, Meta(ge=0, le=1_000_000, description="Lower is spent first.")] = (
        PRIORITY_DEFAULT
    )


def require_scope_to_grant(amounts: Mapping[str, int], caller: Caller, settings: Settings) -> None:
    """Raise Problem (INSUFFICIENT_SCOPE) naming the fields with amounts that need `admin`."""
    credits_max = settings.grant_credits_max
    above = [field for field, amount in amounts.items() if amount > credits_max]
    if above and not caller.has(ADMIN):
        detail = f"{', '.join(above)}: grants above {credits_max} credits need the scope admin."
        raise insufficient_scope(ADMIN, detail)


@post(
    "/v1/subscribers/{reader_id:str}/grants",
    guards=[site("subscribers:write")],
    answers={201: "Granted.", 200: "Already granted; nothing was changed."},
    refuses=[REFERENCE_CONFLICT],
)
async def post_grant(
    reader_id: PathReaderId,
    data: JSONBody[GrantInput],
    caller: NamedDependency[Caller],
    claim: NamedDependency[IdempotencyClaim | None],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> Response[GrantAnswer]:
    """Grant credits: 201, or 200 if the same source and reference was already granted."""
    require_scope_to_grant({"amount": data.amount}, caller, settings)
    async with database.writing() as session:
        now = database.clock.now()
        if stored := await stored_response(session, claim, now, reader_id=reader_id):
            return stored
        terms = GrantTerms(
            reader_id,
            data.amount,
            GrantSource(data.source),
            data.reference,
            data.expires_at,
            data.priority,
        )
        grant, is_new = await grant_credits(
            session, terms, actor=caller.actor, clock=database.clock
        )
        return await store_response(session, claim, 201 if is_new else 200, to_response(grant))


@post(
    "/v1/subscribers/{reader_id:str}/grants/{grant_id:int}/void",
    guards=[site("subscribers:write")],
    status_code=200,
    refuses=[SUBSCRIBER_UNKNOWN, GRANT_UNKNOWN],
)
async def post_void(
    reader_id: PathReaderId,
    grant_id: PathGrantId,
    caller: NamedDependency[Caller],
    claim: NamedDependency[IdempotencyClaim | None],
    database: NamedDependency[Database],
) -> Response[GrantAnswer]:
    """Void the unspent credits of a grant permanently."""
    async with database.writing() as session:
        now = database.clock.now()
        if stored := await stored_response(session, claim, now, reader_id=reader_id):
            return stored
        grant = await void_grant(
            session, reader_id, grant_id, actor=caller.actor, clock=database.clock
        )
        return await store_response(session, claim, 200, to_response(grant))


@get(
    "/v1/subscribers/{reader_id:str}/ledger",
    guards=[site("subscribers:read")],
    refuses=[SUBSCRIBER_UNKNOWN],
)
async def list_subscriber_ledger(
    reader_id: PathReaderId,
    database: NamedDependency[Database],
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Page[EntryAnswer]:
    """Every change to a subscriber's credits, newest first, with its actor."""
    async with database.reading() as session:
        await require_subscriber(session, reader_id)
        items, next_cursor = await list_entries(
            session, reader_id, with_actor=True, limit=limit, cursor=cursor
        )
    return Page(items=items, next_cursor=next_cursor)


@get("/v1/me/ledger", guards=[reader])
async def list_my_ledger(
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Page[EntryAnswer]:
    """Every change to the reader's credits, newest first."""
    async with database.reading() as session:
        items, next_cursor = await list_entries(
            session, caller.subject, with_actor=False, limit=limit, cursor=cursor
        )
    return Page(items=items, next_cursor=next_cursor)


ROUTES = [post_grant, post_void, list_subscriber_ledger, list_my_ledger]
