"""What is wrong with the settings of Bakong: a sentence with the remedy, or None.

The limits are those of KHQR codes (processors/bakong/khqr.py). No message has the token.
"""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from paywall.settings import Settings

# The tokens of the sandbox's stand-in begin so; the bank's are JWTs.
STAND_IN_TOKEN = "standin-"  # noqa: S105 (no token)
JWT = re.compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
ACCOUNT = re.compile(r"[!-?A-~]+@[!-?A-~]+")
PRINTABLE = re.compile(r"[\x20-\x7e]*")
# Together with tag and length, four characters each, in a value of 99 characters (EMVCo).
COMPANY_CHARS_MAX = 99 - 3 * 4
NEEDED = ("bakong_merchant_name", "bakong_merchant_city", "bakong_token")
IN_CODES = (
    "bakong_merchant_name",
    "bakong_merchant_city",
    "bakong_merchant_id",
    "bakong_acquiring_bank",
)


def bakong_faults(settings: Settings) -> Iterator[str]:
    """Everything that would make a code or a question to the bank impossible."""
    if settings.sells_by_bakong:
        yield from _missing(settings)
        yield from _code_faults(settings)
    elif settings.bakong_token:
        yield "bakong_token is set without bakong_account. Set both, or neither."
    yield from _address_faults(settings)


def _missing(settings: Settings) -> Iterator[str]:
    for name in NEEDED:
        if not getattr(settings, name):
            yield f"bakong_account is set without {name}. Set it, or remove bakong_account."
    if bool(settings.bakong_merchant_id) != bool(settings.bakong_acquiring_bank):
        yield "bakong_merchant_id and bakong_acquiring_bank: set both, for a company, or neither."


def _code_faults(settings: Settings) -> Iterator[str]:
    if not ACCOUNT.fullmatch(settings.bakong_account):
        yield (
            f"bakong_account: {settings.bakong_account!r} is not a Bakong account. Write it as the"
            " bank's app shows it, such as river_post@bank."
        )
    for name in IN_CODES:
        value = getattr(settings, name)
        if not PRINTABLE.fullmatch(value) or value != value.strip():
            yield (
                f"{name}: {value!r} cannot stand in a KHQR code. Write it in Latin letters without"
                " accents, digits and punctuation, and without spaces at its ends."
            )
    company = settings.bakong_account + settings.bakong_merchant_id + settings.bakong_acquiring_bank
    if settings.bakong_merchant_id and len(company) > COMPANY_CHARS_MAX:
        yield (
            "bakong_account, bakong_merchant_id and bakong_acquiring_bank have together"
            f" {len(company)} characters. A KHQR code holds {COMPANY_CHARS_MAX}: shorten the bank."
        )


def _address_faults(settings: Settings) -> Iterator[str]:
    address, token = settings.bakong_api_base, settings.bakong_token
    if not token:
        return
    if token.startswith(STAND_IN_TOKEN):
        if urlsplit(address).hostname not in ("127.0.0.1", "localhost", "::1"):
            yield "bakong_token is of a stand-in: set bakong_api_base to the stand-in's address."
        return
    if not JWT.fullmatch(token):
        yield "bakong_token is not a token of the bank's. Copy the whole token from its mail."
    if not address.startswith("https://"):
        yield (
            f"bakong_token is real, and {address} is a stand-in or not encrypted. Remove"
            " bakong_api_base, or use the token that the stand-in shows."
        )
    if settings.sandbox_clock_url:
        yield "bakong_token is real: remove sandbox_clock_url, which is for the stand-in."
