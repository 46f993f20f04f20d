"""What this service knows of Stripe: whose customer is whose, what was asked and what was told."""

from datetime import datetime
from typing import Any

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
from paywall.rules import enums
from paywall.rules.enums import StripeStatus

THE_ONE = "stripe"


class StripeCustomer(SQLModel, table=True):
    """A customer in Stripe, and the reader whose it is; of a merged reader there are several.

    `version` counts what was recorded of it: what was fetched before the last of these is stale.
    `sequence_id` names the prepaid sequence of the merged reader whose customer it was.
    """

    __tablename__ = "stripe_customer"
    __table_args__ = (sa.Index(None, "reader_id", "created_at", "id"), WITHOUT_ROWID)

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    reader_id: str = Field(max_length=ID_LENGTH_MAX)
    version: int = 0
    created_at: datetime
    sequence_id: str | None = Field(default=None, max_length=ID_LENGTH_MAX)


class StripePrice(SQLModel, table=True):
    """A product of the catalogue at one price, as Stripe sells it.

    Never changed: what was sold keeps its `terms`, which are the product's own fields. A changed
    product gets a new price; `is_current` tells the one that is sold now.
    """

    __tablename__ = "stripe_price"
    __table_args__ = (sa.Index(None, "product_kind", "product_id"), WITHOUT_ROWID)

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    product_kind: enums.ProductKind = Field(sa_type=by_value(enums.ProductKind))
    product_id: str = Field(max_length=ID_LENGTH_MAX)
    amount: int = Field(sa_type=sa.BigInteger)
    currency: str = Field(max_length=3)
    terms: dict[str, Any] = Field(sa_type=sa.JSON)
    is_current: bool = True
    created_at: datetime


class Checkout(SQLModel, table=True):
    """A reader on the way to pay, on Stripe's page; `consent_at` is when they agreed to get it now.

    `session_id` and `url` are None until Stripe has told them.
    """

    __table_args__ = (
        sa.UniqueConstraint("session_id"),
        sa.Index(None, "reader_id", "created_at", "id"),
        partial_index(
            "uq_checkout_open_plan",
            "reader_id",
            where="product_kind = 'plan' and status = 'open'",
            unique=True,
        ),
        WITHOUT_ROWID,
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    reader_id: str = Field(max_length=ID_LENGTH_MAX)
    product_kind: enums.ProductKind = Field(sa_type=by_value(enums.ProductKind))
    product_id: str = Field(max_length=ID_LENGTH_MAX)
    price_id: str = Field(max_length=ID_LENGTH_MAX)
    return_url: str = Field(sa_type=sa.Text)
    consent_at: datetime | None = None
    customer_id: str | None = Field(default=None, max_length=ID_LENGTH_MAX)
    session_id: str | None = Field(default=None, max_length=ID_LENGTH_MAX)
    url: str | None = Field(default=None, sa_type=sa.Text)
    status: enums.CheckoutStatus = Field(sa_type=by_value(enums.CheckoutStatus))
    subscription_id: str | None = Field(default=None, max_length=ID_LENGTH_MAX)
    purchase_id: int | None = Field(default=None, sa_type=BigKey)
    created_at: datetime


class StripeSubscription(SQLModel, table=True):
    """How Stripe bills a subscription, beside what every subscription has; the ids are the same.

    Grace and leeway are those of the settings when it was last recorded. `cancels_at` is a date set
    in Stripe on which it ends; until then it renews. `failed_amount` is what a declined payment
    leaves to pay, at `pay_url`, and `next_attempt_at` when Stripe tries again, None after the last
    attempt; `has_new_method`: with another means of payment than the declined one. `next_amount` is
    what the next period costs with discounts, tax and credit, None where Stripe did not tell.
    """

    __tablename__ = "stripe_subscription"
    __table_args__ = (sa.Index(None, "customer_id"), WITHOUT_ROWID)

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    customer_id: str = Field(max_length=ID_LENGTH_MAX)
    price_id: str = Field(max_length=ID_LENGTH_MAX)
    status: StripeStatus = Field(sa_type=by_value(StripeStatus))
    trial_ends_at: datetime | None = None
    will_renew: bool = False
    next_payment_at: datetime | None = None
    payment_type: str | None = Field(default=None, max_length=40)
    grace_seconds: int
    leeway_seconds: int
    trial_starts_at: datetime | None = None
    cancels_at: datetime | None = None
    quantity: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    card_brand: str | None = Field(default=None, max_length=40)
    card_last4: str | None = Field(default=None, max_length=4)
    failed_amount: int | None = Field(default=None, sa_type=sa.BigInteger)
    failed_currency: str | None = Field(default=None, max_length=3)
    next_attempt_at: datetime | None = None
    pay_url: str | None = Field(default=None, sa_type=sa.Text)
    has_new_method: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})
    next_amount: int | None = Field(default=None, sa_type=sa.BigInteger)
    next_currency: str | None = Field(default=None, max_length=3)


