"""Payments by KHQR through Bakong: the codes shown to readers, and what was paid otherwise."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from paywall.database.columns import ID_LENGTH_MAX, WITHOUT_ROWID, BigKey, by_value, partial_index
from paywall.rules import enums

THE_ONE = "bakong"
MD5_DIGITS = 32


class KhqrCode(SQLModel, table=True):
    """A checkout by Bakong: a code for one payment, which the bank finds by the MD5 of its text.

    `terms` are the product's fields as it was sold, and `account` is the payee. `return_url` is
    None once the reader is erased. The bank was last asked at `asked_at` and answered at
    `answered_at`; it is asked again at `next_ask_at`, or never if that is None. The payment with
    `hash`, made at `paid_at` by the bank's clock, is the one that was given as `purchase_id`.
    """

    __tablename__ = "khqr_code"
    __table_args__ = (
        sa.UniqueConstraint("bill_number"),
        sa.UniqueConstraint("md5"),
        sa.UniqueConstraint("hash"),
        sa.CheckConstraint("(hash is null) = (purchase_id is null)", name="hash"),
        sa.Index(None, "reader_id", "created_at", "id"),
        sa.Index(None, "purchase_id"),
        partial_index(
            "ix_khqr_code_next_ask_at", "next_ask_at", "id", where="next_ask_at is not null"
        ),
        WITHOUT_ROWID,
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    reader_id: str = Field(max_length=ID_LENGTH_MAX)
    product_kind: enums.ProductKind = Field(sa_type=by_value(enums.ProductKind))
    product_id: str = Field(max_length=ID_LENGTH_MAX)
    terms: dict[str, Any] = Field(sa_type=sa.JSON)
    amount: int = Field(sa_type=sa.BigInteger)
    currency: str = Field(max_length=3)
    account: str = Field(max_length=ID_LENGTH_MAX)
    bill_number: str = Field(max_length=ID_LENGTH_MAX)
    text: str = Field(sa_type=sa.Text)
    md5: str = Field(max_length=MD5_DIGITS)
    return_url: str | None = Field(sa_type=sa.Text)
    consent_at: datetime | None = None
    deep_link: str | None = Field(default=None, sa_type=sa.Text)
    created_at: datetime
    expires_at: datetime
    asked_at: datetime | None = None
    answered_at: datetime | None = None
    next_ask_at: datetime | None = None
    paid_at: datetime | None = None
    hash: str | None = Field(default=None, max_length=ID_LENGTH_MAX)
    purchase_id: int | None = Field(default=None, sa_type=BigKey)


class UnmatchedPayment(SQLModel, table=True):
    """A payment that the bank reports for a code, and that is not the one that the code asks for.

    The site decides what becomes of it: it is given as a purchase, or its money was returned.
    `amount` is in the smallest unit of `currency`; `paid_at` is the bank's time.
    """

    __tablename__ = "unmatched_payment"
    __table_args__ = (
        sa.UniqueConstraint("hash"),
        sa.CheckConstraint("(resolution is null) = (resolved_at is null)", name="resolution"),
        sa.CheckConstraint(
            "(purchase_id is not null) = (coalesce(resolution, '') = 'given')", name="purchase_id"
        ),
        sa.Index(None, "reader_id"),
        sa.Index(None, "code_id"),
        sa.Index(None, "found_at", "id"),
        WITHOUT_ROWID,
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    code_id: str = Field(max_length=ID_LENGTH_MAX)
    reader_id: str = Field(max_length=ID_LENGTH_MAX)
    hash: str = Field(max_length=ID_LENGTH_MAX)
    from_account: str = Field(max_length=ID_LENGTH_MAX)
    to_account: str = Field(max_length=ID_LENGTH_MAX)
    amount: int = Field(sa_type=sa.BigInteger)
    currency: str = Field(max_length=3)
    reason: enums.UnmatchedReason = Field(sa_type=by_value(enums.UnmatchedReason))
    paid_at: datetime | None = None
    found_at: datetime
    resolution: enums.PaymentResolution | None = Field(
        default=None, sa_type=by_value(enums.PaymentResolution)
    )
    resolved_at: datetime | None = None
    note: str | None = Field(default=None, sa_type=sa.Text)
    purchase_id: int | None = Field(default=None, sa_type=BigKey)
    actor_issuer: str | None = None
    actor_subject: str | None = None
    actor_token_id: str | None = None


class BakongState(SQLModel, table=True):
    """One row: the process that asks the bank about all due codes, until when."""

    __tablename__ = "bakong_state"

    id: str = Field(default=THE_ONE, primary_key=True, max_length=ID_LENGTH_MAX)
    sweeper: str | None = Field(default=None, max_length=ID_LENGTH_MAX)
    sweeps_until: datetime | None = None
