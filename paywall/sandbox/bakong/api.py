"""The stand-in's API, as "Bakong Open API" 1.0.2 describes it, with the list of version 1.0.5."""

from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec

from paywall.sandbox.bakong.bank import REGISTERED_EMAIL, BankPayment, StandInBank
from paywall.sandbox.bakong.faults import BankFault
from paywall.sandbox.bakong.khqr_reader import UnreadableCode

Json = dict[str, Any]
MD5S_MAX = 50
NOBODY = "nobody@"
REFUSED_PAGE = b"<html><head><title>403 Forbidden</title></head></html>"


class BankSilence(Exception):  # noqa: N818 (not an error response)
    """The connection stays open without a response."""


class BankResponse(NamedTuple):
    """A response over HTTP."""

    status: int
    body: bytes


def respond(bank: StandInBank, path: str, token: str, body: bytes) -> BankResponse:
    """Answer a POST to this path. Raises BankSilence."""
    fault = bank.faults.take_for(path)
    if fault is not None and fault is not BankFault.NOT_FOUND:
        return _failed(fault)
    question = _decode(body)
    if path == "/v1/renew_token":
        return _renewed(bank, question)
    if not bank.accepts(token):
        return _unauthorized()
    return _answer(bank, path, question, finds_payments=fault is None)


def _answer(
    bank: StandInBank, path: str, question: object, *, finds_payments: bool
) -> BankResponse:
    def find(md5: object) -> BankPayment | None:
        return bank.last_payment(str(md5)) if finds_payments else None

    match path, question:
        case "/v1/check_transaction_by_md5", {"md5": str(md5)}:
            return _transaction(find(md5))
        case "/v1/check_transaction_by_md5_list", list(md5s) if len(md5s) <= MD5S_MAX:
            return _done([_listed(md5, find(md5)) for md5 in md5s])
        case "/v1/generate_deeplink_by_qr", {"qr": str(text)}:
            return _deep_link(bank, text)
        case "/v1/check_bakong_account", {"accountId": str(account)}:
            return _account(account)
        case _:
            return _refused(5, "Missing required fields")


def _decode(body: bytes) -> object:
    try:
        question: object = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
    return question


def _failed(fault: BankFault) -> BankResponse:
    match fault:
        case BankFault.SLOW:
            raise BankSilence
        case BankFault.FORBIDDEN:
            return BankResponse(HTTPStatus.FORBIDDEN, REFUSED_PAGE)
        case BankFault.TOO_MANY:
            return BankResponse(HTTPStatus.TOO_MANY_REQUESTS, b"")
        case BankFault.SERVER_ERROR:
            return BankResponse(HTTPStatus.INTERNAL_SERVER_ERROR, b"")
        case BankFault.ENDED:
            return _unauthorized()
        case BankFault.MALFORMED:
            return BankResponse(HTTPStatus.OK, b'{"responseCode":0,"data":{"hash":"8465')
        case _:
            return _refused(99, "Something else")


def _renewed(bank: StandInBank, question: object) -> BankResponse:
    match question:
        case {"email": email} if email == REGISTERED_EMAIL:
            return _done({"token": bank.issue_token()})
        case _:
            return _refused(10, "Not registered yet")


def _transaction(payment: BankPayment | None) -> BankResponse:
    if payment is None:
        return _refused(1, "Transaction could not be found. Please check and try again.")
    return _done(_payment_data(payment))


def _listed(md5: object, payment: BankPayment | None) -> Json:
    if payment is None:
        return {"md5": md5, "status": "NOT_FOUND", "data": None}
    return {"md5": md5, "status": "SUCCESS", "data": _payment_data(payment)}


def _payment_data(payment: BankPayment) -> Json:
    at_ms = round(payment.paid_at.timestamp() * 1000)
    return {
        "hash": payment.hash,
        "fromAccountId": payment.from_account,
        "toAccountId": payment.to_account,
        "currency": payment.currency.upper(),
        "amount": msgspec.Raw(f"{payment.amount:f}".encode()),
        "description": None,
        "createdDateMs": at_ms,
        "acknowledgedDateMs": at_ms,
        "externalRef": payment.hash[:16].upper(),
    }


def _deep_link(bank: StandInBank, text: str) -> BankResponse:
    try:
        bank.show(text)
    except UnreadableCode:
        return _refused(4, "Error occurred on requesting deeplink from provider")
    return _done({"shortLink": f"{bank.address}/scan?{urlencode({'qr': text})}"})


def _account(account: str) -> BankResponse:
    if "@" not in account:
        return _refused(12, "Account ID is invalid")
    if account.startswith(NOBODY):
        return _refused(11, "Account ID not found")
    return _done(None)


def _done(data: object) -> BankResponse:
    answer = {"responseCode": 0, "responseMessage": "Success", "errorCode": None, "data": data}
    return BankResponse(HTTPStatus.OK, msgspec.json.encode(answer))


def _refused(error_code: int, message: str, status: int = HTTPStatus.OK) -> BankResponse:
    """What the bank does not do; only an unknown caller gets another status than 200."""
    answer = {"responseCode": 1, "responseMessage": message, "errorCode": error_code, "data": None}
    return BankResponse(status, msgspec.json.encode(answer))


def _unauthorized() -> BankResponse:
    return _refused(6, "Unauthorized", HTTPStatus.UNAUTHORIZED)
