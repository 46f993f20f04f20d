"""Payments by KHQR: the codes, payments that match none, and who asks the bank."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    _codes()
    _unmatched_payments()
    op.create_table(
        "bakong_state",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("sweeper", sa.String(length=200), nullable=True),
        sa.Column("sweeps_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bakong_state")),
    )


def _codes() -> None:
    op.create_table(
        "khqr_code",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("reader_id", sa.String(length=200), nullable=False),
        sa.Column("product_kind", sa.String(length=20), nullable=False),
        sa.Column("product_id", sa.String(length=200), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("account", sa.String(length=200), nullable=False),
        sa.Column("bill_number", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("md5", sa.String(length=32), nullable=False),
        sa.Column("return_url", sa.Text(), nullable=True),
        sa.Column("consent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deep_link", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_ask_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hash", sa.String(length=200), nullable=True),
        sa.Column(
            "purchase_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.CheckConstraint(
            "(hash is null) = (purchase_id is null)", name=op.f("ck_khqr_code_hash")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_khqr_code")),
        sa.UniqueConstraint("bill_number", name=op.f("uq_khqr_code_bill_number")),
        sa.UniqueConstraint("hash", name=op.f("uq_khqr_code_hash")),
        sa.UniqueConstraint("md5", name=op.f("uq_khqr_code_md5")),
        sqlite_with_rowid=False,
    )
    is_asked = sa.text("next_ask_at is not null")
    op.create_index(
        "ix_khqr_code_next_ask_at",
        "khqr_code",
        ["next_ask_at", "id"],
        postgresql_where=is_asked,
        sqlite_where=is_asked,
    )
    op.create_index(op.f("ix_khqr_code_purchase_id"), "khqr_code", ["purchase_id"])
    op.create_index(
        op.f("ix_khqr_code_reader_id_created_at_id"), "khqr_code", ["reader_id", "created_at", "id"]
    )


def _unmatched_payments() -> None:
    op.create_table(
        "unmatched_payment",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("code_id", sa.String(length=200), nullable=False),
        sa.Column("reader_id", sa.String(length=200), nullable=False),
        sa.Column("hash", sa.String(length=200), nullable=False),
        sa.Column("from_account", sa.String(length=200), nullable=False),
        sa.Column("to_account", sa.String(length=200), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolution", sa.String(length=20), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column(
            "purchase_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("actor_issuer", sa.String(), nullable=True),
        sa.Column("actor_subject", sa.String(), nullable=True),
        sa.Column("actor_token_id", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(purchase_id is not null) = (coalesce(resolution, '') = 'given')",
            name=op.f("ck_unmatched_payment_purchase_id"),
        ),
        sa.CheckConstraint(
            "(resolution is null) = (resolved_at is null)",
            name=op.f("ck_unmatched_payment_resolution"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unmatched_payment")),
        sa.UniqueConstraint("hash", name=op.f("uq_unmatched_payment_hash")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_unmatched_payment_code_id"), "unmatched_payment", ["code_id"])
    op.create_index(
        op.f("ix_unmatched_payment_found_at_id"), "unmatched_payment", ["found_at", "id"]
    )
    op.create_index(op.f("ix_unmatched_payment_reader_id"), "unmatched_payment", ["reader_id"])
