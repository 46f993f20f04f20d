"""What a viewer has, and on what terms an article is to be had, loaded together.

By one statement, so that they show one moment.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database import each
from paywall.rules.calendar import Month, month_of
from paywall.rules.decision import Meter, Standing, Terms
from paywall.rules.words import ViewerKind
from paywall.settings import Settings
from paywall.tables import Article, CreditGrant, MeteredViews, Subscription, Unlock


class Viewer(NamedTuple):
    """A signed-in reader, a visitor known by a pseudonym, or somebody with neither id."""

    kind: ViewerKind | None = None
    id: str | None = None

    @property
    def reader_id(self) -> str | None:
        return self.id if self.kind is ViewerKind.READER else None


def reader(reader_id: str) -> Viewer:
    return Viewer(ViewerKind.READER, reader_id)


class Facts(NamedTuple):
    """What one decision is made from; `terms` is None for an unknown article."""

    article_id: str
    title: str | None
    url: str | None
    terms: Terms | None
    standing: Standing


async def load_one(
    session: AsyncSession, viewer: Viewer, article_id: str, *, settings: Settings, now: datetime
) -> Facts:
    return (await load(session, viewer, [article_id], settings=settings, now=now))[0]


async def load(
    session: AsyncSession,
    viewer: Viewer,
    article_ids: Sequence[str],
    *,
    settings: Settings,
    now: datetime,
) -> list[Facts]:
    """The facts for each article, in the order asked, by one statement."""
    month = month_of(now, ZoneInfo(settings.meter_timezone))
    connection = await session.connection()
    statement = _statement(each(session, article_ids), viewer, month, now)
    rows = (await connection.execute(statement)).all()
    return [_facts(row, viewer, month, settings) for row in rows]


def _statement(
    asked: sa.TableValuedAlias, viewer: Viewer, month: Month, now: datetime
) -> sa.Select[Any]:
    unlocked = sa.exists().where(
        col(Unlock.reader_id) == viewer.reader_id,
        col(Unlock.article_id) == asked.c.value,
        col(Unlock.revoked_at).is_(None),
    )
    views = select(MeteredViews.article_ids).where(
        MeteredViews.viewer_kind == viewer.kind,
        MeteredViews.viewer_id == viewer.id,
        MeteredViews.month_starts_at == month.starts_at,
    )
    return (
        sa.select(
            asked.c.value.label("article_id"),
            col(Article.title),
            col(Article.url),
            col(Article.policy),
            col(Article.unlock_cost),
            unlocked.label("unlocked"),
            balance_of(viewer.reader_id, now).label("balance"),
            _latest(col(Subscription.entitled_until), viewer, now).label("entitled_until"),
            _latest(col(Subscription.access_until), viewer, now).label("access_until"),
            views.scalar_subquery().label("views"),
        )
        .select_from(asked.outerjoin(Article, col(Article.id) == asked.c.value))
        .order_by(asked.c.key)
    )


def balance_of(reader_id: str | None, now: datetime) -> sa.ScalarSelect[int]:
    """What the reader can spend now; expired credits do not wait for their entry."""
    return (
        sa.select(sa.func.coalesce(sa.func.sum(CreditGrant.remaining), 0))
        .where(
            col(CreditGrant.reader_id) == reader_id,
            col(CreditGrant.remaining) > 0,
            col(CreditGrant.expires_at).is_(None) | (col(CreditGrant.expires_at) > now),
        )
        .scalar_subquery()
    )


def _latest(
    column: sa.orm.Mapped[datetime], viewer: Viewer, now: datetime
) -> sa.ScalarSelect[datetime]:
    return (
        sa.select(sa.func.max(column))
        .where(
            col(Subscription.reader_id) == viewer.reader_id,
            col(Subscription.starts_at) <= now,
            col(Subscription.entitled_until) > now,
        )
        .scalar_subquery()
    )


def _facts(row: sa.Row[Any], viewer: Viewer, month: Month, settings: Settings) -> Facts:
    terms: Terms | None = None
    if row.policy is not None:
        terms = Terms(row.policy, row.unlock_cost)
    elif settings.default_policy is not None:
        terms = Terms(settings.default_policy)
    views = row.views or []
    meter = Meter(len(views), settings.meter_limit, month.ends_at, row.article_id in views)
    return Facts(
        article_id=row.article_id,
        title=row.title,
        url=row.url,
        terms=terms,
        standing=Standing(
            signed_in=viewer.reader_id is not None,
            balance=int(row.balance),
            unlocked=bool(row.unlocked),
            entitled_until=row.entitled_until,
            access_until=row.access_until,
            meter=meter if viewer.id is not None else None,
        ),
    )
