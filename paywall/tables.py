"""The schema on one page. Times are aware and UTC; amounts of credits are whole numbers.

No foreign key leads to an article: deleting one keeps its unlocks. Every query on the way of a
reader's request is by reader, so that the large tables can be partitioned by reader.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from paywall.rules.decision import Policy

ID_LENGTH_MAX = 200

BigKey = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TextList = ARRAY(sa.Text).with_variant(sa.JSON(), "sqlite")
WITHOUT_ROWID = {"sqlite_with_rowid": False}
NO_KEY_TWICE = {"sqlite_autoincrement": True}

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def _by_value(enum: type[StrEnum]) -> Any:
    """A column that keeps an enum's value, as text that a person can read in the database."""
    return sa.Enum(
        enum,
        values_callable=lambda members: [member.value for member in members],
        native_enum=False,
        length=20,
        name=enum.__name__.lower(),
    )


class Actor(NamedTuple):
    """Who did it: the token's `iss`, `sub` and `jti`, or a command's own name."""

    issuer: str
    subject: str
    token_id: str


class GrantSource(StrEnum):
    PURCHASE = "purchase"
    SUBSCRIPTION = "subscription"
    PROMOTION = "promotion"
    ADJUSTMENT = "adjustment"
    MIGRATION = "migration"


class EntryKind(StrEnum):
    GRANTED = "granted"
    SPENT = "spent"
    EXPIRED = "expired"
    VOIDED = "voided"
    RESTORED = "restored"


class UnlockSource(StrEnum):
    CREDITS = "credits"
    COMPLIMENTARY = "complimentary"
    MIGRATION = "migration"


class SubscriptionKind(StrEnum):
    COMPLIMENTARY = "complimentary"


class ViewerKind(StrEnum):
    READER = "reader"
    VISITOR = "visitor"


class Article(SQLModel, table=True):
    """What the site sells; the preview is made when the article is put."""

    __table_args__ = (sa.Index(None, "created_at", "id"), WITHOUT_ROWID)

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    title: str = Field(sa_type=sa.Text)
    url: str | None = Field(default=None, sa_type=sa.Text)
    language: str | None = Field(default=None, max_length=35)
    policy: Policy = Field(sa_type=_by_value(Policy))
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


class PolicyChange(SQLModel, table=True):
    """Who set an article's policy or cost, and when; `policy` is None where it was deleted."""

    __tablename__ = "policy_change"

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    article_id: str = Field(index=True, max_length=ID_LENGTH_MAX)
    at: datetime
    policy: Policy | None = Field(default=None, sa_type=_by_value(Policy))
    unlock_cost: int | None = None
    actor_issuer: str
    actor_subject: str
    actor_token_id: str


class Subscriber(SQLModel, table=True):
    """A reader with anything on record. This row is the only lock on what the reader has."""

    __table_args__ = (WITHOUT_ROWID,)

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    created_at: datetime


