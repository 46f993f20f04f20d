"""Credit grants, their ledger, and the unlocks that they paid for."""

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
from paywall.database.tables.actor import ActorColumns
from paywall.rules import enums


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
    source: enums.GrantSource = Field(sa_type=by_value(enums.GrantSource))
    reference: str = Field(max_length=ID_LENGTH_MAX)
    priority: int = 100
    granted_at: datetime
    expires_at: datetime | None = None
    voided_at: datetime | None = None
    purchase_id: int | None = Field(default=None, sa_type=BigKey)


class LedgerEntry(ActorColumns, table=True):
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
    kind: enums.EntryKind = Field(sa_type=by_value(enums.EntryKind))
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
    source: enums.UnlockSource = Field(sa_type=by_value(enums.UnlockSource))
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
