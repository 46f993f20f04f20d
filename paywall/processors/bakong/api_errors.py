"""What the bank did not answer clearly."""

from http import HTTPStatus

from paywall.problems import Unconfirmed
from paywall.telemetry import BakongCall, BakongOutcome

DETAILS = {
    BakongOutcome.TIMED_OUT: "Bakong does not answer in time.",
    BakongOutcome.UNREACHABLE: "Bakong cannot be reached.",
    BakongOutcome.TOKEN_REFUSED: "Bakong refuses the token of this service.",
    BakongOutcome.FORBIDDEN: "Bakong refuses this service: it answers callers in Cambodia only.",
    BakongOutcome.TOO_MANY: "Bakong is asked too often.",
    BakongOutcome.FAILED: "Bakong failed.",
    BakongOutcome.UNCLEAR: "Bakong answered what this service does not understand.",
    BakongOutcome.NOT_ASKED: "Bakong refused the last question, and is not asked again yet.",
}
WITHOUT_ANSWER = frozenset({BakongOutcome.TIMED_OUT, BakongOutcome.UNREACHABLE})


class BankUnclear(Unconfirmed):
    """A call of the bank's API without a clear answer: nothing follows from it.

    `reason` is for the log and the operator; it never contains the token.
    """

    def __init__(self, call: BakongCall, outcome: BakongOutcome, reason: str = "") -> None:
        super().__init__(DETAILS[outcome], is_answered=outcome not in WITHOUT_ANSWER)
        self.call = call
        self.outcome = outcome
        self.reason = reason


def outcome_of(status: int) -> BakongOutcome:
    """What a status of HTTP means ("Bakong Open API" §II, HTTP Response Code)."""
    match status:
        case HTTPStatus.OK:
            return BakongOutcome.ANSWERED
        case HTTPStatus.UNAUTHORIZED:
            return BakongOutcome.TOKEN_REFUSED
        case HTTPStatus.FORBIDDEN:
            return BakongOutcome.FORBIDDEN
        case HTTPStatus.TOO_MANY_REQUESTS:
            return BakongOutcome.TOO_MANY
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return BakongOutcome.FAILED
        case _:
            return BakongOutcome.UNCLEAR
