"""Articles, credits, unlocks, the meter, keys and revocations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    _article()
    _article_body()
    _credit_grant()
    _idempotency_key()
    _ledger_entry()
    _metered_views()
    _policy_change()
    _revoked_subject()
    _revoked_token()
    _subscriber()
    _unlock()
    _unlock_payment()


def _article() -> None:
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


def _article_body() -> None:
    op.create_table(
        "article_body",
        sa.Column("article_id", sa.String(length=200), nullable=False),
        sa.Column("body_html", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("article_id", name=op.f("pk_article_body")),
    )


def _credit_grant() -> None:
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


def _idempotency_key() -> None:
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


def _ledger_entry() -> None:
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


def _metered_views() -> None:
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


def _policy_change() -> None:
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


def _revoked_subject() -> None:
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


def _revoked_token() -> None:
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


def _subscriber() -> None:
    op.create_table(
        "subscriber",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriber")),
        sqlite_with_rowid=False,
    )


def _unlock() -> None:
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


def _unlock_payment() -> None:
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
