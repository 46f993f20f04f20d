"""What was paid, and what went back."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from paywall.database.columns import (
    ID_LENGTH_MAX,
    NO_KEY_TWICE,
    WITHOUT_ROWID,
    BigKey,
    by_value,
)
from paywall.database.tables.actor import ActorColumns
from paywall.rules import enums


class Purchase(ActorColumns, table=True):
    """One payment by any processor; amounts are in the smallest unit of the currency.

    `refunded`: by refunds that are complete. `taken_back`: by refunds, disputes and proration
    credits in force, without what keeps access, never more than the whole.
    `tax_amount`: the tax in `amount_paid`, None where the processor reported none.
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
    product_kind: enums.ProductKind = Field(sa_type=by_value(enums.ProductKind))
    product_id: str = Field(max_length=ID_LENGTH_MAX)
    amount_paid: int = Field(sa_type=sa.BigInteger)
    currency: str = Field(max_length=3)
    refunded: int = Field(default=0, sa_type=sa.BigInteger)
    taken_back: int = Field(default=0, sa_type=sa.BigInteger)
    created_at: datetime
    tax_amount: int | None = Field(default=None, sa_type=sa.BigInteger)


class Withdrawal(SQLModel, table=True):
    """A reader's withdrawal from the contract of a purchase, declared at `at`.

    `amount` is what it returns, in the smallest unit of the purchase's currency. `confirmed_at` is
    None until the processor has confirmed it, and until then it counts as an attempt.
    """

    __table_args__ = (
        sa.UniqueConstraint("purchase_id"),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.Index(None, "reader_id"),
        sa.Index(None, "at", "id"),
        WITHOUT_ROWID,
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    reader_id: str = Field(max_length=ID_LENGTH_MAX)
    purchase_id: int = Field(sa_type=BigKey)
    amount: int = Field(sa_type=sa.BigInteger)
    at: datetime
    confirmed_at: datetime | None = None


class Refund(ActorColumns, table=True):
    """Money that went back for a purchase, by a refund, a dispute or a proration credit.

    `is_in_force` is False where a refund failed or a dispute was won: it takes nothing back then.
    `is_pending`: a refund whose money is on its way, or an inquiry, which is not in force. It took
    effect at `effective_at` (None: at `created_at`) and, if it is no longer in force, until
    `withdrawn_at` (None: it never took effect).
    """

    __table_args__ = (
        sa.UniqueConstraint("purchase_id", "reference"),
        sa.CheckConstraint("amount > 0", name="amount"),
        NO_KEY_TWICE,
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    purchase_id: int = Field(sa_type=BigKey)
    reference: str = Field(max_length=ID_LENGTH_MAX)
    kind: enums.ClawbackKind = Field(sa_type=by_value(enums.ClawbackKind))
    amount: int = Field(sa_type=sa.BigInteger)
    keep_access: bool = False
    is_in_force: bool = True
    created_at: datetime
    is_pending: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})
    effective_at: datetime | None = None
    withdrawn_at: datetime | None = None


class Clawback(SQLModel, table=True):
    """Credits that a grant gave up for a refund, in the order in which they were taken.

    `unlock_id` names the unlock that was revoked for them; None where they were unspent.
    """

    __tablename__ = "taking"
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
