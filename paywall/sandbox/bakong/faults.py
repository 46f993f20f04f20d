"""Faults of the bank that a person or a test switches on."""

from enum import StrEnum

import msgspec


class BankFault(StrEnum):
    """How the bank fails, with its label on the page."""

    NOT_FOUND = "It does not find payments"
    SLOW = "It does not respond"
    FORBIDDEN = "It refuses the caller (403)"
    TOO_MANY = "It has too many requests (429)"
    SERVER_ERROR = "It fails (500)"
    ENDED = "It refuses the token, as one that has ended (401)"
    MALFORMED = "It answers with half an answer"
    UNKNOWN_CODE = "It answers with an unknown error code"


class PlannedBankFault(msgspec.Struct):
    """A fault for calls whose path ends so, that many times or, without a number, until cleared."""

    fault: BankFault
    path: str = ""
    times: int | None = None


class BankFaults:
    """The faults that are switched on, in the order in which they were."""

    def __init__(self) -> None:
        self.planned: list[PlannedBankFault] = []

    def plan(self, fault: BankFault, path: str = "", times: int | None = None) -> None:
        """Switch a fault on; `path` is the end of a call's path, and empty for all."""
        self.planned.append(PlannedBankFault(fault, path, times))

    def clear(self) -> None:
        self.planned.clear()

    def take_for(self, path: str) -> BankFault | None:
        """The fault for this call, which is used up once it was taken `times` times."""
        for planned in self.planned:
            if path.endswith(planned.path):
                if planned.times is not None:
                    planned.times -= 1
                    if planned.times <= 0:
                        self.planned.remove(planned)
                return planned.fault
        return None
