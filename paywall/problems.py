"""Every error that a caller can get: its type, status, title and remedy (RFC 9457)."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from itertools import islice
from typing import Any

import msgspec

from paywall import bakong_problems
from paywall.problem_types import (
    DETAIL_CHARS_MAX,
    ERRORS_MAX,
    FieldError,
    ProblemMember,
    ProblemType,
    truncate,
)

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):  # noqa: N818 (the term of RFC 9457)
    """A refusal: raised by any function, and converted to a problem document by the edge."""

    def __init__(
        self,
        kind: ProblemType,
        detail: str = "",
        *,
        errors: tuple[FieldError, ...] = (),
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        self.kind = kind
        self.detail = truncate(detail or kind.remedy, DETAIL_CHARS_MAX)
        self.errors = tuple(error.shortened() for error in errors[:ERRORS_MAX])
        super().__init__(f"{kind.code}: {self.detail}")
        self.headers = dict(headers or {})
        self.members = members

    def encode(self) -> bytes:
        document: dict[str, Any] = {
            "type": f"/problems/{self.kind.code}",
            "title": self.kind.title,
            "status": int(self.kind.status),
            "detail": self.detail,
            **self.members,
        }
        if self.errors or self.kind == INVALID_FIELDS:
            document["errors"] = [error._asdict() for error in self.errors]
        return msgspec.json.encode(document)


MALFORMED = ProblemType(
    "malformed",
    HTTPStatus.BAD_REQUEST,
    "The request cannot be read",
    "Send a body of valid JSON in UTF-8, and percent-encode the path as UTF-8.",
)
WEBHOOK_REFUSED = ProblemType(
    "webhook_refused",
    HTTPStatus.BAD_REQUEST,
    "The webhook did not come from Stripe",
    "Compare stripe_webhook_secrets with the webhook endpoint in Stripe's dashboard.",
)
TOKEN_MISSING = ProblemType(
    "token_missing",
    HTTPStatus.UNAUTHORIZED,
    "A token is required",
    "Send the header `Authorization: Bearer` with a token.",
)
INVALID_TOKEN = ProblemType(
    "invalid_token",
    HTTPStatus.UNAUTHORIZED,
    "The token is not valid",
    "Get a new token from an issuer that this service trusts, and send it unchanged.",
)
PAYMENT_DECLINED = ProblemType(
    "payment_declined",
    HTTPStatus.PAYMENT_REQUIRED,
    "The payment was declined",
    "Let the reader choose another payment method in the billing portal.",
)
INSUFFICIENT_SCOPE = ProblemType(
    "insufficient_scope",
    HTTPStatus.FORBIDDEN,
    "The token does not allow this",
    "Use a token of the kind and with the scope that this operation requires.",
    (ProblemMember("scope", str, "The scope that the token lacks."),),
)
ACCESS_DENIED = ProblemType(
    "access_denied", HTTPStatus.FORBIDDEN, "The article is closed", "Serve its preview instead."
)
NOT_FOUND = ProblemType(
    "not_found",
    HTTPStatus.NOT_FOUND,
    "There is no such resource",
    "Compare the path with /docs.",
)
ARTICLE_UNKNOWN = ProblemType(
    "article_unknown",
    HTTPStatus.NOT_FOUND,
    "The article is unknown",
    "Publish the article first, or set default_policy.",
)
SUBSCRIBER_UNKNOWN = ProblemType(
    "subscriber_unknown",
    HTTPStatus.NOT_FOUND,
    "The subscriber is unknown",
    "Use the id of a reader who has a grant, an unlock or a subscription on record.",
)
GRANT_UNKNOWN = ProblemType(
    "grant_unknown",
    HTTPStatus.NOT_FOUND,
    "The subscriber has no such grant",
    "Take the grant's id from GET /v1/subscribers/{id}.",
)
PRODUCT_UNKNOWN = ProblemType(
    "product_unknown",
    HTTPStatus.NOT_FOUND,
    "The catalogue has no such product",
    "Take the product's id from GET /v1/offers, or create the product first.",
)
PURCHASE_UNKNOWN = ProblemType(
    "purchase_unknown",
    HTTPStatus.NOT_FOUND,
    "The purchase is unknown",
    "Take the purchase's id from GET /v1/purchases.",
)
SUBSCRIPTION_UNKNOWN = ProblemType(
    "subscription_unknown",
    HTTPStatus.NOT_FOUND,
    "The reader has no such subscription",
    "Take the subscription's id from GET /v1/me or GET /v1/subscribers/{id}.",
)
CHECKOUT_UNKNOWN = ProblemType(
    "checkout_unknown",
    HTTPStatus.NOT_FOUND,
    "The reader has no such checkout",
    "Take the checkout's id from the response of POST /v1/me/checkout.",
)
RECEIPT_UNKNOWN = ProblemType(
    "receipt_unknown",
    HTTPStatus.NOT_FOUND,
    "The reader has no such receipt",
    "Take the receipt's id from the response of POST /v1/me/subscription/cancel.",
)
METHOD_NOT_ALLOWED = ProblemType(
    "method_not_allowed",
    HTTPStatus.METHOD_NOT_ALLOWED,
    "This address does not support this method",
    "Use one of the methods in the header Allow.",
)
REFERENCE_CONFLICT = ProblemType(
    "reference_conflict",
    HTTPStatus.CONFLICT,
    "The reference was already used with other fields",
    "Send the same fields as before, or choose a new reference.",
    (ProblemMember("fields", list[str], "The fields that differ from what was recorded before."),),
)
NOT_WITHDRAWABLE = ProblemType(
    "not_withdrawable",
    HTTPStatus.CONFLICT,
    "This purchase has no right of withdrawal",
    "Only what begins a contract and was paid has one, where withdrawal_days is set: no renewals,"
    " and nothing that was refunded.",
)
WITHDRAWAL_OVER = ProblemType(
    "withdrawal_over",
    HTTPStatus.CONFLICT,
    "The time to withdraw is over",
    "Show the reader `withdrawable_until` of the purchase.",
)
WITHDRAWAL_LOST = ProblemType(
    "withdrawal_lost",
    HTTPStatus.CONFLICT,
    "The right of withdrawal was lost by immediate delivery",
    "The reader agreed to immediate delivery, and has used what was bought or begun to use it.",
)
CATALOGUE_FULL = ProblemType(
    "catalogue_full",
    HTTPStatus.CONFLICT,
    "The catalogue is full",
    "Delete plans, packs or passes that are no longer sold. Readers keep what they bought.",
)
REFUND_TOO_LARGE = ProblemType(
    "refund_too_large",
    HTTPStatus.CONFLICT,
    "The refund exceeds the amount that is left",
    "Refund at most the amount paid minus the refunds so far.",
)
NO_SUBSCRIPTION = ProblemType(
    "no_subscription",
    HTTPStatus.CONFLICT,
    "The reader has no subscription that renews",
    "To end a subscription that does not renew, send its subscription_id and `now`.",
)
SEVERAL_SUBSCRIPTIONS = ProblemType(
    "several_subscriptions",
    HTTPStatus.CONFLICT,
    "The reader has several subscriptions that renew",
    "Choose one, and send its id as subscription_id.",
)
SUBSCRIPTION_ENDED = ProblemType(
    "subscription_ended",
    HTTPStatus.CONFLICT,
    "The subscription has ended",
    "Start a new one: an ended subscription cannot be resumed.",
)
SUBSCRIPTION_REQUIRED = ProblemType(
    "subscription_required",
    HTTPStatus.CONFLICT,
    "The article is for subscribers only",
    "Offer a subscription: this article cannot be unlocked with credits.",
)
PRICE_CHANGED = ProblemType(
    "price_changed",
    HTTPStatus.CONFLICT,
    "The article costs more than the reader agreed to",
    "Show the new cost and ask the reader again.",
    (
        ProblemMember("unlock_cost", int, "What the article costs, in credits."),
        ProblemMember("max_cost", int, "What the caller agreed to pay, in credits."),
    ),
)
INSUFFICIENT_CREDITS = ProblemType(
    "insufficient_credits",
    HTTPStatus.CONFLICT,
    "The reader has too few credits",
    "Buy a pack or subscribe.",
    (
        ProblemMember("unlocks_left", int, "Credits that can be spent now."),
        ProblemMember("unlock_cost", int, "What the article costs, in credits."),
    ),
)
STRIPE_OFF = ProblemType(
    "stripe_off",
    HTTPStatus.CONFLICT,
    "This service does not sell through Stripe",
    "Set stripe_secret_key and stripe_webhook_secrets, or record payments with POST /v1/purchases.",
)
NOT_ON_SALE = ProblemType(
    "not_on_sale",
    HTTPStatus.CONFLICT,
    "The processor has no price for this product",
    "Run `paywall catalogue sync`, and use a currency in which the product has a price.",
)
ALREADY_SUBSCRIBED = ProblemType(
    "already_subscribed",
    HTTPStatus.CONFLICT,
    "The reader has a subscription that renews",
    "Send the reader to the billing portal (POST /v1/me/billing-portal) to change or cancel it.",
    (ProblemMember("subscription_id", str, "The existing subscription."),),
)
NO_BILLING = ProblemType(
    "no_billing",
    HTTPStatus.CONFLICT,
    "Stripe has no customer for this reader",
    "Show the offers (GET /v1/offers): the billing portal is available after the first checkout.",
)
PAYMENT_PENDING = ProblemType(
    "payment_pending",
    HTTPStatus.CONFLICT,
    "A payment of the reader is pending",
    "Erase the reader after the payment has succeeded or failed.",
)
REQUEST_IN_PROGRESS = ProblemType(
    "request_in_progress",
    HTTPStatus.CONFLICT,
    "The same request to Stripe is in progress",
    "Repeat the request with the same Idempotency-Key after a few seconds.",
)
CHECKOUT_CLOSED = ProblemType(
    "checkout_closed",
    HTTPStatus.CONFLICT,
    "The reader has started another checkout since",
    "Do not repeat the request: it would close the checkout that was started last.",
)
TOO_LARGE = ProblemType(
    "too_large",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "The request is too large",
    "Send at most 1 MiB, or 4 MiB with an article or in bulk.",
)
MEDIA_TYPE_UNSUPPORTED = ProblemType(
    "media_type_unsupported",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "The body is not JSON",
    "Send the header `Content-Type: application/json`.",
)
INVALID_FIELDS = ProblemType(
    "invalid_fields",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "Fields of the request are wrong",
    "Correct the fields listed in `errors`.",
    (
        ProblemMember(
            "errors", list[FieldError], "The wrong fields, each with its path and its fix."
        ),
    ),
)
IDEMPOTENCY_KEY_REUSED = ProblemType(
    "idempotency_key_reused",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "The Idempotency-Key was used for another request",
    "Use a new key for each new request, and repeat a key only with the same JSON.",
)
HEAD_TOO_LARGE = ProblemType(
    "head_too_large",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "The head of the request is too large",
    "Send at most 32 KiB of request line and header fields, and at most 100 fields.",
)
RATE_LIMITED = ProblemType(
    "rate_limited",
    HTTPStatus.TOO_MANY_REQUESTS,
    "Too many requests in a minute",
    "Try again after the number of seconds in the header Retry-After.",
)
INTERNAL_ERROR = ProblemType(
    "internal_error",
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "The service failed",
    "Try again later, and give the operator the header X-Request-Id of this response.",
)
NOT_IMPLEMENTED = ProblemType(
    "not_implemented",
    HTTPStatus.NOT_IMPLEMENTED,
    "The transfer coding is not supported",
    "Send the body with Content-Length, or with `Transfer-Encoding: chunked` and no other coding.",
)
STRIPE_REFUSED = ProblemType(
    "stripe_refused",
    HTTPStatus.BAD_GATEWAY,
    "Stripe refused the request of this service",
    "Give the operator the header X-Request-Id of this response; the log has Stripe's message.",
)
UNAVAILABLE = ProblemType(
    "unavailable",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "The service cannot answer in time",
    "Try again after the number of seconds in the header Retry-After.",
)
HTTP_VERSION_UNSUPPORTED = ProblemType(
    "http_version_unsupported",
    HTTPStatus.HTTP_VERSION_NOT_SUPPORTED,
    "This version of HTTP is not supported",
    "Use HTTP/1.1.",
)

ALL: tuple[ProblemType, ...] = (
    *(value for value in list(globals().values()) if type(value) is ProblemType),
    *bakong_problems.ALL,
)


def differing_fields(expected: Mapping[str, Any], stored: object) -> list[str]:
    """The names of the fields in which a stored row differs from what was sent again."""
    return [name for name, value in expected.items() if getattr(stored, name) != value]


def invalid(field: str, detail: str) -> Problem:
    """A problem with one invalid field."""
    return invalid_fields([FieldError(field, detail)])


def invalid_fields(errors: Iterable[FieldError]) -> Problem:
    """A problem with invalid fields: the first ERRORS_MAX are named, the rest are counted."""
    remaining = iter(errors)
    named = tuple(error.shortened() for error in islice(remaining, ERRORS_MAX))
    sentences = [f"{error.field or 'body'}: {error.detail}" for error in named]
    if more := sum(1 for _ in remaining):
        # First, because a long detail is truncated at its end.
        sentences.insert(0, f"{len(named) + more} fields are invalid, {more} of them not listed")
    return Problem(INVALID_FIELDS, "; ".join(sentences), errors=named)


def unavailable(detail: str, retry_after_seconds: int = 1) -> Problem:
    return Problem(UNAVAILABLE, detail, headers={"Retry-After": str(retry_after_seconds)})


class Unconfirmed(Problem):
    """A processor did not confirm whether it executed a request, or what it knows.

    `is_answered`: it answered with an error (5xx), so nothing of the request is in progress.
    """

    def __init__(self, detail: str, *, is_answered: bool) -> None:
        super().__init__(UNAVAILABLE, detail, headers={"Retry-After": "5"})
        self.is_answered = is_answered


def invalid_token(detail: str) -> Problem:
    """A token was sent and is not valid (RFC 6750 §3.1); the detail never contains it."""
    return Problem(
        INVALID_TOKEN, detail, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}
    )
