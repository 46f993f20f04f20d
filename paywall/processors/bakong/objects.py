"""What Bakong answers, as values."""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple


class BankTransaction(NamedTuple):
    """A payment that the bank confirms, by its hash; the currency in lower case."""

    hash: str
    from_account: str
    to_account: str
    amount: Decimal
    currency: str
    at: datetime | None


class AccountAnswer(NamedTuple):
    """Whether the bank has an account, and the bank's time in its answer."""

    exists: bool
    bank_time: datetime | None
