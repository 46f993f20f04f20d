"""The stand-in itself: who may ask it, and how it answers."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Protocol

import stripe

from paywall.sandbox.stripe.account import Account
from paywall.sandbox.stripe.answers import Answer, Asked, answered, refused
from paywall.sandbox.stripe.api import perform
from paywall.sandbox.stripe.faults import Faults, answer_with
from paywall.sandbox.stripe.forms import decoded
from paywall.sandbox.stripe.idempotency import KEY, Keys
from paywall.sandbox.stripe.refusal import Refusal
from paywall.sandbox.stripe.renewals import pass_time
from paywall.sandbox.stripe.shapes import Json

LIVE_KEYS = ("sk_live_", "rk_live_")
TEST_KEYS = ("sk_test_", "rk_test_")


class Inspector(Protocol):
    """Looks at what is asked and answered; tests compare it with the SDK's own types."""

    def request(self, asked: Asked, given: Json) -> None:
        """Look at a request; raise Refusal where Stripe does not know such parameters."""

    def answer(self, thing: Json) -> None:
        """Look at an object that goes out, as an answer or in an event."""


class Trusting:
    """An inspector that finds nothing: outside tests there is nobody to tell."""

    def request(self, asked: Asked, given: Json) -> None:
        """Every request is fine."""

    def answer(self, thing: Json) -> None:
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
        self.inspector = inspector or Trusting()
        self.account = Account(
            int(now.timestamp()), series, address=address, see=self.inspector.answer
        )
        self.account.new("account")
        self.faults = Faults()
        self.keys = Keys()
        self.asked: list[Asked] = []

    def advance(self, seconds: int) -> None:
        """Move the clock, and let happen what is due by then."""
        pass_time(self.account, self.account.now + seconds)

    def answer(self, method: str, path: str, form: str, headers: Mapping[str, str]) -> Answer:
        """Answer one request as Stripe does; raises ConnectionLost or NoAnswer where planned."""
        named = {name.lower(): value for name, value in headers.items()}
        asked = Asked(method.upper(), path, form, named)
        self.asked.append(asked)
        request_id = f"req_{self.account.series}{len(self.asked):07}"
        answer = self._answer(asked, request_id)
        version = {"Request-Id": request_id, "Stripe-Version": stripe.api_version}
        return answer._replace(
            headers={"Content-Type": "application/json", **version, **answer.headers}
        )

    def _answer(self, asked: Asked, request_id: str) -> Answer:
        try:
            _admit(asked)
            if kept := self.keys.answer_of(asked, self.account.now):
                return kept
        except Refusal as refusal:
            return refused(refusal)
        return answer_with(
            self.faults.next_for(asked),
            lambda: self._perform(asked, request_id),
            lambda answer: self.keys.keep(asked, answer, self.account.now),
        )

    def _perform(self, asked: Asked, request_id: str) -> Answer:
        cause = {"id": request_id, "idempotency_key": asked.headers.get(KEY)}
        self.account.asked = cause
        try:
            given = decoded(asked.form)
            self.inspector.request(asked, given)
            thing = perform(self.account, asked, given)
            self.inspector.answer(thing)
            answer = answered(thing)
        except Refusal as refusal:
            answer = refused(refusal)
            if not refusal.is_kept:
                return answer
        finally:
            self.account.asked = dict.fromkeys(cause)
        self.keys.keep(asked, answer, self.account.now)
        return answer


def _admit(asked: Asked) -> None:
    scheme, _, key = asked.headers.get("authorization", "").partition(" ")
    if key.startswith(LIVE_KEYS):
        raise Refusal(
            "This is not Stripe, and it was sent a live key. Unset stripe_api_base to sell for"
            " real, or use a key that begins with sk_test_; and roll the live key if others could"
            " read it on the way.",
            status=HTTPStatus.FORBIDDEN,
        )
    if scheme != "Bearer" or not key.startswith(TEST_KEYS):
        raise Refusal(
            "Invalid API Key provided: the stand-in takes any that begins with sk_test_.",
            status=HTTPStatus.UNAUTHORIZED,
        )
    version = asked.headers.get("stripe-version", stripe.api_version)
    if version != stripe.api_version:
        raise Refusal(
            f"The stand-in speaks version {stripe.api_version} of Stripe's API, not {version}."
        )
