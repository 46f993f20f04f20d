"""Prepaid time as one sequence, proration credits, set cancellation dates, and quantities."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    _create_tables()
    _add_columns()
    op.execute(
        """
        insert into complimentary_period (reader_id, starts_at, ends_at)
        select reader_id, starts_at, entitled_until from subscription
        where kind = 'complimentary' and starts_at < entitled_until
        """
    )


def _create_tables() -> None:
    op.create_table(
        "complimentary_period",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reader_id", sa.String(length=200), nullable=False),
        sa.Column("sequence_id", sa.String(length=200), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("starts_at <= ends_at", name=op.f("ck_complimentary_period_starts_at")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complimentary_period")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_complimentary_period_reader_id"),
        "complimentary_period",
        ["reader_id"],
        unique=False,
    )
    op.create_table(
        "merged_sequence",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("reader_id", sa.String(length=200), nullable=False),
        sa.Column("into_id", sa.String(length=200), nullable=True),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merged_sequence")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_merged_sequence_reader_id"), "merged_sequence", ["reader_id"], unique=False
    )
    op.create_table(
        "stripe_credit",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("subscription_id", sa.String(length=200), nullable=False),
        sa.Column("credited_invoice_id", sa.String(length=200), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_credit")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_stripe_credit_credited_invoice_id"),
        "stripe_credit",
        ["credited_invoice_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_stripe_credit_subscription_id"), "stripe_credit", ["subscription_id"], unique=False
    )


def _add_columns() -> None:
    op.add_column("refund", sa.Column("effective_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("refund", sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("stripe_customer", sa.Column("sequence_id", sa.String(length=200), nullable=True))
    op.add_column(
        "stripe_invoice", sa.Column("period_starts_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "stripe_invoice", sa.Column("grants_from", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "stripe_subscription",
        sa.Column("trial_starts_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.add_column(
        "stripe_subscription", sa.Column("cancels_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "stripe_subscription",
        sa.Column("quantity", sa.Integer(), server_default="1", nullable=False),
    )
    op.add_column("subscription", sa.Column("interval", sa.String(length=20), nullable=True))
    op.add_column("subscription", sa.Column("interval_count", sa.Integer(), nullable=True))
    op.add_column("subscription", sa.Column("timezone", sa.String(length=64), nullable=True))
    op.add_column("subscription", sa.Column("sequence_id", sa.String(length=200), nullable=True))
