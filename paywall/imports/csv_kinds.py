"""The kinds of CSV files: the model of their rows, and how the rows are stored.

The columns are the fields of a model, with the same limits as in the API.
"""

from collections.abc import Sequence
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.articles.api import Language
from paywall.articles.publish import ArticleUpdate, publish_all
from paywall.credits.api import GrantInput
from paywall.credits.grant import GrantTerms
from paywall.credits.import_grants import import_grants
from paywall.http.bodies import RequestModel
from paywall.http.fields import Credits, Id, Text, Timestamp, WebAddress
from paywall.imports.row_kinds import ImportContext, RowKind, RowOutcome, unless_differing
from paywall.rules.decision import ArticleTerms, Policy
from paywall.rules.enums import GrantSource
from paywall.subscriptions.api import ComplimentaryInput
from paywall.subscriptions.import_subscriptions import ImportedSubscription, import_subscriptions
from paywall.unlocks.import_unlocks import ImportedUnlock, import_unlocks

ReaderIdInput = Annotated[Id, Meta(description="The site's id of the reader.")]


class ArticleRow(RequestModel):
    """An article; an empty body keeps the stored body."""

    article_id: Id
    title: Text
    policy: Policy
    url: WebAddress | None = None
    language: Language | None = None
    unlock_cost: Credits = 1
    body_html: Text | UnsetType = UNSET


class GrantRow(GrantInput, kw_only=True):
    """Credits for a reader."""

    reader_id: ReaderIdInput


class UnlockRow(RequestModel):
    """An unlock that a reader has in another system."""

    reader_id: Id
    article_id: Id
    unlocked_at: Timestamp


class SubscriptionRow(ComplimentaryInput, kw_only=True):
    """A complimentary subscription, or an existing subscription in Stripe."""

    reader_id: ReaderIdInput
    stripe_subscription_id: Annotated[
        Id | None,
        Meta(description="Leave it out in a request: a subscription in Stripe is linked instead."),
    ] = None


async def _put_articles(
    session: AsyncSession, rows: Sequence[ArticleRow], context: ImportContext
) -> Sequence[RowOutcome]:
    publications = [
        ArticleUpdate(
            id=row.article_id,
            title=row.title,
            terms=ArticleTerms(row.policy, row.unlock_cost),
            url=row.url,
            language=row.language,
            # The file has no columns for these, so their stored values are kept.
            tags=UNSET,
            published_at=UNSET,
            preview=UNSET,
            body_html=row.body_html,
        )
        for row in rows
    ]
    published = await publish_all(
        session,
        publications,
        actor=context.actor,
        now=context.clock.now(),
        preview_share=context.settings.preview_share,
    )
    return [outcome for _, outcome in published]


async def _put_grants(
    session: AsyncSession, rows: Sequence[GrantRow], context: ImportContext
) -> Sequence[RowOutcome]:
    all_terms = [
        GrantTerms(
            row.reader_id,
            row.amount,
            GrantSource(row.source),
            row.reference,
            row.expires_at,
            row.priority,
        )
        for row in rows
    ]
    done = await import_grants(session, all_terms, actor=context.actor, clock=context.clock)
    return [unless_differing("reference", outcome) for outcome in done]


async def _put_unlocks(
    session: AsyncSession, rows: Sequence[UnlockRow], context: ImportContext
) -> Sequence[RowOutcome]:
    migrated = [ImportedUnlock(row.reader_id, row.article_id, row.unlocked_at) for row in rows]
    return await import_unlocks(session, migrated, clock=context.clock)


async def put_subscriptions(
    session: AsyncSession, rows: Sequence[SubscriptionRow], context: ImportContext
) -> Sequence[RowOutcome]:
    migrated = [
        ImportedSubscription(
            row.reader_id, row.plan_id, row.current_period_end, row.stripe_subscription_id
        )
        for row in rows
    ]
    done = await import_subscriptions(session, migrated, clock=context.clock)
    return [unless_differing("stripe_subscription_id", outcome) for outcome in done]


ARTICLES = RowKind(ArticleRow, lambda row: row.article_id, _put_articles)
GRANTS = RowKind(GrantRow, lambda row: (row.source, row.reference), _put_grants)
UNLOCKS = RowKind(UnlockRow, lambda row: (row.reader_id, row.article_id), _put_unlocks)
SUBSCRIPTIONS = RowKind(
    SubscriptionRow,
    lambda row: (row.stripe_subscription_id, None if row.stripe_subscription_id else row.reader_id),
    put_subscriptions,
)
