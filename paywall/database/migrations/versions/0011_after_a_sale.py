"""What follows a sale: its tax, withdrawals, and why readers cancelled."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("purchase", sa.Column("tax_amount", sa.BigInteger(), nullable=True))
    op.create_table(
        "withdrawal",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("reader_id", sa.String(length=200), nullable=False),
        sa.Column(
            "purchase_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_withdrawal_amount")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawal")),
        sa.UniqueConstraint("purchase_id", name=op.f("uq_withdrawal_purchase_id")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_withdrawal_reader_id"), "withdrawal", ["reader_id"])
    op.create_index(op.f("ix_withdrawal_at_id"), "withdrawal", ["at", "id"])
    _feedback()


def _feedback() -> None:
    for name, type_ in (
        ("feedback_reason", sa.String(length=20)),
        ("feedback_comment", sa.Text()),
        ("feedback_at", sa.DateTime(timezone=True)),
    ):
        op.add_column("cancellation_receipt", sa.Column(name, type_, nullable=True))
    op.create_index(op.f("ix_cancellation_receipt_at_id"), "cancellation_receipt", ["at", "id"])
    has_comment = sa.text("feedback_comment is not null")
    op.create_index(
        "ix_cancellation_receipt_feedback_at_id",
        "cancellation_receipt",
        ["feedback_at", "id"],
        postgresql_where=has_comment,
        sqlite_where=has_comment,
    )
