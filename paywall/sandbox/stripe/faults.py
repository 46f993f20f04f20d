"""Faults that a test plans for calls of Stripe's API."""

import re
from collections.abc import Callable
from enum import StrEnum
from http import HTTPStatus
from typing import NamedTuple

from paywall.sandbox.stripe.api_messages import StandInRequest, StandInResponse, error_response
from paywall.sandbox.stripe.errors import ApiError


class Fault(StrEnum):
    """How a call fails, and whether it had an effect."""

    RATE_LIMITED = "429, without effect"
    SERVER_ERROR_BEFORE = "500, without effect"
    SERVER_ERROR_AFTER = "500 after the effect; stored, so every retry gets it too"
    RESET_AFTER = "the connection is reset after the effect"
    TIMEOUT_BEFORE = "no response, without effect"
    TIMEOUT_AFTER = "no response, after the effect"


class ConnectionReset(Exception):  # noqa: N818 (not an error response)
    """The connection breaks before the response."""


class NoResponse(Exception):  # noqa: N818 (not an error response)
    """The connection stays open without a response."""


class PlannedFault(NamedTuple):
    """A fault for the next call whose method and path match."""

    fault: Fault
    method: str
    path: re.Pattern[str]


class FaultPlan:
    """Faults that wait for a matching call; each happens once."""

    def __init__(self) -> None:
        self.planned: list[PlannedFault] = []

    def plan(self, fault: Fault, method: str, path: str, *, times: int = 1) -> None:
        """Make the next `times` calls fail; `path` is a pattern for the whole path."""
        self.planned += [PlannedFault(fault, method.upper(), re.compile(path))] * times

    def take_for(self, request: StandInRequest) -> Fault | None:
        """The fault planned for this call, which is removed from the plan."""
        for index, planned in enumerate(self.planned):
            if planned.method == request.method and planned.path.fullmatch(request.path):
                del self.planned[index]
                return planned.fault
        return None


def respond_or_fail(
    fault: Fault | None,
    respond: Callable[[], StandInResponse],
    store: Callable[[StandInResponse], None],
) -> StandInResponse:
    """Respond, or fail as planned. Raises ConnectionReset or NoResponse."""
    match fault:
        case None:
            return respond()
        case Fault.RATE_LIMITED:
            return error_response(
                ApiError(
                    "Too many requests. Please wait before you ask again.",
                    status=HTTPStatus.TOO_MANY_REQUESTS,
                    code="rate_limit",
                )
            )
        case Fault.SERVER_ERROR_BEFORE:
            return error_response(_server_error())
        case Fault.SERVER_ERROR_AFTER:
            respond()
            failure = error_response(_server_error())
            store(failure)
            return failure
        case Fault.RESET_AFTER:
            respond()
            raise ConnectionReset
        case Fault.TIMEOUT_BEFORE:
            raise NoResponse
        case Fault.TIMEOUT_AFTER:
            respond()
            raise NoResponse


def _server_error() -> ApiError:
    return ApiError(
        "An error occurred in the stand-in, as a test planned.",
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        error_type="api_error",
    )
