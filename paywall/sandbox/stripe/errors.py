"""How Stripe says no: https://docs.stripe.com/api/errors."""

from http import HTTPStatus

from paywall.sandbox.stripe.objects import Json


class ApiError(Exception):
    """An answer with an error in it."""

    def __init__(
        self,
        message: str,
        *,
        status: int = HTTPStatus.BAD_REQUEST,
        error_type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        named = {"code": code, "param": param}
        self.body: Json = {
            "error": {
                "type": error_type,
                "message": message,
                **{name: value for name, value in named.items() if value is not None},
            }
        }
        # What failed before anything was done is not kept under an idempotency key.
        self.is_kept = not (code or "").startswith("parameter_")


def missing_parameter(param: str) -> ApiError:
    """A parameter that must be there is not."""
    return ApiError(f"Missing required param: {param}.", code="parameter_missing", param=param)


def invalid_parameter(param: str, message: str) -> ApiError:
    """A parameter has a value that cannot be."""
    return ApiError(message, code="parameter_invalid", param=param)


def no_such_object(error_type: str, object_id: str, param: str = "id") -> ApiError:
    """There is no object of this error_type with this id."""
    return ApiError(
        f"No such {error_type}: '{object_id}'",
        status=HTTPStatus.NOT_FOUND if param == "id" else HTTPStatus.BAD_REQUEST,
        code="resource_missing",
        param=param,
    )
