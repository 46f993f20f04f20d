"""What can go wrong on the way to Stripe, asked for by a test."""

import re
from collections.abc import Callable
from enum import StrEnum
from http import HTTPStatus
from typing import NamedTuple

from paywall.sandbox.stripe.api_messages import StandInRequest, StandInResponse, error_response
from paywall.sandbox.stripe.errors import ApiError


class Fault(StrEnum):
    """What a call meets."""

    RATE_LIMITED = "429, and nothing was done"
    SERVER_ERROR_BEFORE = "500, and nothing was done"
    SERVER_ERROR_AFTER = "500 after it was done; kept, so that every retry gets it"
    RESET_AFTER = "the connection is reset after it was done"
    TIMEOUT_BEFORE = "no answer comes, and nothing was done"
    TIMEOUT_AFTER = "no answer comes, and it was done"


class ConnectionReset(Exception):  # noqa: N818 (what the caller sees, and no answer)
    """The connection breaks before the answer."""


class NoResponse(Exception):  # noqa: N818 (what the caller sees, and no answer)
    """The connection stays open, and nothing comes."""


class PlannedFault(NamedTuple):
    """A fault for the next call whose method and path match."""

    fault: Fault
    method: str
    path: re.Pattern[str]


class FaultPlan:
    """The faults that wait for their call; each happens once."""

    def __init__(self) -> None:
        self.planned: list[PlannedFault] = []

    def plan(self, fault: Fault, method: str, path: str, *, times: int = 1) -> None:
        """Let the next calls fail; `path` is a pattern for the whole path."""
        self.planned += [PlannedFault(fault, method.upper(), re.compile(path))] * times

    def take_for(self, request: StandInRequest) -> Fault | None:
        """The fault of this call, which is then used up."""
        for place, planned in enumerate(self.planned):
            if planned.method == request.method and planned.path.fullmatch(request.path):
                del self.planned[place]
                return planned.fault
        return None


def respond_or_fail(
    fault: Fault | None,
    response: Callable[[], StandInResponse],
    keep: Callable[[StandInResponse], None],
) -> StandInResponse:
    """Answer, or fail as planned; raises ConnectionLost or NoAnswer."""
    match fault:
        case None:
            return response()
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
            response()
            broken = error_response(_server_error())
            keep(broken)
            return broken
        case Fault.RESET_AFTER:
            response()
            raise ConnectionReset
        case Fault.TIMEOUT_BEFORE:
            raise NoResponse
        case Fault.TIMEOUT_AFTER:
            response()
            raise NoResponse


def _server_error() -> ApiError:
    return ApiError(
        "An error occurred with the stand-in, as a test asked.",
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        error_type="api_error",
    )
