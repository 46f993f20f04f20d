"""What can go wrong on the way to Stripe, asked for by a test."""

import re
from collections.abc import Callable
from enum import StrEnum
from http import HTTPStatus
from typing import NamedTuple

from paywall.sandbox.stripe.answers import Answer, Asked, refused
from paywall.sandbox.stripe.refusal import Refusal


class Fault(StrEnum):
    """What a call meets."""

    RATE_LIMITED = "429, and nothing was done"
    BROKEN_BEFORE = "500, and nothing was done"
    BROKEN_AFTER = "500 after it was done; kept, so that every retry gets it"
    RESET_AFTER = "the connection is reset after it was done"
    HANGS_BEFORE = "no answer comes, and nothing was done"
    HANGS_AFTER = "no answer comes, and it was done"


class ConnectionLost(Exception):  # noqa: N818 (what the caller sees, and no answer)
    """The connection breaks before the answer."""


class NoAnswer(Exception):  # noqa: N818 (what the caller sees, and no answer)
    """The connection stays open, and nothing comes."""


class Planned(NamedTuple):
    """A fault for the next call whose method and path match."""

    fault: Fault
    method: str
    path: re.Pattern[str]


class Faults:
    """The faults that wait for their call; each happens once."""

    def __init__(self) -> None:
        self.planned: list[Planned] = []

    def plan(self, fault: Fault, method: str, path: str, *, times: int = 1) -> None:
        """Let the next calls fail; `path` is a pattern for the whole path."""
        self.planned += [Planned(fault, method.upper(), re.compile(path))] * times

    def next_for(self, asked: Asked) -> Fault | None:
        """The fault of this call, which is then used up."""
        for place, planned in enumerate(self.planned):
            if planned.method == asked.method and planned.path.fullmatch(asked.path):
                del self.planned[place]
                return planned.fault
        return None


def answer_with(
    fault: Fault | None, answer: Callable[[], Answer], keep: Callable[[Answer], None]
) -> Answer:
    """Answer, or fail as planned; raises ConnectionLost or NoAnswer."""
    match fault:
        case None:
            return answer()
        case Fault.RATE_LIMITED:
            return refused(
                Refusal(
                    "Too many requests. Please wait before you ask again.",
                    status=HTTPStatus.TOO_MANY_REQUESTS,
                    code="rate_limit",
                )
            )
        case Fault.BROKEN_BEFORE:
            return refused(_broken())
        case Fault.BROKEN_AFTER:
            answer()
            broken = refused(_broken())
            keep(broken)
            return broken
        case Fault.RESET_AFTER:
            answer()
            raise ConnectionLost
        case Fault.HANGS_BEFORE:
            raise NoAnswer
        case Fault.HANGS_AFTER:
            answer()
            raise NoAnswer


def _broken() -> Refusal:
    return Refusal(
        "An error occurred with the stand-in, as a test asked.",
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        kind="api_error",
    )
