"""The answers of the bank's API, and what each means ("Bakong Open API" §II).

Every answer is an envelope: `responseCode` 0 means done, 1 not done, and then `errorCode` says why.
Unknown fields are ignored. Another shape or an unknown code raises UnclearAnswer.
"""

from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from enum import IntEnum
from typing import Annotated, NamedTuple, TypeVar

import msgspec
from msgspec import Meta, Raw

from paywall.processors.bakong.objects import AccountAnswer, BankTransaction
from paywall.rules.urls import is_web_url

DONE = 0


class ErrorCode(IntEnum):
    """The codes of §II, "Custom Code", that mean something here."""

    NOT_FOUND = 1
    FAILED = 3
    NO_DEEP_LINK = 4
    UNAUTHORIZED = 6
    NOT_REGISTERED = 10
    ACCOUNT_UNKNOWN = 11
    ACCOUNT_INVALID = 12


# The bank has no payment of a code, or one that failed; of both a later one can succeed.
NOT_PAID = frozenset({ErrorCode.NOT_FOUND, ErrorCode.FAILED})
STATUSES = {"SUCCESS": True, "NOT_FOUND": False, "FAILED": False}
NOT_REGISTERED = frozenset({ErrorCode.NOT_REGISTERED})
NO_DEEP_LINK = frozenset({ErrorCode.NO_DEEP_LINK})
NO_ACCOUNT = frozenset({ErrorCode.ACCOUNT_UNKNOWN, ErrorCode.ACCOUNT_INVALID})

Word = Annotated[str, Meta(min_length=1, max_length=200)]
Milliseconds = Annotated[int, Meta(ge=0, le=10**13)]
Data = TypeVar("Data")


class UnclearAnswer(Exception):  # noqa: N818 (not an error of this service)
    """An answer from which nothing follows; the text names what is wrong, without values."""


class Envelope(msgspec.Struct, frozen=True, rename="camel"):
    """What every answer has; the shape of `data` depends on the question."""

    response_code: int
    error_code: int | None = None
    data: Raw = Raw(b"null")


class Answer(NamedTuple):
    """An answer's envelope, and its header `Date`."""

    envelope: Envelope
    date: str | None


class TransactionData(msgspec.Struct, frozen=True, rename="camel"):
    """A payment (§5.3); the times are in later versions."""

    hash: Word
    to_account_id: Word
    currency: Word
    amount: Decimal
    from_account_id: Annotated[str, Meta(max_length=200)] | None = None
    created_date_ms: Milliseconds | None = None
    acknowledged_date_ms: Milliseconds | None = None


class ListedData(msgspec.Struct, frozen=True):
    """One code of a list."""

    md5: Word
    status: Word


class TokenData(msgspec.Struct, frozen=True):
    token: Annotated[str, Meta(min_length=1, max_length=500)]


class DeepLinkData(msgspec.Struct, frozen=True, rename="camel"):
    short_link: Annotated[str, Meta(max_length=2000)]


def read_envelope(content: bytes) -> Envelope:
    return _decode(content, Envelope)


def read_transaction(answer: Answer) -> BankTransaction | None:
    """The payment of a code (§5.3); None if there is none, or it failed."""
    if _is_refused(answer, NOT_PAID):
        return None
    data = _data(answer, TransactionData)
    if not data.amount.is_finite():
        raise UnclearAnswer("the amount is no number")
    paid_at = data.created_date_ms or data.acknowledged_date_ms
    return BankTransaction(
        hash=data.hash,
        from_account=data.from_account_id or "",
        to_account=data.to_account_id,
        amount=data.amount,
        currency=data.currency.lower(),
        at=datetime.fromtimestamp(paid_at / 1000, UTC) if paid_at else None,
    )


def read_list(answer: Answer) -> dict[str, bool]:
    """Whether each code of a list was paid, for the codes of which the bank says it clearly."""
    listed = _data(answer, list[ListedData])
    return {item.md5: STATUSES[item.status] for item in listed if item.status in STATUSES}


def read_token(answer: Answer) -> str | None:
    """A new token (§3.3); None if the bank knows no registration with this address."""
    if _is_refused(answer, NOT_REGISTERED):
        return None
    return _data(answer, TokenData).token


def read_deep_link(answer: Answer) -> str | None:
    """The link (§4.3); None if the bank has none, or one that is no web address."""
    if _is_refused(answer, NO_DEEP_LINK):
        return None
    link = _data(answer, DeepLinkData).short_link
    return link if is_web_url(link) else None


def read_account(answer: Answer) -> AccountAnswer:
    """Whether there is such an account (§8, "4.3"), and the time of the header `Date`."""
    exists = not _is_refused(answer, NO_ACCOUNT)
    if exists:
        _require_done(answer)
    return AccountAnswer(exists=exists, bank_time=_parse_date(answer.date))


def _is_refused(answer: Answer, codes: frozenset[ErrorCode]) -> bool:
    return answer.envelope.response_code != DONE and answer.envelope.error_code in codes


def _require_done(answer: Answer) -> None:
    if answer.envelope.response_code != DONE:
        raise UnclearAnswer(f"error code {answer.envelope.error_code}")


def _data(answer: Answer, kind: type[Data]) -> Data:
    _require_done(answer)
    return _decode(bytes(answer.envelope.data), kind)


def _decode(content: bytes, kind: type[Data]) -> Data:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        raise UnclearAnswer(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnclearAnswer(type(error).__name__) from error


def _parse_date(header: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(header) if header else None
    except ValueError:
        return None
