"""The kinds of CSV files: the model of their rows, and how the rows are stored.

The columns are the fields of a model, with the same limits as in the API.
"""

from collections.abc import Sequence

from msgspec import UNSET, UnsetType
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.articles.api import Language
from paywall.articles.publish import ArticleUpdate, publish_all
from paywall.credits.api import GrantInput
from paywall.credits.grant import GrantTerms, find_grants, grant_many
from paywall.http.bodies import RequestModel
from paywall.http.fields import Credits, Id, Text, Timestamp, WebAddress
from paywall.imports.import_csv import CsvImport, ImportContext, RowOutcome
from paywall.problems import FieldError
from paywall.rules.decision import ArticleTerms, Policy
from paywall.rules.enums import Actor, GrantSource, UpsertOutcome
from paywall.subscriptions.api import ComplimentaryInput
from paywall.subscriptions.import_subscriptions import ImportedSubscription, import_subscriptions
from paywall.unlocks.import_unlocks import ImportedUnlock, import_unlocks

ACTOR = Actor("paywall", "import", "")


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

    reader_id: Id


class UnlockRow(RequestModel):
    """An unlock that a reader has in another system."""

    reader_id: Id
    article_id: Id
    unlocked_at: Timestamp


class SubscriptionRow(ComplimentaryInput, kw_only=True):
    """A complimentary subscription, or an existing subscription in Stripe."""

    reader_id: Id
    stripe_subscription_id: Id | None = None


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
        actor=ACTOR,
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
    before = await find_grants(session, all_terms)
    new = [terms for terms in all_terms if terms.key not in before]
    grants = await grant_many(session, new, actor=ACTOR, clock=context.clock)
    granted = {(grant.source, grant.reference) for grant in grants}
    # A running service may have granted the same reference between the two statements.
    before |= await find_grants(session, (t for t in new if t.key not in granted))
    return [
        UpsertOutcome.CREATED
        if terms.key in granted
        else _unless_differing("reference", terms.differing(before[terms.key]))
        for terms in all_terms
    ]


async def _put_unlocks(
    session: AsyncSession, rows: Sequence[UnlockRow], context: ImportContext
) -> Sequence[RowOutcome]:
    migrated = [ImportedUnlock(row.reader_id, row.article_id, row.unlocked_at) for row in rows]
    return await import_unlocks(session, migrated, clock=context.clock)


async def _put_subscriptions(
    session: AsyncSession, rows: Sequence[SubscriptionRow], context: ImportContext
) -> Sequence[RowOutcome]:
    migrated = [
        ImportedSubscription(
            row.reader_id, row.plan_id, row.current_period_end, row.stripe_subscription_id
        )
        for row in rows
    ]
    return [
        done
        if isinstance(done, UpsertOutcome)
        else _unless_differing("stripe_subscription_id", done)
        for done in await import_subscriptions(session, migrated, clock=context.clock)
    ]


def _unless_differing(field: str, differing: Sequence[str]) -> RowOutcome:
    if not differing:
        return UpsertOutcome.UNCHANGED
    return FieldError(
        field,
        f"it is on record with another {', '.join(differing)}, which is kept."
        f" Write the same fields as before, or another {field}.",
    )


ARTICLES = CsvImport(ArticleRow, lambda row: row.article_id, _put_articles)
GRANTS = CsvImport(GrantRow, lambda row: (row.source, row.reference), _put_grants)
UNLOCKS = CsvImport(UnlockRow, lambda row: (row.reader_id, row.article_id), _put_unlocks)
SUBSCRIPTIONS = CsvImport(
    SubscriptionRow,
    lambda row: (row.stripe_subscription_id, None if row.stripe_subscription_id else row.reader_id),
    _put_subscriptions,
)
