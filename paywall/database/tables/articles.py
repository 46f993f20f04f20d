"""What the site sells to read, and who was given what of it this month."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from paywall.database.columns import (
    ID_LENGTH_MAX,
    WITHOUT_ROWID,
    BigKey,
    TextList,
    by_value,
)
from paywall.database.tables.actor import ActorColumns
from paywall.rules import enums
from paywall.rules.decision import Policy


class Article(SQLModel, table=True):
    """What the site sells; the preview is made when the article is put."""

    __table_args__ = (sa.Index(None, "created_at", "id"), WITHOUT_ROWID)

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    title: str = Field(sa_type=sa.Text)
    url: str | None = Field(default=None, sa_type=sa.Text)
    language: str | None = Field(default=None, max_length=35)
    policy: Policy = Field(sa_type=by_value(Policy))
    unlock_cost: int = 1
    tags: list[str] = Field(default_factory=list, sa_type=TextList)
    published_at: datetime | None = None
    preview_paragraphs: int | None = None
    preview_html: str = Field(default="", sa_type=sa.Text)
    body_sha256: str | None = Field(default=None, max_length=64)
    created_at: datetime
    updated_at: datetime


class ArticleBody(SQLModel, table=True):
    """A table of its own, so that a check never reads past a body."""

    __tablename__ = "article_body"

    article_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    body_html: str = Field(sa_type=sa.Text)


class PolicyChange(ActorColumns, table=True):
    """Who set an article's policy or cost, and when; `policy` is None where it was deleted."""

    __tablename__ = "policy_change"

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    article_id: str = Field(index=True, max_length=ID_LENGTH_MAX)
    at: datetime
    policy: Policy | None = Field(default=None, sa_type=by_value(Policy))
    unlock_cost: int | None = None


class MeteredViews(SQLModel, table=True):
    """What one viewer was given in one month; one row, so that counting is one upsert of it."""

    __tablename__ = "metered_views"
    __table_args__ = (sa.Index(None, "month_ends_at"), WITHOUT_ROWID)

    viewer_kind: enums.ViewerKind = Field(primary_key=True, sa_type=by_value(enums.ViewerKind))
    viewer_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    month_starts_at: datetime = Field(primary_key=True)
    month_ends_at: datetime
    article_ids: list[str] = Field(sa_type=TextList)
