"""What opens everything for a time, and the receipts of cancellations."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from paywall.database.columns import (
    ID_LENGTH_MAX,
    NO_KEY_TWICE,
    WITHOUT_ROWID,
    BigKey,
    by_value,
    partial_index,
)
from paywall.rules import enums


class Subscription(SQLModel, table=True):
    """Opens everything in `[starts_at, entitled_until)`; readers are shown `access_until`.

    Of a Stripe or complimentary subscription both are computed from `paid_through`, `ended_at` (our
    own "now"), the clawbacks, and `stripe_subscription`. Passes and prepaid periods are scheduled
    together (`rules/prepaid`): `interval`, `interval_count` and `timezone` are their length as
    sold, None in rows older than these columns. `sequence_id` is None for the reader's own
    sequence of prepaid time, or names the sequence of a reader who was merged into this one.
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
    kind: enums.SubscriptionKind = Field(sa_type=by_value(enums.SubscriptionKind))
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
    interval: enums.Interval | None = Field(default=None, sa_type=by_value(enums.Interval))
    interval_count: int | None = None
    timezone: str | None = Field(default=None, max_length=64)
    sequence_id: str | None = Field(default=None, max_length=ID_LENGTH_MAX)


class ComplimentaryPeriod(SQLModel, table=True):
    """The time `[starts_at, ends_at)` that a complimentary subscription covers or covered.

    Kept after the subscription was changed: prepaid time was paused during these periods.
    """

    __tablename__ = "complimentary_period"
    __table_args__ = (
        sa.CheckConstraint("starts_at <= ends_at", name="starts_at"),
        sa.Index(None, "reader_id"),
        NO_KEY_TWICE,
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    reader_id: str = Field(max_length=ID_LENGTH_MAX)
    sequence_id: str | None = Field(default=None, max_length=ID_LENGTH_MAX)
    starts_at: datetime
    ends_at: datetime


class MergedSequence(SQLModel, table=True):
    """The prepaid time of a reader whose id was merged into `reader_id` at `merged_at`.

    Until then it was used on its own; since then it belongs to the sequence `into_id`, or to the
    reader's own if that is None.
    """

    __tablename__ = "merged_sequence"
    __table_args__ = (sa.Index(None, "reader_id"), WITHOUT_ROWID)

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    reader_id: str = Field(max_length=ID_LENGTH_MAX)
    into_id: str | None = Field(default=None, max_length=ID_LENGTH_MAX)
    merged_at: datetime


class CancellationReceipt(SQLModel, table=True):
    """What a reader was told when a subscription was cancelled; theirs to keep.

    `reason` came with the cancellation. The fields of `feedback_` are the answer to the question
    after it, all None until it is answered; only the comment is optional.
    """

    __tablename__ = "cancellation_receipt"
    __table_args__ = (
        sa.Index(None, "subscription_id"),
        sa.Index(None, "reader_id"),
        sa.Index(None, "at", "id"),
        partial_index(
            "ix_cancellation_receipt_feedback_at_id",
            "feedback_at",
            "id",
            where="feedback_comment is not null",
        ),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    reader_id: str = Field(max_length=ID_LENGTH_MAX)
    subscription_id: str = Field(max_length=ID_LENGTH_MAX)
    at: datetime
    when: enums.CancelWhen = Field(sa_type=by_value(enums.CancelWhen))
    access_until: datetime
    reason: str | None = Field(default=None, sa_type=sa.Text)
    withdrawn_at: datetime | None = None
    feedback_reason: enums.CancelReason | None = Field(
        default=None, sa_type=by_value(enums.CancelReason)
    )
    feedback_comment: str | None = Field(default=None, sa_type=sa.Text)
    feedback_at: datetime | None = None
