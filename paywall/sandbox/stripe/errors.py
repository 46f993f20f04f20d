"""Stripe's error responses: https://docs.stripe.com/api/errors."""

from http import HTTPStatus

from paywall.sandbox.stripe.objects import Json


class ApiError(Exception):
    """An error response, in Stripe's form."""

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
        optional = {"code": code, "param": param}
        self.body: Json = {
            "error": {
                "type": error_type,
                "message": message,
                **{name: value for name, value in optional.items() if value is not None},
            }
        }
        # Stripe stores no response under an idempotency key where validation failed.
        self.is_stored = not (code or "").startswith("parameter_")


def missing_parameter(param: str) -> ApiError:
    """A required parameter is absent."""
    return ApiError(f"Missing required param: {param}.", code="parameter_missing", param=param)


def invalid_parameter(param: str, message: str) -> ApiError:
    """A parameter has an invalid value."""
    return ApiError(message, code="parameter_invalid", param=param)


def no_such_object(error_type: str, object_id: str, param: str = "id") -> ApiError:
    """No object of this type has this id."""
    return ApiError(
        f"No such {error_type}: '{object_id}'",
        status=HTTPStatus.NOT_FOUND if param == "id" else HTTPStatus.BAD_REQUEST,
        code="resource_missing",
        param=param,
    )
