"""The stand-in's bank: the codes that telephones were shown, and what was paid for them."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from hashlib import md5
from pathlib import Path

import msgspec

from paywall.sandbox.bakong.faults import BankFaults
from paywall.sandbox.bakong.khqr_reader import ShownCode, read_code
from paywall.sandbox.bakong.tokens import end_of_token, make_token

TOKEN_LASTS = timedelta(days=90)
SHOWN_MAX = 100
RIEL_PER_DOLLAR = 4000
REGISTERED_EMAIL = "desk@riverpost.example"
PAYER, STRANGER = "reader@standin", "stranger@standin"


class PaymentWay(StrEnum):
    """A way to pay, with its label on the telephone."""

    EXACT = "Pay"
    HALF = "Pay half of it"
    DOUBLE = "Pay twice as much"
    OTHER_CURRENCY = "Pay in the other currency"
    OTHER_PAYEE = "Pay somebody else"
    SAME_HASH = "Pay, and the bank names the payment before it again"


class BankPayment(msgspec.Struct, frozen=True):
    """A payment; its amount as people write it."""

    hash: str
    from_account: str
    to_account: str
    currency: str
    amount: Decimal
    paid_at: datetime


class BankState(msgspec.Struct):
    """What is kept in the file: texts of codes and when they were shown, and payments by MD5."""

    shown: dict[str, datetime] = {}
    payments: dict[str, list[BankPayment]] = {}
    last_hash: str = ""


class StandInBank:
    """One bank with its clock and, where its state is kept, its file."""

    def __init__(
        self, now: Callable[[], datetime], address: str = "http://bank", file: Path | None = None
    ) -> None:
        self.now = now
        self.address = address
        self.faults = BankFaults()
        self._file = file
        self.state = BankState()
        if file is not None and file.exists():
            self.state = msgspec.json.decode(file.read_bytes(), type=BankState)

    def issue_token(self, lasts: timedelta = TOKEN_LASTS) -> str:
        return make_token(self.now() + lasts, secrets.token_hex(8))

    def accepts(self, token: str) -> bool:
        ends_at = end_of_token(token)
        return ends_at is not None and self.now() < ends_at

    def show(self, text: str) -> ShownCode:
        """Let a telephone see a code. Raises UnreadableCode."""
        code = read_code(text)
        if text not in self.state.shown:
            self.state.shown[text] = self.now()
            while len(self.state.shown) > SHOWN_MAX:
                self.state.shown.pop(next(iter(self.state.shown)))
            self._save()
        return code

    def payments_of(self, text: str) -> list[BankPayment]:
        return self.state.payments.get(_md5_of(text), [])

    def last_payment(self, code_md5: str) -> BankPayment | None:
        """What the API reports of a code that was paid several times: the last payment."""
        payments = self.state.payments.get(code_md5)
        return payments[-1] if payments else None

    def pay(self, text: str, way: PaymentWay = PaymentWay.EXACT) -> BankPayment:
        """Pay a code in this way, also one that was paid or has ended. Raises UnreadableCode."""
        code = self.show(text)
        currency, amount = _paid(code, way)
        repeats = way is PaymentWay.SAME_HASH and self.state.last_hash
        payment = BankPayment(
            hash=self.state.last_hash if repeats else secrets.token_hex(32),
            from_account=PAYER,
            to_account=STRANGER if way is PaymentWay.OTHER_PAYEE else code.account,
            currency=currency,
            amount=amount,
            paid_at=self.now(),
        )
        self.state.last_hash = payment.hash
        self.state.payments.setdefault(_md5_of(text), []).append(payment)
        self._save()
        return payment

    def _save(self) -> None:
        if self._file is not None:
            unfinished = self._file.with_suffix(".new")
            unfinished.write_bytes(msgspec.json.encode(self.state))
            unfinished.replace(self._file)


def _paid(code: ShownCode, way: PaymentWay) -> tuple[str, Decimal]:
    match way:
        case PaymentWay.HALF:
            return code.currency, code.amount / 2
        case PaymentWay.DOUBLE:
            return code.currency, code.amount * 2
        case PaymentWay.OTHER_CURRENCY if code.currency == "khr":
            return "usd", round(code.amount / RIEL_PER_DOLLAR, 2)
        case PaymentWay.OTHER_CURRENCY:
            return "khr", code.amount * RIEL_PER_DOLLAR
        case _:
            return code.currency, code.amount


def _md5_of(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()
