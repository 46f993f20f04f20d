"""What each payment must have become, kept apart from the service and by other means.

It knows what was paid and how, who owned which code when, and what the site did. It shares no code
with the service, and reads of its database only what became of each payment.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

CREDITS_OF_A_PACK = 6
A_PASS = timedelta(days=7)
ASKED_EVERY = timedelta(seconds=2)


@dataclass
class Person:
    """A reader. Of one who was merged the time is not worked out here."""

    name: str
    is_erased: bool = False
    is_merged: bool = False
    credits_refunded: int = 0


@dataclass
class Code:
    """A code that a person opened, and its payments: each hash with how it was paid."""

    id: str
    kind: str
    owner: Person
    page: dict[str, object]
    how_paid: dict[str, str] = field(default_factory=dict)
    paid_at: dict[str, datetime] = field(default_factory=dict)
    erased_at: datetime | None = None

    @property
    def exact(self) -> set[str]:
        return {hash_ for hash_, how in self.how_paid.items() if how == "exact"}


@dataclass
class Record:
    """What the service's database has of one history's payments, by their hashes."""

    purchases: Counter[str]
    bought_at: dict[str, datetime]
    unmatched: dict[str, str]
    given: set[str]


class Book:
    """Everything that happened in one history."""

    def __init__(self) -> None:
        self.codes: list[Code] = []
        self.people: list[Person] = []

    def faults(self, record: Record) -> list[str]:
        """What is wrong with the record, in sentences; none where every payment counts once."""
        return [fault for code in self.codes for fault in self._faults_of(code, record)]

    def _faults_of(self, code: Code, record: Record) -> list[str]:
        faults = []
        for hash_, how in code.how_paid.items():
            number, reason = record.purchases[hash_], record.unmatched.get(hash_)
            if reason is None:
                right = number == 1 and how == "exact"
            else:
                right = number == (hash_ in record.given) and reason in _reasons(code, how)
            if not right:
                faults.append(f"{code.id}: {how} payment, {number} purchases, unmatched: {reason}")
        taken = [hash_ for hash_ in code.how_paid if hash_ not in record.unmatched]
        has_given = any(hash_ in record.given for hash_ in code.how_paid)
        if len(taken) > 1:
            faults.append(f"{code.id}: {len(taken)} payments were given for it")
        if _must_be_given(code) and not taken and not has_given:
            faults.append(f"{code.id}: nothing was given for {len(code.exact)} exact payments")
        return faults

    def unlocks_left(self, person: Person, record: Record) -> int:
        """Six for each payment of a pack that became a purchase."""
        bought = sum(
            record.purchases[hash_]
            for code in self.codes
            if code.kind == "pack" and code.owner is person
            for hash_ in code.how_paid
        )
        return CREDITS_OF_A_PACK * bought - person.credits_refunded

    def access_until(self, person: Person, record: Record) -> datetime | None:
        """Seven days for each payment of a pass that became a purchase, one after the other."""
        until: datetime | None = None
        for at in sorted(
            record.bought_at[hash_]
            for code in self.codes
            if code.kind == "pass" and code.owner is person
            for hash_ in code.how_paid
            if hash_ in record.bought_at
        ):
            until = max(until or at, at) + A_PASS
        return until


def _must_be_given(code: Code) -> bool:
    """Whether one of its payments has to be a purchase.

    Before an erasure the bank is asked once, and reports one payment of several; a payment may have
    been too late for a question of the last two seconds.
    """
    if code.erased_at is None:
        return bool(code.exact)
    in_time = [hash_ for hash_, at in code.paid_at.items() if at <= code.erased_at - ASKED_EVERY]
    return len(in_time) == len(code.how_paid) == len(code.exact) == 1


def _reasons(code: Code, how: str) -> set[str]:
    """Why the service may leave this payment to the site."""
    if how != "exact":
        return {how}
    return {"second_payment", "reader_erased"} if code.erased_at else {"second_payment"}
