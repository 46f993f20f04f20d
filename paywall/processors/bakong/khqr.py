"""The text of a KHQR code: what a reader's bank app scans.

A code is a list of fields of tag, length and value, with a checksum at its end, as EMVCo's "QR Code
Specification for Payment Systems, Merchant-Presented Mode" (version 1.1) defines it. Tags, limits
and formats are those of the National Bank of Cambodia: "KHQR Content Guideline" (version 1.4) and
"KHQR SDK Documentation" (version 2.7).

EMVCo counts the length of a value in characters, and so does the bank (SDK Documentation: eight
characters of Khmer have the length 08); the checksum is of the bytes in UTF-8. Here every value is
printable ASCII, to which EMVCo's format "ans" limits name, city, account and bill number, so that
characters and bytes are the same.
"""

import re
from binascii import crc_hqx
from datetime import datetime
from hashlib import md5
from typing import NamedTuple

from paywall.processors.bakong.units import to_bakong

CURRENCY_NUMBERS = {"khr": "116", "usd": "840"}
# SDK Documentation, "Request Parameter".
ACCOUNT_CHARS_MAX = 32
NAME_CHARS_MAX = 25
CITY_CHARS_MAX = 15
MERCHANT_ID_CHARS_MAX = 32
BANK_CHARS_MAX = 32
BILL_NUMBER_CHARS_MAX = 25
# EMVCo: every value has at most 99 characters, also one that consists of fields.
VALUE_CHARS_MAX = 99
# The category of every code in the guideline: miscellaneous and speciality retail outlets.
CATEGORY = "5999"
PRINTABLE = re.compile(r"[\x20-\x7e]+")


class Merchant(NamedTuple):
    """Who is paid: a Bakong account, and for a company its number at the acquiring bank."""

    account: str
    name: str
    city: str
    merchant_id: str | None
    acquiring_bank: str | None


class CodeTerms(NamedTuple):
    """What a code asks for: an amount in the smallest unit of ISO 4217, in `khr` or `usd`."""

    amount: int
    currency: str
    bill_number: str
    created_at: datetime
    expires_at: datetime


def build_code(merchant: Merchant, terms: CodeTerms) -> str:
    """A dynamic code, which can be paid once; for an amount that `why_not_charged` accepts.

    Raises ValueError for a value that does not fit. Settings are checked at the start.
    """
    fields = "".join(
        (
            _field("00", "01"),  # version of the payload format
            _field("01", "12"),  # dynamic: with an amount, for one payment
            _account(merchant),
            _field("52", CATEGORY),
            _field("53", CURRENCY_NUMBERS[terms.currency]),
            _field("54", _amount(terms)),
            _field("58", "KH"),
            _text("59", merchant.name, NAME_CHARS_MAX),
            _text("60", merchant.city, CITY_CHARS_MAX),
            _field("62", _text("01", terms.bill_number, BILL_NUMBER_CHARS_MAX)),
            _field("99", _times(terms)),
        )
    )
    # The checksum covers its own tag and length (EMVCo §4.7.3.1).
    covered = f"{fields}6304"
    return f"{covered}{checksum(covered)}"


def checksum(text: str) -> str:
    """CRC-16 with the polynomial 1021 and the start FFFF (ISO/IEC 13239), in four hex digits."""
    return f"{crc_hqx(text.encode(), 0xFFFF):04X}"


def md5_of(text: str) -> str:
    """The name by which the bank finds the payment of a code ("Bakong Open API" §5.2)."""
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def _account(merchant: Merchant) -> str:
    """Tag 29 names a person or solo merchant, tag 30 a company (Content Guideline, questions 4, 5).

    Tag 30 has to have the merchant's number and the acquiring bank.
    """
    account = _text("00", merchant.account, ACCOUNT_CHARS_MAX)
    if merchant.merchant_id is None or merchant.acquiring_bank is None:
        return _field("29", account)
    number = _text("01", merchant.merchant_id, MERCHANT_ID_CHARS_MAX)
    bank = _text("02", merchant.acquiring_bank, BANK_CHARS_MAX)
    return _field("30", account + number + bank)


def _amount(terms: CodeTerms) -> str:
    """Riel are whole. Dollars have two decimals or none, as the bank's own SDK writes them.

    EMVCo, Transaction Amount (ID "54"): digits with at most one "." as the decimal mark.
    """
    amount = to_bakong(terms.amount, terms.currency)
    is_whole = amount == amount.to_integral_value()
    return f"{amount:.0f}" if is_whole else f"{amount:.2f}"


def _times(terms: CodeTerms) -> str:
    """When the code was made and when it ends, in milliseconds since 1970."""
    return _milliseconds("00", terms.created_at) + _milliseconds("01", terms.expires_at)


def _milliseconds(tag: str, at: datetime) -> str:
    return _field(tag, f"{at.timestamp() * 1000:.0f}")


def _text(tag: str, value: str, chars_max: int) -> str:
    if not PRINTABLE.fullmatch(value) or len(value) > chars_max:
        raise ValueError(f"tag {tag}: {value!r} is not 1 to {chars_max} printable ASCII characters")
    return _field(tag, value)


def _field(tag: str, value: str) -> str:
    if len(value) > VALUE_CHARS_MAX:
        raise ValueError(f"tag {tag}: more than {VALUE_CHARS_MAX} characters")
    return f"{tag}{len(value):02}{value}"
