"""The schema on one page. Times are aware and UTC; amounts of credits are whole numbers.

No foreign key leads to an article: deleting one keeps its unlocks. Every query on the way of a
reader's request is by reader, so that the large tables can be partitioned by reader.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from paywall.columns import (
    ID_LENGTH_MAX,
    NO_KEY_TWICE,
    WITHOUT_ROWID,
    BigKey,
    TextList,
    by_value,
    partial_index,
)
from paywall.rules import words
from paywall.rules.decision import Policy


class _Done(SQLModel):
    """Who did it: the token's `iss`, `sub` and `jti`, or a command's own name."""

    actor_issuer: str
    actor_subject: str
    actor_token_id: str


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


class PolicyChange(_Done, table=True):
    """Who set an article's policy or cost, and when; `policy` is None where it was deleted."""

    __tablename__ = "policy_change"

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    article_id: str = Field(index=True, max_length=ID_LENGTH_MAX)
    at: datetime
    policy: Policy | None = Field(default=None, sa_type=by_value(Policy))
    unlock_cost: int | None = None


class Subscriber(SQLModel, table=True):
    """A reader with anything on record. This row is the only lock on what the reader has."""

    __table_args__ = (WITHOUT_ROWID,)

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    created_at: datetime


class Merge(SQLModel, table=True):
    """All that `from_id` had went to `into_id`: one person, unless `from_id` began anew since."""

    __table_args__ = (sa.Index(None, "into_id"), WITHOUT_ROWID)

    from_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    into_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)


