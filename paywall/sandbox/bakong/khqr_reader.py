"""Reads the text of a KHQR code, as a bank's app does."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from paywall.processors.bakong.khqr import CURRENCY_NUMBERS, checksum

CURRENCIES = {number: currency for currency, number in CURRENCY_NUMBERS.items()}
CODE_CHARS_MAX = 512
UNREADABLE = "This is not a KHQR code that asks for an amount."


class UnreadableCode(Exception):  # noqa: N818 (a reason to show)
    """The text is no KHQR code that can be paid here."""


class ShownCode(NamedTuple):
    """What a code asks for; the amount as people write it."""

    account: str
    name: str
    city: str
    amount: Decimal
    currency: str
    bill_number: str
    expires_at: datetime


def read_code(text: str) -> ShownCode:
    """Raises UnreadableCode."""
    if len(text) > CODE_CHARS_MAX or checksum(text[:-4]) != text[-4:]:
        raise UnreadableCode(UNREADABLE)
    try:
        fields = dict(_fields(text))
        merchant = dict(_fields(fields["29"] if "29" in fields else fields["30"]))
        times = dict(_fields(fields["99"]))
        return ShownCode(
            account=merchant["00"],
            name=fields["59"],
            city=fields["60"],
            amount=Decimal(fields["54"]),
            currency=CURRENCIES[fields["53"]],
            bill_number=dict(_fields(fields["62"]))["01"],
            expires_at=datetime.fromtimestamp(int(times["01"]) / 1000, UTC),
        )
    except (KeyError, ValueError, InvalidOperation, OverflowError) as error:
        raise UnreadableCode(UNREADABLE) from error


def _fields(text: str) -> Iterator[tuple[str, str]]:
    while text:
        end = 4 + int(text[2:4])
        yield text[:2], text[4:end]
        text = text[end:]
