"""The stand-in: checks the API key, responds to requests, and replays stored responses."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Protocol

import stripe

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.api_messages import (
    StandInRequest,
    StandInResponse,
    error_response,
    json_response,
)
from paywall.sandbox.stripe.clock import advance_clock
from paywall.sandbox.stripe.errors import ApiError
from paywall.sandbox.stripe.faults import FaultPlan, respond_or_fail
from paywall.sandbox.stripe.forms import decode_form
from paywall.sandbox.stripe.idempotency import IDEMPOTENCY_HEADER, IdempotencyKeys
from paywall.sandbox.stripe.objects import Json
from paywall.sandbox.stripe.routes import dispatch

LIVE_KEYS = ("sk_live_", "rk_live_")
TEST_KEYS = ("sk_test_", "rk_test_")


class Inspector(Protocol):
    """Inspects requests and objects; the tests compare them with the SDK's own types."""

    def request(self, request: StandInRequest, params: Json) -> None:
        """Inspect a request; raise ApiError for parameters that Stripe does not know."""

    def response(self, obj: Json) -> None:
        """Inspect an object that is sent, as a response or in an event."""


class NullInspector:
    """Accepts everything; the default outside the tests."""

    def request(self, request: StandInRequest, params: Json) -> None:
        """Accept the request."""

    def response(self, obj: Json) -> None:
        """Accept the object."""


class StandIn:
    """A Stripe account behind its API, with the faults that are planned for it.

    What the payer and the bank do is in the other modules: `checkout.pay_session`,
    `checkout.settle_session`, `disputes.open_dispute`, `refunds.fail_refund`, …
    """

    def __init__(
        self,
        now: datetime,
        *,
        id_namespace: str = "standin",
        address: str = "http://stripe.invalid",
        inspector: Inspector | None = None,
    ) -> None:
        self.inspector = inspector or NullInspector()
        self.account = StandInAccount(
            int(now.timestamp()), id_namespace, address=address, on_output=self.inspector.response
        )
        self.account.create("account")
        self.faults = FaultPlan()
        self.keys = IdempotencyKeys()
        self.requests: list[StandInRequest] = []

    def advance(self, seconds: int) -> None:
        """Move the clock, and run what is due by then."""
        advance_clock(self.account, self.account.now + seconds)

    def respond(
        self, method: str, path: str, form: str, headers: Mapping[str, str]
    ) -> StandInResponse:
        """Respond as Stripe does. Raises ConnectionReset or NoResponse where that is planned."""
        lowercase = {name.lower(): value for name, value in headers.items()}
        request = StandInRequest(method.upper(), path, form, lowercase)
        self.requests.append(request)
        request_id = f"req_{self.account.id_namespace}{len(self.requests):07}"
        response = self._respond(request, request_id)
        version = {"Request-Id": request_id, "Stripe-Version": stripe.api_version}
        return response._replace(
            headers={"Content-Type": "application/json", **version, **response.headers}
        )

    def _respond(self, request: StandInRequest, request_id: str) -> StandInResponse:
        try:
            _check_headers(request)
            if stored := self.keys.replay(request, self.account.now):
                return stored
        except ApiError as error:
            return error_response(error)
        return respond_or_fail(
            self.faults.take_for(request),
            lambda: self._perform(request, request_id),
            lambda response: self.keys.store(request, response, self.account.now),
        )

    def _perform(self, request: StandInRequest, request_id: str) -> StandInResponse:
        cause = {"id": request_id, "idempotency_key": request.headers.get(IDEMPOTENCY_HEADER)}
        self.account.current_request = cause
        try:
            params = decode_form(request.form)
            self.inspector.request(request, params)
            obj = dispatch(self.account, request, params)
            self.inspector.response(obj)
            response = json_response(obj)
        except ApiError as error:
            response = error_response(error)
            if not error.is_stored:
                return response
        finally:
            self.account.current_request = dict.fromkeys(cause)
        self.keys.store(request, response, self.account.now)
        return response


def _check_headers(request: StandInRequest) -> None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if key.startswith(LIVE_KEYS):
        raise ApiError(
            "This is not Stripe, and it was sent a live key. Unset stripe_api_base to sell for"
            " real, or use a key that begins with sk_test_. Roll the live key if others could have"
            " read it in transit.",
            status=HTTPStatus.FORBIDDEN,
        )
    if scheme != "Bearer" or not key.startswith(TEST_KEYS):
        raise ApiError(
            "Invalid API Key provided: the stand-in accepts any key that begins with sk_test_.",
            status=HTTPStatus.UNAUTHORIZED,
        )
    version = request.headers.get("stripe-version", stripe.api_version)
    if version != stripe.api_version:
        raise ApiError(
            f"The stand-in implements version {stripe.api_version} of Stripe's API, not {version}."
        )
