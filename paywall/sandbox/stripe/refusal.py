"""How Stripe says no: https://docs.stripe.com/api/errors."""

from http import HTTPStatus

from paywall.sandbox.stripe.shapes import Json


class Refusal(Exception):  # noqa: N818 (an answer, in Stripe's own form)
    """An answer with an error in it."""

    def __init__(
        self,
        message: str,
        *,
        status: int = HTTPStatus.BAD_REQUEST,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        named = {"code": code, "param": param}
        self.body: Json = {
            "error": {
                "type": kind,
                "message": message,
                **{name: value for name, value in named.items() if value is not None},
            }
        }
        # What failed before anything was done is not kept under an idempotency key.
        self.is_kept = not (code or "").startswith("parameter_")


def missing(param: str) -> Refusal:
    """A parameter that must be there is not."""
    return Refusal(f"Missing required param: {param}.", code="parameter_missing", param=param)


def invalid(param: str, message: str) -> Refusal:
    """A parameter has a value that cannot be."""
    return Refusal(message, code="parameter_invalid", param=param)


def no_such(kind: str, thing_id: str, param: str = "id") -> Refusal:
    """There is no object of this kind with this id."""
    return Refusal(
        f"No such {kind}: '{thing_id}'",
        status=HTTPStatus.NOT_FOUND if param == "id" else HTTPStatus.BAD_REQUEST,
        code="resource_missing",
        param=param,
    )
