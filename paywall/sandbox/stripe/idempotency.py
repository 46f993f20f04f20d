"""Idempotency keys as Stripe keeps them: https://docs.stripe.com/api/idempotent_requests."""

from typing import NamedTuple

from paywall.sandbox.stripe.api_messages import StandInRequest, StandInResponse
from paywall.sandbox.stripe.errors import ApiError

KEPT_SECONDS = 86_400
IDEMPOTENCY_HEADER = "idempotency-key"


class ReplayableResponse(NamedTuple):
    """An answer, what it was to, and when (in Unix seconds)."""

    at: int
    request: tuple[str, str]
    response: StandInResponse


class IdempotencyKeys:
    """The answers that are given again; of a failure too, once the call had begun."""

    def __init__(self) -> None:
        self.responses: dict[str, ReplayableResponse] = {}

    def replay(self, request: StandInRequest, now: int) -> StandInResponse | None:
        """What the same request was answered; refuses the key with other parameters."""
        kept = (
            self.responses.get(request.headers.get(IDEMPOTENCY_HEADER, ""))
            if request.method == "POST"
            else None
        )
        if kept is None or now >= kept.at + KEPT_SECONDS:
            return None
        if kept.request != (request.path, request.form):
            raise ApiError(
                "Keys for idempotent requests can only be used with the same parameters they were"
                " first used with. Try using a key other than"
                f" '{request.headers[IDEMPOTENCY_HEADER]}' if you meant to execute a different"
                " request.",
                error_type="idempotency_error",
            )
        return kept.response._replace(headers={"Idempotent-Replayed": "true"})

    def store(self, request: StandInRequest, response: StandInResponse, now: int) -> None:
        """Remember what a request with a key was answered."""
        if request.method == "POST" and (key := request.headers.get(IDEMPOTENCY_HEADER)):
            self.responses[key] = ReplayableResponse(now, (request.path, request.form), response)