class CreditGrant(SQLModel, table=True):
    """Credits that came from one place; `remaining` is the sum of the grant's ledger entries."""

    __tablename__ = "credit_grant"
    __table_args__ = (
        sa.UniqueConstraint("source", "reference"),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.CheckConstraint("remaining >= 0 and remaining <= amount", name="remaining"),
        sa.Index(None, "reader_id", "id"),
        partial_index(
            "ix_credit_grant_spendable",
            *"reader_id expires_at remaining".split(),
            where="remaining > 0",
        ),
        partial_index(
            "ix_credit_grant_lapsing",
            "expires_at",
            "id",
            where="remaining > 0 and expires_at is not null",
        ),
        partial_index(
            "ix_credit_grant_purchase_id", "purchase_id", where="purchase_id is not null"
        ),
        NO_KEY_TWICE,
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    reader_id: str = Field(max_length=ID_LENGTH_MAX)
    amount: int
    remaining: int
    source: words.GrantSource = Field(sa_type=by_value(words.GrantSource))
    reference: str = Field(max_length=ID_LENGTH_MAX)
    priority: int = 100
    granted_at: datetime
    expires_at: datetime | None = None
    voided_at: datetime | None = None
    purchase_id: int | None = Field(default=None, sa_type=BigKey)


class LedgerEntry(_Done, table=True):
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
    kind: words.EntryKind = Field(sa_type=by_value(words.EntryKind))
    amount: int


class Unlock(SQLModel, table=True):
    """A reader has an article; a revoked unlock stays on record and is not in force.

    `credits_returned` tells whether its revocation gave the credits back; None while in force.
    """

    __table_args__ = (
        partial_index(
            "uq_unlock_in_force", "reader_id", "article_id", where="revoked_at is null", unique=True
        ),
        sa.Index(None, "reader_id", "unlocked_at", "id"),
        NO_KEY_TWICE,
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    reader_id: str = Field(max_length=ID_LENGTH_MAX)
    article_id: str = Field(max_length=ID_LENGTH_MAX)
    source: words.UnlockSource = Field(sa_type=by_value(words.UnlockSource))
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
    """Opens everything in `[starts_at, entitled_until)`; readers are told `access_until`.

    Both follow from `paid_through`, `ended_at` (our own "now") and what was taken back alone.
    """

    __table_args__ = (
        partial_index(
            "ix_subscription_purchase_id", "purchase_id", where="purchase_id is not null"
        ),
        sa.Index(None, "reader_id", "entitled_until", "starts_at", "access_until"),
        partial_index(
            "uq_subscription_complimentary",
            "reader_id",
            where="kind = 'complimentary'",
            unique=True,
        ),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    reader_id: str = Field(max_length=ID_LENGTH_MAX)
    kind: words.SubscriptionKind = Field(sa_type=by_value(words.SubscriptionKind))
    plan_id: str | None = Field(default=None, max_length=ID_LENGTH_MAX)
    pass_id: str | None = Field(default=None, max_length=ID_LENGTH_MAX)
    purchase_id: int | None = Field(default=None, sa_type=BigKey)
    starts_at: datetime
    paid_through: datetime
    ended_at: datetime | None = None
    is_taken_back: bool = False
    entitled_until: datetime
    access_until: datetime
    cancel_at_period_end: bool = False
    created_at: datetime


class CancellationReceipt(SQLModel, table=True):
    """What a reader was told when a subscription was cancelled; theirs to keep."""

    __tablename__ = "cancellation_receipt"
    __table_args__ = (sa.Index(None, "subscription_id"), sa.Index(None, "reader_id"))

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    reader_id: str = Field(max_length=ID_LENGTH_MAX)
    subscription_id: str = Field(max_length=ID_LENGTH_MAX)
    at: datetime
    when: words.CancelWhen = Field(sa_type=by_value(words.CancelWhen))
    access_until: datetime
    reason: str | None = Field(default=None, sa_type=sa.Text)
    withdrawn_at: datetime | None = None


class _Product(SQLModel):
    """What every product of the catalogue has; a price is `{"amount", "currency"}`."""

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    title: str = Field(sa_type=sa.Text)
    prices: list[dict[str, Any]] = Field(sa_type=sa.JSON)
    created_at: datetime


class Plan(_Product, table=True):
    """Recurring: opens everything for a period, and may grant credits in each."""

    __table_args__ = (WITHOUT_ROWID,)

    interval: words.Interval = Field(sa_type=by_value(words.Interval))
    interval_count: int = 1
    credits: int = 0
    credits_expire: words.CreditsExpire = Field(sa_type=by_value(words.CreditsExpire))
    trial_days: int | None = None


class Pack(_Product, table=True):
    """Credits, bought once."""

    __table_args__ = (WITHOUT_ROWID,)

    credits: int
    expires_after_days: int | None = None


class Pass(_Product, table=True):
    """Opens everything for some days, bought once."""

    __table_args__ = (WITHOUT_ROWID,)

    days: int


class Purchase(_Done, table=True):
    """One payment by any processor; amounts are in the smallest unit of the currency.

    `taken_back`: by refunds and disputes, without what keeps access, never more than the whole.
    """

    __table_args__ = (
        sa.UniqueConstraint("processor", "reference"),
        sa.CheckConstraint("amount_paid >= 0", name="amount_paid"),
        sa.CheckConstraint("taken_back >= 0 and taken_back <= amount_paid", name="taken_back"),
        sa.Index(None, "reader_id", "created_at", "id"),
        sa.Index(None, "created_at", "id"),
        NO_KEY_TWICE,
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    reader_id: str = Field(max_length=ID_LENGTH_MAX)
    processor: str = Field(max_length=40)
    reference: str = Field(max_length=ID_LENGTH_MAX)
    product_kind: words.ProductKind = Field(sa_type=by_value(words.ProductKind))
    product_id: str = Field(max_length=ID_LENGTH_MAX)
    amount_paid: int = Field(sa_type=sa.BigInteger)
    currency: str = Field(max_length=3)
    refunded: int = Field(default=0, sa_type=sa.BigInteger)
    taken_back: int = Field(default=0, sa_type=sa.BigInteger)
    created_at: datetime


class Refund(_Done, table=True):
    """Money that went back for a purchase, by a refund or by a dispute.

    `is_in_force` is False where a refund failed or a dispute was won: it takes nothing back then.
    """

    __table_args__ = (
        sa.UniqueConstraint("purchase_id", "reference"),
        sa.CheckConstraint("amount > 0", name="amount"),
        NO_KEY_TWICE,
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    purchase_id: int = Field(sa_type=BigKey)
    reference: str = Field(max_length=ID_LENGTH_MAX)
    kind: words.TakingKind = Field(sa_type=by_value(words.TakingKind))
    amount: int = Field(sa_type=sa.BigInteger)
    keep_access: bool = False
    is_in_force: bool = True
    created_at: datetime


class Taking(SQLModel, table=True):
    """Credits that a grant gave up for a refund, in the order in which they were taken.

    `unlock_id` names the unlock that was revoked for them; None where they were unspent.
    """

    __table_args__ = (
        sa.CheckConstraint("credits > 0", name="credits"),
        sa.Index(None, "grant_id", "id"),
        sa.Index(None, "reader_id"),
        NO_KEY_TWICE,
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    reader_id: str = Field(max_length=ID_LENGTH_MAX)
    grant_id: int = Field(sa_type=BigKey)
    unlock_id: int | None = Field(default=None, sa_type=BigKey)
    credits: int


class MeteredViews(SQLModel, table=True):
    """What one viewer was given in one month; one row, so that counting is one upsert of it."""

    __tablename__ = "metered_views"
    __table_args__ = (sa.Index(None, "month_ends_at"), WITHOUT_ROWID)

    viewer_kind: words.ViewerKind = Field(primary_key=True, sa_type=by_value(words.ViewerKind))
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
