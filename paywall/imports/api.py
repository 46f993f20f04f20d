"""Routes that take many rows at once: articles, grants, unlocks and subscriptions."""

from typing import Annotated

from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from paywall.access.bodies import previews_of
from paywall.credits.api import require_scope_to_grant
from paywall.database.engine import Database
from paywall.http.bodies import ARTICLE_BYTES_MAX, RequestModel, ResponseModel
from paywall.idempotency import IdempotencyClaim, store_response, stored_response
from paywall.imports import bulk
from paywall.imports.bulk import ROWS_MAX, BulkArticle, BulkUnlock, put_rows
from paywall.imports.csv_kinds import GRANTS, GrantRow, SubscriptionRow
from paywall.imports.row_kinds import ImportContext, RowKind, RowShape
from paywall.rules.enums import UpsertOutcome
from paywall.settings import Settings
from paywall.tokens.guard import Caller, site

ROWS = Meta(
    min_length=1,
    max_length=ROWS_MAX,
    description="1 to 100 rows, which are stored together or not at all.",
)
OUTCOME = "What became of the row: `unchanged` if it was stored before."


class BulkArticles(RequestModel):
    """Articles to create or replace."""

    rows: Annotated[list[BulkArticle], ROWS]


class BulkGrants(RequestModel):
    """Credits for readers."""

    rows: Annotated[list[GrantRow], ROWS]


class BulkUnlocks(RequestModel):
    """Articles for readers, without credits."""

    rows: Annotated[list[BulkUnlock], ROWS]


class BulkSubscriptions(RequestModel):
    """Complimentary subscriptions; one in Stripe is linked instead."""

    rows: Annotated[list[SubscriptionRow], ROWS]


class BulkResult(ResponseModel):
    """What became of one row."""

    outcome: Annotated[UpsertOutcome, Meta(description=OUTCOME)]


class BulkAnswer(ResponseModel):
    """What became of each row."""

    results: Annotated[
        list[BulkResult], Meta(description="One per row, in the order of the request.")
    ]


class BulkArticleResult(BulkResult):
    """What became of one article, and its preview."""

    preview_html: Annotated[
        str | None,
        Meta(
            description="What everybody may read; null if the previews before it have more than"
            " 4,194,304 characters."
        ),
    ]


class BulkArticlesAnswer(ResponseModel):
    """What became of each article."""

    results: Annotated[
        list[BulkArticleResult], Meta(description="One per row, in the order of the request.")
    ]


@post(
    "/v1/bulk/articles",
    guards=[site("articles:write")],
    status_code=200,
    request_max_body_size=ARTICLE_BYTES_MAX,
)
async def post_bulk_articles(
    data: JSONBody[BulkArticles],
    caller: NamedDependency[Caller],
    claim: NamedDependency[IdempotencyClaim | None],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> Response[BulkArticlesAnswer]:
    """Create or replace up to 100 articles.

    A row has the fields of `PUT /v1/articles/{article_id}`. If one is wrong, nothing is stored, and
    `errors` names each wrong field with its row, such as `rows[3].policy`.
    """
    context = ImportContext(database.clock, settings, caller.actor)
    async with database.writing() as session:
        now = database.clock.now()
        if stored := await stored_response(session, claim, now, reader_id=None):
            return stored
        outcomes = await put_rows(session, bulk.ARTICLES, data.rows, context)
        previews = await previews_of(session, [row.id for row in data.rows])
        results = [
            BulkArticleResult(outcome=outcome, preview_html=previews.get(row.id))
            for row, outcome in zip(data.rows, outcomes, strict=True)
        ]
        return await store_response(session, claim, 200, BulkArticlesAnswer(results=results))


@post(
    "/v1/bulk/grants",
    guards=[site("subscribers:write")],
    status_code=200,
    request_max_body_size=ARTICLE_BYTES_MAX,
)
async def post_bulk_grants(
    data: JSONBody[BulkGrants],
    caller: NamedDependency[Caller],
    claim: NamedDependency[IdempotencyClaim | None],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> Response[BulkAnswer]:
    """Grant credits to up to 100 readers, each source and reference once.

    If a row is wrong, nothing is granted, and `errors` names each wrong field with its row. Large
    grants need the scope `admin`, as single ones do.
    """
    amounts = {f"rows[{number}].amount": row.amount for number, row in enumerate(data.rows)}
    require_scope_to_grant(amounts, caller, settings)
    context = ImportContext(database.clock, settings, caller.actor)
    return await _store(database, GRANTS, data.rows, claim, context)


@post(
    "/v1/bulk/unlocks",
    guards=[site("subscribers:write")],
    status_code=200,
    request_max_body_size=ARTICLE_BYTES_MAX,
)
async def post_bulk_unlocks(
    data: JSONBody[BulkUnlocks],
    caller: NamedDependency[Caller],
    claim: NamedDependency[IdempotencyClaim | None],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> Response[BulkAnswer]:
    """Add up to 100 unlocks without credits.

    An unlock in force stays unchanged. An unlock that was added by the same row before and revoked
    since stays revoked; a complimentary one without a time is added anew. If a row is wrong,
    nothing is added, and `errors` names each wrong field with its row.
    """
    context = ImportContext(database.clock, settings, caller.actor)
    return await _store(database, bulk.UNLOCKS, data.rows, claim, context)


@post(
    "/v1/bulk/subscriptions",
    guards=[site("subscribers:write")],
    status_code=200,
    request_max_body_size=ARTICLE_BYTES_MAX,
)
async def post_bulk_subscriptions(
    data: JSONBody[BulkSubscriptions],
    caller: NamedDependency[Caller],
    claim: NamedDependency[IdempotencyClaim | None],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> Response[BulkAnswer]:
    """Create or change the complimentary subscriptions of up to 100 readers.

    A row with the fields of the subscription on record leaves it unchanged, so repeating a request
    does not restart one that has ended. If a row is wrong, nothing is stored, and `errors` names
    each wrong field with its row.
    """
    context = ImportContext(database.clock, settings, caller.actor)
    return await _store(database, bulk.SUBSCRIPTIONS, data.rows, claim, context)


async def _store(
    database: Database,
    kind: RowKind[RowShape],
    rows: list[RowShape],
    claim: IdempotencyClaim | None,
    context: ImportContext,
) -> Response[BulkAnswer]:
    async with database.writing() as session:
        now = database.clock.now()
        if stored := await stored_response(session, claim, now, reader_id=None):
            return stored
        outcomes = await put_rows(session, kind, rows, context)
        results = [BulkResult(outcome=outcome) for outcome in outcomes]
        return await store_response(session, claim, 200, BulkAnswer(results=results))


ROUTES: list[ControllerRouterHandler] = [
    post_bulk_articles,
    post_bulk_grants,
    post_bulk_unlocks,
    post_bulk_subscriptions,
]
