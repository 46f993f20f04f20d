"""The first schema."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "article",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column("policy", sa.String(length=20), nullable=False),
        sa.Column("unlock_cost", sa.Integer(), nullable=False),
        sa.Column(
            "tags", postgresql.ARRAY(sa.Text()).with_variant(sa.JSON(), "sqlite"), nullable=False
        ),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("preview_paragraphs", sa.Integer(), nullable=True),
        sa.Column("preview_html", sa.Text(), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_article_created_at_id"), "article", ["created_at", "id"], unique=False)
    op.create_table(
        "article_body",
        sa.Column("article_id", sa.String(length=200), nullable=False),
        sa.Column("body_html", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("article_id", name=op.f("pk_article_body")),
    )
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
    op.create_table(
        "credit_grant",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reader_id", sa.String(length=200), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("remaining", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "purchase_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_credit_grant_amount")),
        sa.CheckConstraint(
            "remaining >= 0 and remaining <= amount", name=op.f("ck_credit_grant_remaining")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_grant")),
        sa.UniqueConstraint("source", "reference", name=op.f("uq_credit_grant_source_reference")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_credit_grant_lapsing",
        "credit_grant",
        ["expires_at", "id"],
        unique=False,
        postgresql_where=sa.text("remaining > 0 and expires_at is not null"),
        sqlite_where=sa.text("remaining > 0 and expires_at is not null"),
    )
    op.create_index(
        "ix_credit_grant_purchase_id",
        "credit_grant",
        ["purchase_id"],
        unique=False,
        postgresql_where=sa.text("purchase_id is not null"),
        sqlite_where=sa.text("purchase_id is not null"),
    )
    op.create_index(
        op.f("ix_credit_grant_reader_id_id"), "credit_grant", ["reader_id", "id"], unique=False
    )
    op.create_index(
        "ix_credit_grant_spendable",
        "credit_grant",
        ["reader_id", "expires_at", "remaining"],
        unique=False,
        postgresql_where=sa.text("remaining > 0"),
        sqlite_where=sa.text("remaining > 0"),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("caller_issuer", sa.String(), nullable=False),
        sa.Column("caller_subject", sa.String(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("reader_id", sa.String(length=200), nullable=True),
        sa.Column("request_sha256", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "caller_issuer", "caller_subject", "route", "key", name=op.f("pk_idempotency_key")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_idempotency_key_created_at"), "idempotency_key", ["created_at"], unique=False
    )
    op.create_index(
        op.f("ix_idempotency_key_reader_id"), "idempotency_key", ["reader_id"], unique=False
    )
    op.create_table(
        "ledger_entry",
        sa.Column("actor_issuer", sa.String(), nullable=False),
        sa.Column("actor_subject", sa.String(), nullable=False),
        sa.Column("actor_token_id", sa.String(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reader_id", sa.String(length=200), nullable=False),
        sa.Column("grant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("unlock_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_ledger_entry_amount")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entry")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_ledger_entry_grant_id_id"), "ledger_entry", ["grant_id", "id"], unique=False
    )
    op.create_index(
        op.f("ix_ledger_entry_reader_id_id"), "ledger_entry", ["reader_id", "id"], unique=False
    )
    op.create_table(
        "merge",
        sa.Column("from_id", sa.String(length=200), nullable=False),
        sa.Column("into_id", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("from_id", "into_id", name=op.f("pk_merge")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_merge_into_id"), "merge", ["into_id"], unique=False)
    op.create_table(
        "metered_views",
        sa.Column("viewer_kind", sa.String(length=20), nullable=False),
        sa.Column("viewer_id", sa.String(length=200), nullable=False),
        sa.Column("month_starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("month_ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "article_ids",
            postgresql.ARRAY(sa.Text()).with_variant(sa.JSON(), "sqlite"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint(
            "viewer_kind", "viewer_id", "month_starts_at", name=op.f("pk_metered_views")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_metered_views_month_ends_at"), "metered_views", ["month_ends_at"], unique=False
    )
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
    op.create_table(
        "policy_change",
        sa.Column("actor_issuer", sa.String(), nullable=False),
        sa.Column("actor_subject", sa.String(), nullable=False),
        sa.Column("actor_token_id", sa.String(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("article_id", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("policy", sa.String(length=20), nullable=True),
        sa.Column("unlock_cost", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_change")),
    )
    op.create_index(
        op.f("ix_policy_change_article_id"), "policy_change", ["article_id"], unique=False
    )
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
    op.create_table(
        "revoked_subject",
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("issued_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("forget_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_revoked_subject")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_revoked_subject_forget_at"), "revoked_subject", ["forget_at"], unique=False
    )
    op.create_table(
        "revoked_token",
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("token_id", sa.String(), nullable=False),
        sa.Column("forget_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "token_id", name=op.f("pk_revoked_token")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_revoked_token_forget_at"), "revoked_token", ["forget_at"], unique=False
    )
    op.create_table(
        "subscriber",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriber")),
        sqlite_with_rowid=False,
    )
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
    op.create_table(
        "unlock",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reader_id", sa.String(length=200), nullable=False),
        sa.Column("article_id", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("unlocked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("credits_returned", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unlock")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_unlock_reader_id_unlocked_at_id"),
        "unlock",
        ["reader_id", "unlocked_at", "id"],
        unique=False,
    )
    op.create_index(
        "uq_unlock_in_force",
        "unlock",
        ["reader_id", "article_id"],
        unique=True,
        postgresql_where=sa.text("revoked_at is null"),
        sqlite_where=sa.text("revoked_at is null"),
    )
    op.create_table(
        "unlock_payment",
        sa.Column(
            "unlock_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("grant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reader_id", sa.String(length=200), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_unlock_payment_amount")),
        sa.PrimaryKeyConstraint("unlock_id", "grant_id", name=op.f("pk_unlock_payment")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_unlock_payment_grant_id_unlock_id"),
        "unlock_payment",
        ["grant_id", "unlock_id"],
        unique=False,
    )
