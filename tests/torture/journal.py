"""What the service acknowledged, kept outside of it, and which promises it broke."""

import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

DETAILS_MAX = 5


class Sale(NamedTuple):
    """A payment that the site recorded; the amount is in cents."""

    reader_id: str
    amount: int


class Account(NamedTuple):
    """What a reader has, after all that was asked for them one by one."""

    credits: int
    articles: frozenset[str]


@dataclass
class Journal:
    """All by the key that makes each of them unique."""

    grants: dict[str, Sale] = field(default_factory=dict)
    unlocks: dict[int, tuple[str, str]] = field(default_factory=dict)
    purchases: dict[str, Sale] = field(default_factory=dict)
    refunds: dict[str, int] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    cancelled: dict[str, str] = field(default_factory=dict)
    paid: set[str] = field(default_factory=set)
    events: list[str] = field(default_factory=list)
    # Asked for, and perhaps not acknowledged yet.
    asked: set[tuple[str, str]] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0
    # By clients that did not wait for the answer.
    given_up: int = 0
    # How often each promise was looked at, and what broke it.
    checked: Counter[str] = field(default_factory=Counter)
    broken: dict[str, list[str]] = field(default_factory=dict)

    @property
    def acknowledged(self) -> int:
        return sum(number for status, number in self.statuses.items() if status < 300)

    def check(self, promise: str, holds: object, detail: object) -> None:
        """Count a look at a promise; it is broken unless `holds` is true."""
        self.checked[promise] += 1
        if not holds:
            self.broken.setdefault(promise, []).append(str(detail))

    def check_none(self, promise: str, found: object) -> None:
        """The same for what should not be there."""
        self.check(promise, not found, found)

    @contextmanager
    def checking(self, promise: str) -> Iterator[None]:
        """A promise that is broken by whatever is raised."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 (the run goes on to its table)
            self.check(promise, holds=False, detail="".join(traceback.format_exception(error)))
        else:
            self.check(promise, holds=True, detail="")

    def sentences(self) -> list[str]:
        """What was broken, with the first details."""
        return [
            f"{promise}: {len(details)} times\n    " + "\n    ".join(details[:DETAILS_MAX])
            for promise, details in self.broken.items()
        ]
