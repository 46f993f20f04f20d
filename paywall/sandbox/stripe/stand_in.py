"""The stand-in itself: who may ask it, and how it answers."""

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
    """Looks at what is asked and answered; tests compare it with the SDK's own types."""

    def request(self, request: StandInRequest, params: Json) -> None:
        """Look at a request; raise Refusal where Stripe does not know such parameters."""

    def response(self, obj: Json) -> None:
        """Look at an object that goes out, as an answer or in an event."""


class NullInspector:
    """An inspector that finds nothing: outside tests there is nobody to tell."""

    def request(self, request: StandInRequest, params: Json) -> None:
        """Every request is fine."""

    def response(self, obj: Json) -> None:
        """Every answer is fine."""


class StandIn:
    """A Stripe account that can be asked; it holds the account, and the faults that are planned.

    What the payer, the bank and the clock do is in the modules beside: `checkout.pay`,
    `checkout.settle`, `disputes.open_dispute`, `refunds.fail_refund`, `portal.portal_switch`, …
    """

    def __init__(
        self,
        now: datetime,
        *,
        series: str = "standin",
        address: str = "http://stripe.invalid",
        inspector: Inspector | None = None,
    ) -> None:
        self.inspector = inspector or NullInspector()
        self.account = StandInAccount(
            int(now.timestamp()), series, address=address, on_output=self.inspector.response
        )
        self.account.create("account")
        self.faults = FaultPlan()
        self.keys = IdempotencyKeys()
        self.requests: list[StandInRequest] = []

    def advance(self, seconds: int) -> None:
        """Move the clock, and let happen what is due by then."""
        advance_clock(self.account, self.account.now + seconds)

    def respond(
        self, method: str, path: str, form: str, headers: Mapping[str, str]
    ) -> StandInResponse:
        """Answer one request as Stripe does; raises ConnectionLost or NoAnswer where planned."""
        named = {name.lower(): value for name, value in headers.items()}
        request = StandInRequest(method.upper(), path, form, named)
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
            if kept := self.keys.replay(request, self.account.now):
                return kept
        except ApiError as refusal:
            return error_response(refusal)
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
        except ApiError as refusal:
            response = error_response(refusal)
            if not refusal.is_kept:
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
            " real, or use a key that begins with sk_test_; and roll the live key if others could"
            " read it on the way.",
            status=HTTPStatus.FORBIDDEN,
        )
    if scheme != "Bearer" or not key.startswith(TEST_KEYS):
        raise ApiError(
            "Invalid API Key provided: the stand-in takes any that begins with sk_test_.",
            status=HTTPStatus.UNAUTHORIZED,
        )
    version = request.headers.get("stripe-version", stripe.api_version)
    if version != stripe.api_version:
        raise ApiError(
            f"The stand-in speaks version {stripe.api_version} of Stripe's API, not {version}."
        )
