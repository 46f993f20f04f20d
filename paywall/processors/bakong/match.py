"""Whether a payment that the bank reports is the one that a code asks for."""

from typing import NamedTuple

from paywall.http.fields import AMOUNT_MAX
from paywall.processors.bakong.objects import BankTransaction
from paywall.processors.bakong.units import from_bakong
from paywall.rules.enums import UnmatchedReason
from paywall.rules.money import currency_code


class ExpectedPayment(NamedTuple):
    """What a code asks for, and what became of it; the amount in the smallest unit of ISO 4217."""

    account: str
    amount: int
    currency: str
    is_paid: bool
    is_erased: bool


def amount_paid(transaction: BankTransaction) -> int | None:
    """In the smallest unit of ISO 4217; None for what is no amount of a currency."""
    if currency_code(transaction.currency) is None:
        return None
    amount = from_bakong(transaction.amount, transaction.currency)
    return amount if amount is not None and 0 <= amount <= AMOUNT_MAX else None


def why_unmatched(
    expected: ExpectedPayment, transaction: BankTransaction
) -> UnmatchedReason | None:
    """Why this payment must not be given; None for the first exact payment of a code."""
    if transaction.to_account.lower() != expected.account.lower():
        return UnmatchedReason.PAYEE
    if transaction.currency != expected.currency:
        return UnmatchedReason.CURRENCY
    if amount_paid(transaction) != expected.amount:
        return UnmatchedReason.AMOUNT
    if expected.is_erased:
        return UnmatchedReason.READER_ERASED
    return UnmatchedReason.SECOND_PAYMENT if expected.is_paid else None
