"""The kinds of rows of bulk requests, and storing the rows of one request: all of them or none.

The rows have the fields of the routes for one article or reader, with its id.
"""

from collections.abc import Hashable, Iterator, Sequence
from typing import Annotated

from msgspec import Meta
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.articles.api import ArticleInput, to_article_update
from paywall.articles.publish import publish_all
from paywall.http.fields import Id
from paywall.imports.csv_kinds import ReaderIdInput, SubscriptionRow, put_subscriptions
from paywall.imports.row_kinds import ImportContext, RowKind, RowOutcome, RowShape
from paywall.problem_types import FieldError
from paywall.problems import (
    invalid_fields,
)
from paywall.rules.enums import UnlockSource, UpsertOutcome
from paywall.unlocks.api import GivenUnlockInput
from paywall.unlocks.import_unlocks import ImportedUnlock, import_unlocks

ROWS_MAX = 100
TO_LINK = FieldError(
    "stripe_subscription_id",
    "A subscription in Stripe is recorded as Stripe describes it: leave the row out, and send"
    " POST /v1/subscribers/{reader_id}/subscriptions/link.",
)


class BulkArticle(ArticleInput, kw_only=True):
    """An article; a field that is left out is set to its default."""

    id: Annotated[Id, Meta(description="The site's id of the article.")]


class BulkUnlock(GivenUnlockInput, kw_only=True):
    """An article for a reader, without credits."""

    reader_id: ReaderIdInput


async def put_rows(
    session: AsyncSession,
    kind: RowKind[RowShape],
    rows: Sequence[RowShape],
    context: ImportContext,
) -> list[UpsertOutcome]:
    """Store the rows; raises Problem (INVALID_FIELDS) that names each row that is refused.

    A row that repeats an earlier one is unchanged.
    """
    first: dict[Hashable, int] = {}
    for number, row in enumerate(rows):
        first.setdefault(kind.key(row), number)
    numbers = list(first.values())
    put = await kind.put(session, [rows[number] for number in numbers], context)
    done = dict(zip(numbers, put, strict=True))
    for number, row in enumerate(rows):
        if number not in done:
            done[number] = _repeated(row, first[kind.key(row)], rows)
    outcomes: list[UpsertOutcome] = []
    errors: list[FieldError] = []
    for number in range(len(rows)):
        match done[number]:
            case FieldError(field, detail):
                errors.append(FieldError(f"rows[{number}].{field}".removesuffix("."), detail))
            case outcome:
                outcomes.append(outcome)
    if errors:
        raise invalid_fields(errors)
    return outcomes


def _repeated(row: RowShape, original: int, rows: Sequence[RowShape]) -> RowOutcome:
    if row == rows[original]:
        return UpsertOutcome.UNCHANGED
    what = f"describes the same as rows[{original}] with other fields; remove one of the two"
    return FieldError("", what)


async def _put_articles(
    session: AsyncSession, rows: Sequence[BulkArticle], context: ImportContext
) -> Sequence[RowOutcome]:
    published = await publish_all(
        session,
        [to_article_update(row.id, row) for row in rows],
        actor=context.actor,
        now=context.clock.now(),
        preview_share=context.settings.preview_share,
    )
    return [outcome for _, outcome in published]


async def _put_unlocks(
    session: AsyncSession, rows: Sequence[BulkUnlock], context: ImportContext
) -> Sequence[RowOutcome]:
    unlocks = [
        ImportedUnlock(row.reader_id, row.article_id, row.unlocked_at, UnlockSource(row.source))
        for row in rows
    ]
    return await import_unlocks(
        session,
        unlocks,
        clock=context.clock,
        has_default_policy=context.settings.default_policy is not None,
    )


async def _put_complimentary(
    session: AsyncSession, rows: Sequence[SubscriptionRow], context: ImportContext
) -> Sequence[RowOutcome]:
    complimentary = [row for row in rows if row.stripe_subscription_id is None]
    done = iter(await put_subscriptions(session, complimentary, context))
    return list(_with_refusals(rows, done))


def _with_refusals(
    rows: Sequence[SubscriptionRow], done: Iterator[RowOutcome]
) -> Iterator[RowOutcome]:
    for row in rows:
        yield next(done) if row.stripe_subscription_id is None else TO_LINK


ARTICLES = RowKind(BulkArticle, lambda row: row.id, _put_articles)
UNLOCKS = RowKind(BulkUnlock, lambda row: (row.reader_id, row.article_id), _put_unlocks)
SUBSCRIPTIONS = RowKind(
    SubscriptionRow, lambda row: (row.reader_id, row.stripe_subscription_id), _put_complimentary
)
