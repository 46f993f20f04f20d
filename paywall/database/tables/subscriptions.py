"""What opens everything for a time, and what readers were told when they cancelled."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from paywall.database.columns import (
    ID_LENGTH_MAX,
    BigKey,
    by_value,
    partial_index,
)
from paywall.rules import enums


class Subscription(SQLModel, table=True):
    """Opens everything in `[starts_at, entitled_until)`; readers are told `access_until`.

    Both follow from `paid_through`, `ended_at` (our own "now") and what was taken back alone; of
    one that Stripe bills, from what stands in `stripe_subscription` as well.
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


class CancellationReceipt(SQLModel, table=True):
    """What a reader was told when a subscription was cancelled; theirs to keep."""

    __tablename__ = "cancellation_receipt"
    __table_args__ = (sa.Index(None, "subscription_id"), sa.Index(None, "reader_id"))

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    reader_id: str = Field(max_length=ID_LENGTH_MAX)
    subscription_id: str = Field(max_length=ID_LENGTH_MAX)
    at: datetime
    when: enums.CancelWhen = Field(sa_type=by_value(enums.CancelWhen))
    access_until: datetime
    reason: str | None = Field(default=None, sa_type=sa.Text)
    withdrawn_at: datetime | None = None
