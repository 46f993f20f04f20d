"""Idempotency keys as Stripe stores them: https://docs.stripe.com/api/idempotent_requests."""

from typing import NamedTuple

from paywall.sandbox.stripe.api_messages import StandInRequest, StandInResponse
from paywall.sandbox.stripe.errors import ApiError

STORED_SECONDS = 86_400
IDEMPOTENCY_HEADER = "idempotency-key"


class ReplayableResponse(NamedTuple):
    """A response, the path and form it answered, and when (in Unix seconds)."""

    at: int
    request: tuple[str, str]
    response: StandInResponse


class IdempotencyKeys:
    """The stored responses by key, failures included once the call had begun."""

    def __init__(self) -> None:
        self.responses: dict[str, ReplayableResponse] = {}

    def replay(self, request: StandInRequest, now: int) -> StandInResponse | None:
        """The stored response to the same request, if any.

        Raises ApiError where the key was used with other parameters.
        """
        stored = (
            self.responses.get(request.headers.get(IDEMPOTENCY_HEADER, ""))
            if request.method == "POST"
            else None
        )
        if stored is None or now >= stored.at + STORED_SECONDS:
            return None
        if stored.request != (request.path, request.form):
            raise ApiError(
                "Keys for idempotent requests can only be used with the same parameters they were"
                " first used with. Try using a key other than"
                f" '{request.headers[IDEMPOTENCY_HEADER]}' if you meant to execute a different"
                " request.",
                error_type="idempotency_error",
            )
        return stored.response._replace(headers={"Idempotent-Replayed": "true"})

    def store(self, request: StandInRequest, response: StandInResponse, now: int) -> None:
        """Store the response to a POST with a key."""
        if request.method == "POST" and (key := request.headers.get(IDEMPOTENCY_HEADER)):
            self.responses[key] = ReplayableResponse(now, (request.path, request.form), response)