class CreditGrant(SQLModel, table=True):
    """Credits that came from one place; `remaining` is the sum of the grant's ledger entries."""

    __tablename__ = "credit_grant"
    __table_args__ = (
        sa.UniqueConstraint("source", "reference"),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.CheckConstraint("remaining >= 0 and remaining <= amount", name="remaining"),
        sa.Index(None, "reader_id", "id"),
        sa.Index(
            "ix_credit_grant_spendable",
            "reader_id",
            "expires_at",
            "remaining",
            postgresql_where=sa.text("remaining > 0"),
            sqlite_where=sa.text("remaining > 0"),
        ),
        sa.Index(
            "ix_credit_grant_lapsing",
            "expires_at",
            "id",
            postgresql_where=sa.text("remaining > 0 and expires_at is not null"),
            sqlite_where=sa.text("remaining > 0 and expires_at is not null"),
        ),
        NO_KEY_TWICE,
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    reader_id: str = Field(max_length=ID_LENGTH_MAX)
    amount: int
    remaining: int
    source: GrantSource = Field(sa_type=_by_value(GrantSource))
    reference: str = Field(max_length=ID_LENGTH_MAX)
    priority: int = 100
    granted_at: datetime
    expires_at: datetime | None = None
    voided_at: datetime | None = None


class LedgerEntry(SQLModel, table=True):
    """One change to one grant. Append-only; it names the unlock and never the article."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        sa.CheckConstraint("amount <> 0", name="amount"),
        sa.Index(None, "reader_id", "id"),
        sa.Index(None, "grant_id", "id"),
        NO_KEY_TWICE,
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    reader_id: str = Field(max_length=ID_LENGTH_MAX)
    grant_id: int = Field(sa_type=BigKey)
    unlock_id: int | None = Field(default=None, sa_type=BigKey)
    at: datetime
    kind: EntryKind = Field(sa_type=_by_value(EntryKind))
    amount: int
    actor_issuer: str
    actor_subject: str
    actor_token_id: str


class Unlock(SQLModel, table=True):
    """A reader has an article; a revoked unlock stays on record and is not in force.

    `credits_returned` tells whether its revocation gave the credits back; None while in force.
    """

    __table_args__ = (
        sa.Index(
            "uq_unlock_in_force",
            "reader_id",
            "article_id",
            unique=True,
            postgresql_where=sa.text("revoked_at is null"),
            sqlite_where=sa.text("revoked_at is null"),
        ),
        sa.Index(None, "reader_id", "unlocked_at", "id"),
        NO_KEY_TWICE,
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    reader_id: str = Field(max_length=ID_LENGTH_MAX)
    article_id: str = Field(max_length=ID_LENGTH_MAX)
    source: UnlockSource = Field(sa_type=_by_value(UnlockSource))
    unlocked_at: datetime
    revoked_at: datetime | None = None
    credits_returned: bool | None = None


class UnlockPayment(SQLModel, table=True):
    """What one grant paid for one unlock."""

    __tablename__ = "unlock_payment"
    __table_args__ = (
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.Index(None, "grant_id", "unlock_id"),
        WITHOUT_ROWID,
    )

    unlock_id: int = Field(primary_key=True, sa_type=BigKey)
    grant_id: int = Field(primary_key=True, sa_type=BigKey)
    reader_id: str = Field(max_length=ID_LENGTH_MAX)
    amount: int


class Subscription(SQLModel, table=True):
    """Opens everything in `[starts_at, entitled_until)`; readers are told `access_until`."""

    __table_args__ = (
        sa.Index(None, "reader_id", "entitled_until", "starts_at", "access_until"),
        sa.Index(
            "uq_subscription_complimentary",
            "reader_id",
            unique=True,
            postgresql_where=sa.text("kind = 'complimentary'"),
            sqlite_where=sa.text("kind = 'complimentary'"),
        ),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    reader_id: str = Field(max_length=ID_LENGTH_MAX)
    kind: SubscriptionKind = Field(sa_type=_by_value(SubscriptionKind))
    plan_id: str | None = Field(default=None, max_length=ID_LENGTH_MAX)
    starts_at: datetime
    entitled_until: datetime
    access_until: datetime
    created_at: datetime


class MeteredViews(SQLModel, table=True):
    """The metered articles that one viewer was given in one month.

    One row, so that a count that many ask for at once is one upsert of one row.
    """

    __tablename__ = "metered_views"
    __table_args__ = (sa.Index(None, "month_ends_at"), WITHOUT_ROWID)

    viewer_kind: ViewerKind = Field(primary_key=True, sa_type=_by_value(ViewerKind))
    viewer_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    month_starts_at: datetime = Field(primary_key=True)
    month_ends_at: datetime
    article_ids: list[str] = Field(sa_type=TextList)


class IdempotencyKey(SQLModel, table=True):
    """A claimed key and the answer that was given; written together with the effect."""

    __tablename__ = "idempotency_key"
    __table_args__ = (sa.Index(None, "created_at"), sa.Index(None, "reader_id"), WITHOUT_ROWID)

    caller_issuer: str = Field(primary_key=True)
    caller_subject: str = Field(primary_key=True)
    route: str = Field(primary_key=True, sa_type=sa.Text)
    key: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    reader_id: str | None = Field(default=None, max_length=ID_LENGTH_MAX)
    request_sha256: str = Field(max_length=64)
    status: int | None = None
    answer: str | None = Field(default=None, sa_type=sa.Text)
    created_at: datetime


class RevokedToken(SQLModel, table=True):
    """One token that is refused from now on, until it would have ended anyway."""

    __tablename__ = "revoked_token"
    __table_args__ = (sa.Index(None, "forget_at"), WITHOUT_ROWID)

    issuer: str = Field(primary_key=True)
    token_id: str = Field(primary_key=True)
    forget_at: datetime


class RevokedSubject(SQLModel, table=True):
    """Every token of this subject that was issued before this time is refused."""

    __tablename__ = "revoked_subject"
    __table_args__ = (sa.Index(None, "forget_at"), WITHOUT_ROWID)

    issuer: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    issued_before: datetime
    forget_at: datetime