class StripeInvoice(SQLModel, table=True):
    """A paid invoice of a subscription: what time was paid for, by which purchase.

    Its credits are for the time from `grants_from` to the period's end, which its charge for
    Stripe's subscription item `item_id` gives. The starts and the item are None in rows older than
    these columns, the item also where Stripe names none, and `grants_from` where no credits were
    granted.
    """

    __tablename__ = "stripe_invoice"
    __table_args__ = (
        sa.Index(None, "subscription_id"),
        sa.Index(None, "purchase_id"),
        WITHOUT_ROWID,
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    subscription_id: str = Field(max_length=ID_LENGTH_MAX)
    purchase_id: int = Field(sa_type=BigKey)
    period_ends_at: datetime
    period_starts_at: datetime | None = None
    grants_from: datetime | None = None
    item_id: str | None = Field(default=None, max_length=ID_LENGTH_MAX)


class StripeProration(SQLModel, table=True):
    """A proration credit: a line of a paid invoice that credits the rest of an earlier period.

    It ends the period of the credited invoice at `starts_at`, unless that was given by another
    item. `amount` is what counts as clawed back on that invoice, in the currency's smallest unit.
    `invoice_id` is the invoice with the line; it and `item_id`, the subscription item that the line
    is for, are None in rows older than these columns.
    """

    __tablename__ = "stripe_credit"
    __table_args__ = (
        sa.Index(None, "subscription_id"),
        sa.Index(None, "credited_invoice_id"),
        WITHOUT_ROWID,
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    subscription_id: str = Field(max_length=ID_LENGTH_MAX)
    credited_invoice_id: str = Field(max_length=ID_LENGTH_MAX)
    starts_at: datetime
    amount: int = Field(sa_type=sa.BigInteger)
    invoice_id: str | None = Field(default=None, max_length=ID_LENGTH_MAX)
    item_id: str | None = Field(default=None, max_length=ID_LENGTH_MAX)


class StripeEvent(SQLModel, table=True):
    """An event that was handled, by its id, and what became of it; its payload is not kept."""

    __tablename__ = "stripe_event"
    __table_args__ = (sa.Index(None, "at"), WITHOUT_ROWID)

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    type: str = Field(max_length=ID_LENGTH_MAX)
    object_id: str = Field(max_length=ID_LENGTH_MAX)
    outcome: enums.EventOutcome = Field(sa_type=by_value(enums.EventOutcome))
    at: datetime


class StripeIntent(SQLModel, table=True):
    """Something that Stripe is asked to do: committed before it is asked.

    `key` is Stripe's idempotency key, which its retries alone reuse. Of one kind and target there
    is one under way at most; whoever asks has it until `asked_until`.
    """

    __tablename__ = "stripe_intent"
    __table_args__ = (
        partial_index(
            "uq_stripe_intent_asked", "kind", "target", where="state = 'asked'", unique=True
        ),
        sa.Index(None, "target"),
        sa.Index(None, "created_at"),
        NO_KEY_TWICE,
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    key: str = Field(max_length=ID_LENGTH_MAX)
    kind: enums.IntentKind = Field(sa_type=by_value(enums.IntentKind))
    target: str = Field(max_length=ID_LENGTH_MAX)
    state: enums.IntentState = Field(sa_type=by_value(enums.IntentState))
    asked_until: datetime
    created_at: datetime


class ErasedStripeId(SQLModel, table=True):
    """A keyed hash of an id in Stripe whose reader was erased: late events of it are ignored."""

    __tablename__ = "erased_stripe_id"
    __table_args__ = (WITHOUT_ROWID,)

    sha256: str = Field(primary_key=True, max_length=64)


class StripeState(SQLModel, table=True):
    """One row: up to when reconcile has read events, and the key of the hashes above.

    Whoever reconciles has it until `busy_until`.
    """

    __tablename__ = "stripe_state"

    id: str = Field(default=THE_ONE, primary_key=True, max_length=ID_LENGTH_MAX)
    hash_key: str = Field(max_length=64)
    events_read_until: datetime | None = None
    busy_until: datetime | None = None
