"""The types of problems with payments by KHQR through Bakong."""

from http import HTTPStatus

from paywall.problem_types import ProblemType

BAKONG_OFF = ProblemType(
    "bakong_off",
    HTTPStatus.CONFLICT,
    "This service does not sell through Bakong",
    "Set bakong_account, bakong_token and the merchant's name and city, or record payments with"
    " POST /v1/purchases.",
)
UNMATCHED_PAYMENT_UNKNOWN = ProblemType(
    "unmatched_payment_unknown",
    HTTPStatus.NOT_FOUND,
    "There is no such unmatched payment",
    "Take the payment's id from GET /v1/unmatched-payments.",
)
UNMATCHED_PAYMENT_RESOLVED = ProblemType(
    "unmatched_payment_resolved",
    HTTPStatus.CONFLICT,
    "The payment was already resolved in another way",
    "Compare its `resolution` in GET /v1/unmatched-payments. To return the money of a payment that"
    " was given, refund its purchase.",
)
READER_ERASED = ProblemType(
    "reader_erased",
    HTTPStatus.CONFLICT,
    "The reader of this payment was erased",
    "Return the money, and resolve the payment as returned.",
)

ALL = (BAKONG_OFF, UNMATCHED_PAYMENT_UNKNOWN, UNMATCHED_PAYMENT_RESOLVED, READER_ERASED)
