"""The facts for a decision: the article's terms and what the viewer has.

One statement reads them in one snapshot, for any number of viewers and articles. Transactions send
it through their session; the fast check sends it through the driver.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.sqltypes import UTCDateTime

from paywall.database import driver
from paywall.database.dialect import dialect_of
from paywall.database.json_rows import encode_rows, json_rows
from paywall.database.tables import Article, CreditGrant, MeteredViews, Subscription, Unlock
from paywall.rules.calendar import Month, month_of
from paywall.rules.decision import ArticleTerms, Meter, Policy, ViewerState
from paywall.rules.enums import ViewerKind
from paywall.settings import Settings

NOW = sa.bindparam("now", type_=UTCDateTime())
ASKED = "asked"
FACTS_COLUMNS = 9
METERED: sa.ColumnClause[str] = sa.literal_column(f"'{Policy.METERED}'", sa.Text())
MONTH_STARTS_AT = sa.bindparam("month_starts_at", type_=UTCDateTime())

# One row of the facts query.
Row = Sequence[Any]
POLICIES = {policy.value: policy for policy in Policy}


class ExtraQuery(NamedTuple):
    """Another query to read in the same statement as the facts, and its parameters."""

    statement: Callable[[], sa.Select[*tuple[Any, ...]]]
    parameters: Mapping[str, object]


class Viewer(msgspec.Struct, frozen=True, gc=False):
    """A signed-in reader, a visitor with a pseudonym, or a viewer with neither id."""

    kind: ViewerKind | None = None
    id: str | None = None

    @property
    def reader_id(self) -> str | None:
        return self.id if self.kind is ViewerKind.READER else None


def viewer_of(reader_id: str) -> Viewer:
    return Viewer(ViewerKind.READER, reader_id)


class Facts(msgspec.Struct, frozen=True, gc=False):
    """The facts for one decision; `terms` is None for an unknown article."""

    article_id: str
    terms: ArticleTerms | None
    viewer_state: ViewerState
    title: str | None
    url: str | None


async def load_article_facts(
    session: AsyncSession, viewer: Viewer, article_id: str, *, settings: Settings, now: datetime
) -> Facts:
    return (await load_facts(session, viewer, [article_id], settings=settings, now=now))[0]


async def load_facts(
    session: AsyncSession,
    viewer: Viewer,
    article_ids: Sequence[str],
    *,
    settings: Settings,
    now: datetime,
) -> list[Facts]:
    """The facts for each article, in the requested order, by one statement."""
    month = month_of(now, ZoneInfo(settings.meter_timezone))
    questions = encode_rows([(id_, *viewer_columns(viewer)) for id_ in article_ids])
    connection = await session.connection()
    rows = await connection.execute(
        facts_query(dialect_of(session)),
        {ASKED: questions, NOW.key: now, MONTH_STARTS_AT.key: month.starts_at},
    )
    return [
        facts_of(article_id, row, viewer, month, settings)
        for article_id, row in zip(article_ids, rows.all(), strict=True)
    ]


async def load_facts_with_extra(
    session: AsyncSession,
    viewer: Viewer,
    article_id: str,
    extra: ExtraQuery,
    *,
    settings: Settings,
    now: datetime,
) -> tuple[Facts, Sequence[Row]]:
    """The facts for one article and the rows of another query, in one statement."""
    month = month_of(now, ZoneInfo(settings.meter_timezone))
    question = encode_rows([(article_id, *viewer_columns(viewer))])
    found = await driver.execute(
        session,
        _facts_with_extra(dialect_of(session), extra.statement),
        {
            **extra.parameters,
            ASKED: question,
            NOW.key: now,
            MONTH_STARTS_AT.key: month.starts_at,
        },
    )
    facts = facts_of(article_id, found[0], viewer, month, settings)
    return facts, [row[FACTS_COLUMNS:] for row in found if row[FACTS_COLUMNS] is not None]


@cache
def _facts_with_extra(
    dialect: str, extra_statement: Callable[[], sa.Select[*tuple[Any, ...]]]
) -> sa.Select[*tuple[Any, ...]]:
    facts, extra = facts_query(dialect).subquery("facts"), extra_statement().subquery("extra")
    return sa.select(facts, extra).select_from(facts.outerjoin(extra, sa.true()))


def viewer_columns(viewer: Viewer) -> tuple[str | None, str | None, str | None]:
    """A viewer as the columns after the article."""
    return viewer.reader_id, viewer.kind, viewer.id


@cache
def facts_query(dialect: str) -> sa.Select[*tuple[Any, ...]]:
    """The query for policy, unlock cost and what the viewer has, for each question in order.

    Parameters: ASKED (rows of an article and of `viewer_columns`), NOW and MONTH_STARTS_AT.
    """
    text = sa.Text()
    asked = json_rows(
        dialect, ASKED, article_id=text, reader_id=text, viewer_kind=text, viewer_id=text
    )
    article_id, reader_id = asked.columns["article_id"], asked.columns["reader_id"]
    articles = Article.__table__  # type: ignore[attr-defined]  # SQLModel hides it
    source, article = asked.outer_join(articles, articles.c.id == article_id)
    unlocked = asked.matched_by(
        sa.select(col(Unlock.article_id)).where(
            col(Unlock.reader_id) == reader_id,
            col(Unlock.article_id) == article_id,
            col(Unlock.revoked_at).is_(None),
        )
    )
    views = sa.select(col(MeteredViews.article_ids)).where(
        # The default policy of unknown articles can be `metered`.
        article.policy.is_(None) | (article.policy == METERED),
        col(MeteredViews.viewer_kind) == asked.columns["viewer_kind"],
        col(MeteredViews.viewer_id) == asked.columns["viewer_id"],
        col(MeteredViews.month_starts_at) == MONTH_STARTS_AT,
    )
    return (
        sa.select(
            article.policy,
            article.unlock_cost,
            unlocked.label("unlocked"),
            balance_of(reader_id, NOW).label("balance"),
            _latest(col(Subscription.entitled_until), reader_id)
            .where(col(Subscription.starts_at) <= NOW)
            .scalar_subquery()
            .label("entitled_until"),
            # What follows without a break counts, too: prepaid time that waits.
            _latest(col(Subscription.access_until), reader_id)
            .scalar_subquery()
            .label("access_until"),
            views.scalar_subquery().label("views"),
            article.title,
            article.url,
        )
        .select_from(source)
        .order_by(asked.columns["key"])
    )


def balance_of(reader_id: Any, now: Any) -> sa.ScalarSelect[int]:
    """The credits that the reader can spend now; expired ones are excluded at once.

    Both arguments are values or SQL expressions.
    """
    return (
        sa.select(sa.func.coalesce(sa.func.sum(CreditGrant.remaining), sa.literal_column("0")))
        .where(
            col(CreditGrant.reader_id) == reader_id,
            col(CreditGrant.remaining) > sa.literal_column("0"),
            col(CreditGrant.expires_at).is_(None) | (col(CreditGrant.expires_at) > now),
        )
        .scalar_subquery()
    )


def _latest(
    column: sa.orm.Mapped[datetime], reader_id: sa.ColumnElement[str]
) -> sa.Select[datetime]:
    return sa.select(sa.func.max(column)).where(
        col(Subscription.reader_id) == reader_id,
        col(Subscription.entitled_until) > NOW,
    )


def facts_of(article_id: str, row: Row, viewer: Viewer, month: Month, settings: Settings) -> Facts:
    """Convert a row of the query; further columns are ignored."""
    policy, unlock_cost, unlocked, balance, entitled_until, access_until, views, title, url = row[
        :FACTS_COLUMNS
    ]
    terms = ArticleTerms(POLICIES[policy], unlock_cost) if policy else _default_terms(settings)
    meter: Meter | None = None
    if viewer.id is not None and terms is not None and terms.policy is Policy.METERED:
        views = views or ()
        meter = Meter(len(views), settings.meter_limit, month.ends_at, article_id in views)
    viewer_state = ViewerState(
        viewer.kind is ViewerKind.READER, balance, unlocked, entitled_until, access_until, meter
    )
    return Facts(article_id, terms, viewer_state, title, url)


def _default_terms(settings: Settings) -> ArticleTerms | None:
    return None if settings.default_policy is None else ArticleTerms(settings.default_policy)
