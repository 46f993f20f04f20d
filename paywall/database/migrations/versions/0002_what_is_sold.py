"""The catalogue, subscriptions, purchases and what is taken back of them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _cancellation_receipt()
    _merge()
    _pack()
    _pass()
    _plan()
    _purchase()
    _refund()
    _subscription()
    _taking()


def _cancellation_receipt() -> None:
    op.create_table(
        "cancellation_receipt",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("reader_id", sa.String(length=200), nullable=False),
        sa.Column("subscription_id", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("when", sa.String(length=20), nullable=False),
        sa.Column("access_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cancellation_receipt")),
    )
    op.create_index(
        op.f("ix_cancellation_receipt_reader_id"),
        "cancellation_receipt",
        ["reader_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_cancellation_receipt_subscription_id"),
        "cancellation_receipt",
        ["subscription_id"],
        unique=False,
    )


def _merge() -> None:
    op.create_table(
        "merge",
        sa.Column("from_id", sa.String(length=200), nullable=False),
        sa.Column("into_id", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("from_id", "into_id", name=op.f("pk_merge")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_merge_into_id"), "merge", ["into_id"], unique=False)


def _pack() -> None:
    op.create_table(
        "pack",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("prices", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("credits", sa.Integer(), nullable=False),
        sa.Column("expires_after_days", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pack")),
        sqlite_with_rowid=False,
    )


def _pass() -> None:
    op.create_table(
        "pass",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("prices", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pass")),
        sqlite_with_rowid=False,
    )


def _plan() -> None:
    op.create_table(
        "plan",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("prices", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("interval", sa.String(length=20), nullable=False),
        sa.Column("interval_count", sa.Integer(), nullable=False),
        sa.Column("credits", sa.Integer(), nullable=False),
        sa.Column("credits_expire", sa.String(length=20), nullable=False),
        sa.Column("trial_days", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan")),
        sqlite_with_rowid=False,
    )


def _purchase() -> None:
    op.create_table(
        "purchase",
        sa.Column("actor_issuer", sa.String(), nullable=False),
        sa.Column("actor_subject", sa.String(), nullable=False),
        sa.Column("actor_token_id", sa.String(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reader_id", sa.String(length=200), nullable=False),
        sa.Column("processor", sa.String(length=40), nullable=False),
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column("product_kind", sa.String(length=20), nullable=False),
        sa.Column("product_id", sa.String(length=200), nullable=False),
        sa.Column("amount_paid", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.Column("taken_back", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_paid >= 0", name=op.f("ck_purchase_amount_paid")),
        sa.CheckConstraint(
            "taken_back >= 0 and taken_back <= amount_paid", name=op.f("ck_purchase_taken_back")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase")),
        sa.UniqueConstraint("processor", "reference", name=op.f("uq_purchase_processor_reference")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_purchase_created_at_id"), "purchase", ["created_at", "id"], unique=False
    )
    op.create_index(
        op.f("ix_purchase_reader_id_created_at_id"),
        "purchase",
        ["reader_id", "created_at", "id"],
        unique=False,
    )


def _refund() -> None:
    op.create_table(
        "refund",
        sa.Column("actor_issuer", sa.String(), nullable=False),
        sa.Column("actor_subject", sa.String(), nullable=False),
        sa.Column("actor_token_id", sa.String(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "purchase_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("keep_access", sa.Boolean(), nullable=False),
        sa.Column("is_in_force", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_refund_amount")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund")),
        sa.UniqueConstraint(
            "purchase_id", "reference", name=op.f("uq_refund_purchase_id_reference")
        ),
        sqlite_autoincrement=True,
    )


def _subscription() -> None:
    op.create_table(
        "subscription",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("reader_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("plan_id", sa.String(length=200), nullable=True),
        sa.Column("pass_id", sa.String(length=200), nullable=True),
        sa.Column(
            "purchase_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_through", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_taken_back", sa.Boolean(), nullable=False),
        sa.Column("entitled_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("access_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancel_at_period_end", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription")),
    )
    op.create_index(
        "ix_subscription_purchase_id",
        "subscription",
        ["purchase_id"],
        unique=False,
        postgresql_where=sa.text("purchase_id is not null"),
        sqlite_where=sa.text("purchase_id is not null"),
    )
    op.create_index(
        op.f("ix_subscription_reader_id_entitled_until_starts_at_access_until"),
        "subscription",
        ["reader_id", "entitled_until", "starts_at", "access_until"],
        unique=False,
    )
    op.create_index(
        "uq_subscription_complimentary",
        "subscription",
        ["reader_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'complimentary'"),
        sqlite_where=sa.text("kind = 'complimentary'"),
    )


def _taking() -> None:
    op.create_table(
        "taking",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reader_id", sa.String(length=200), nullable=False),
        sa.Column("grant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("unlock_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("credits", sa.Integer(), nullable=False),
        sa.CheckConstraint("credits > 0", name=op.f("ck_taking_credits")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_taking")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_taking_grant_id_id"), "taking", ["grant_id", "id"], unique=False)
    op.create_index(op.f("ix_taking_reader_id"), "taking", ["reader_id"], unique=False)
