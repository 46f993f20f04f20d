"""Enumerations shared by the database, the rules and the API."""

from enum import StrEnum
from typing import NamedTuple


class Actor(NamedTuple):
    """Who made a change: the token's `iss`, `sub` and `jti`, or the name of a command."""

    issuer: str
    subject: str
    token_id: str


class UpsertOutcome(StrEnum):
    """What an upsert did."""

    CREATED = "created"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"


class GrantSource(StrEnum):
    PURCHASE = "purchase"
    SUBSCRIPTION = "subscription"
    PROMOTION = "promotion"
    ADJUSTMENT = "adjustment"
    MIGRATION = "migration"


class EntryKind(StrEnum):
    GRANTED = "granted"
    SPENT = "spent"
    EXPIRED = "expired"
    VOIDED = "voided"
    RESTORED = "restored"


class UnlockSource(StrEnum):
    CREDITS = "credits"
    COMPLIMENTARY = "complimentary"
    MIGRATION = "migration"


class SubscriptionKind(StrEnum):
    STRIPE = "stripe"
    PASS = "pass"
    PREPAID = "prepaid"
    COMPLIMENTARY = "complimentary"


# Paid once: used one at a time, and paused while something else covers the reader.
PREPAID_KINDS = (SubscriptionKind.PASS, SubscriptionKind.PREPAID)


class ProductKind(StrEnum):
    PACK = "pack"
    PASS = "pass"
    PLAN = "plan"


class Interval(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class CreditsExpire(StrEnum):
    PERIOD_END = "period_end"
    NEVER = "never"


class ClawbackKind(StrEnum):
    """`PRORATION`: a credit for the rest of a period after a switch to another plan."""

    REFUND = "refund"
    DISPUTE = "dispute"
    PRORATION = "proration"


class CancelWhen(StrEnum):
    PERIOD_END = "period_end"
    NOW = "now"


class CancelReason(StrEnum):
    """Why a reader cancelled, as they answered afterwards."""

    TOO_EXPENSIVE = "too_expensive"
    NOT_READING_ENOUGH = "not_reading_enough"
    MISSING_CONTENT = "missing_content"
    TECHNICAL_PROBLEMS = "technical_problems"
    OTHER = "other"


class ViewerKind(StrEnum):
    READER = "reader"
    VISITOR = "visitor"


class Processor(StrEnum):
    """The processors that this service sells by itself; a site records payments by any other."""

    STRIPE = "stripe"
    BAKONG = "bakong"


class CheckoutStatus(StrEnum):
    OPEN = "open"
    PROCESSING = "processing"
    PAID = "paid"
    EXPIRED = "expired"


class CodeOutcome(StrEnum):
    """What became of a KHQR code when the bank was asked about it.

    `KNOWN`: its payment was recorded before. `UNCLEAR`: the bank did not answer clearly.
    """

    NOT_PAID = "not_paid"
    GIVEN = "given"
    UNMATCHED = "unmatched"
    KNOWN = "known"
    UNCLEAR = "unclear"


class UnmatchedReason(StrEnum):
    """Why a payment for a KHQR code was not given."""

    AMOUNT = "amount"
    CURRENCY = "currency"
    PAYEE = "payee"
    SECOND_PAYMENT = "second_payment"
    READER_ERASED = "reader_erased"


class PaymentResolution(StrEnum):
    """What became of an unmatched payment."""

    GIVEN = "given"
    RETURNED = "returned"


class IntentKind(StrEnum):
    """What Stripe is requested to do."""

    CUSTOMER = "customer"
    CHECKOUT = "checkout"
    EXPIRE = "expire"
    CANCEL = "cancel"
    CANCEL_NOW = "cancel_now"
    RESUME = "resume"
    REFUND = "refund"


class IntentState(StrEnum):
    """Requested and not yet answered, confirmed by Stripe, or known to have failed."""

    ASKED = "asked"
    CONFIRMED = "confirmed"
    FAILED = "failed"


class WithdrawalState(StrEnum):
    """Declared by the reader, and then confirmed by the processor."""

    DECLARED = "declared"
    CONFIRMED = "confirmed"


class EventOutcome(StrEnum):
    """How a Stripe event was handled."""

    RECORDED = "recorded"
    UNKNOWN_TYPE = "unknown_type"
    NOT_OURS = "not_ours"
    ERASED = "erased"


class StripeStatus(StrEnum):
    """The status of a subscription that Stripe bills (https://docs.stripe.com/api/subscriptions/object)."""

    INCOMPLETE = "incomplete"
    INCOMPLETE_EXPIRED = "incomplete_expired"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    CANCELED = "canceled"
    UNPAID = "unpaid"
    PAUSED = "paused"


# Final: a subscription in one of these states is never billed again.
STRIPE_ENDED = frozenset({StripeStatus.CANCELED, StripeStatus.INCOMPLETE_EXPIRED})
