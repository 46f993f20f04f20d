"""What this service knows of Stripe."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    _checkout()
    _erased_stripe_id()
    _stripe_customer()
    _stripe_event()
    _stripe_intent()
    _stripe_invoice()
    _stripe_price()
    _stripe_state()
    _stripe_subscription()


def _checkout() -> None:
    op.create_table(
        "checkout",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("reader_id", sa.String(length=200), nullable=False),
        sa.Column("product_kind", sa.String(length=20), nullable=False),
        sa.Column("product_id", sa.String(length=200), nullable=False),
        sa.Column("price_id", sa.String(length=200), nullable=False),
        sa.Column("return_url", sa.Text(), nullable=False),
        sa.Column("consent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("customer_id", sa.String(length=200), nullable=True),
        sa.Column("session_id", sa.String(length=200), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("subscription_id", sa.String(length=200), nullable=True),
        sa.Column(
            "purchase_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkout")),
        sa.UniqueConstraint("session_id", name=op.f("uq_checkout_session_id")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_checkout_reader_id_created_at_id"),
        "checkout",
        ["reader_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "uq_checkout_open_plan",
        "checkout",
        ["reader_id"],
        unique=True,
        postgresql_where=sa.text("product_kind = 'plan' and status = 'open'"),
        sqlite_where=sa.text("product_kind = 'plan' and status = 'open'"),
    )


def _erased_stripe_id() -> None:
    op.create_table(
        "erased_stripe_id",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_erased_stripe_id")),
        sqlite_with_rowid=False,
    )


def _stripe_customer() -> None:
    op.create_table(
        "stripe_customer",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("reader_id", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_customer")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_stripe_customer_reader_id_created_at_id"),
        "stripe_customer",
        ["reader_id", "created_at", "id"],
        unique=False,
    )


def _stripe_event() -> None:
    op.create_table(
        "stripe_event",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("type", sa.String(length=200), nullable=False),
        sa.Column("object_id", sa.String(length=200), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_event")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_stripe_event_at"), "stripe_event", ["at"], unique=False)


def _stripe_intent() -> None:
    op.create_table(
        "stripe_intent",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("target", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("asked_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_intent")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_stripe_intent_created_at"), "stripe_intent", ["created_at"], unique=False
    )
    op.create_index(op.f("ix_stripe_intent_target"), "stripe_intent", ["target"], unique=False)
    op.create_index(
        "uq_stripe_intent_asked",
        "stripe_intent",
        ["kind", "target"],
        unique=True,
        postgresql_where=sa.text("state = 'asked'"),
        sqlite_where=sa.text("state = 'asked'"),
    )


def _stripe_invoice() -> None:
    op.create_table(
        "stripe_invoice",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("subscription_id", sa.String(length=200), nullable=False),
        sa.Column(
            "purchase_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("period_ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_invoice")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_stripe_invoice_purchase_id"), "stripe_invoice", ["purchase_id"], unique=False
    )
    op.create_index(
        op.f("ix_stripe_invoice_subscription_id"),
        "stripe_invoice",
        ["subscription_id"],
        unique=False,
    )


def _stripe_price() -> None:
    op.create_table(
        "stripe_price",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("product_kind", sa.String(length=20), nullable=False),
        sa.Column("product_id", sa.String(length=200), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_price")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_stripe_price_product_kind_product_id"),
        "stripe_price",
        ["product_kind", "product_id"],
        unique=False,
    )


def _stripe_state() -> None:
    op.create_table(
        "stripe_state",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("hash_key", sa.String(length=64), nullable=False),
        sa.Column("events_read_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("busy_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_state")),
    )


def _stripe_subscription() -> None:
    op.create_table(
        "stripe_subscription",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("price_id", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("trial_ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("will_renew", sa.Boolean(), nullable=False),
        sa.Column("next_payment_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("payment_type", sa.String(length=40), nullable=True),
        sa.Column("grace_seconds", sa.Integer(), nullable=False),
        sa.Column("leeway_seconds", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_subscription")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_stripe_subscription_customer_id"),
        "stripe_subscription",
        ["customer_id"],
        unique=False,
    )
