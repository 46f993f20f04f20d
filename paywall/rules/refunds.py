"""What a refund or a dispute takes back, by one rule for every processor.

The state after any events is a function of what is taken back now, never of the order in which it
came: every clawback is undone, last first, and then all that is owed is taken anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from paywall.rules.enums import TakingKind


class ClawbackAmount(NamedTuple):
    """Money of one refund or dispute that is in force, in the smallest unit of its currency."""

    amount: int
    keep_access: bool = False


class ClawbackSnapshot(NamedTuple):
    """A refund or a dispute as it stands: in force, it takes `amount` back.

    One that is pending takes nothing yet: a refund on its way, a bank that only asks.
    """

    id: str
    kind: TakingKind
    amount: int
    is_in_force: bool
    is_pending: bool
    keep_access: bool
    created_at: datetime


def clawed_back(paid: int, clawbacks: Iterable[ClawbackAmount]) -> int:
    """What refunds and disputes take back together: without what keeps access, at most all."""
    return min(paid, sum(taken.amount for taken in clawbacks if not taken.keep_access))


def wholly_clawed_back_at(
    paid: int, clawbacks: Iterable[tuple[datetime, ClawbackAmount]]
) -> datetime | None:
    """When what was taken back came to the whole; None where it does not."""
    back = 0
    for at, taken in sorted(clawbacks):
        back += 0 if taken.keep_access else taken.amount
        if 0 < paid <= back:
            return at
    return None


def credits_owed(granted: int, paid: int, back: int) -> int:
    """Credits that a grant has to give up: all when all was taken back, else rounded down."""
    return granted * back // paid if paid > 0 else 0


class ClawbackStep(NamedTuple):
    """Credits taken from one grant; `unlock_id` names the unlock that was revoked for them."""

    grant_id: int
    unlock_id: int | None
    credits: int


@dataclass
class GrantState:
    """One grant's unspent credits.

    `is_dead` where it has expired or was voided: nobody can spend them; they count as given up.
    """

    grant_id: int
    unspent: int
    is_unspendable: bool
    taken: int = 0

    @property
    def given_up(self) -> int:
        return self.taken + (self.unspent if self.is_unspendable else 0)


@dataclass
class PaidUnlock:
    """An unlock, with what each grant paid for it (credits by grant id)."""

    unlock_id: int
    article_id: str
    unlocked_at: datetime
    shares: Mapping[int, int]
    is_in_force: bool


@dataclass
class CreditState:
    """All that is at stake for one reader.

    The grants of refunded purchases with every grant that shared in paying for their unlocks,
    oldest first, as they give up; those unlocks, the steps taken so far in their order, and the
    articles that other unlocks have in force.
    """

    grants_by_id: dict[int, GrantState]
    unlocks: dict[int, PaidUnlock]
    steps: list[ClawbackStep] = field(default_factory=list)
    unlocked_elsewhere: frozenset[str] = frozenset()

    def is_unlocked(self, article_id: str) -> bool:
        return article_id in self.unlocked_elsewhere or any(
            unlock.is_in_force and unlock.article_id == article_id
            for unlock in self.unlocks.values()
        )


def settle_clawbacks(credit_state: CreditState, owed: Mapping[int, int]) -> CreditState:
    """Move the state to what each grant owes now (credits by grant id). Changes its argument."""
    _undo(credit_state)
    for grant_id, grant_state in credit_state.grants_by_id.items():
        if grant_id in owed:
            _take(credit_state, grant_state, owed[grant_id])
    return credit_state


def _undo(credit_state: CreditState) -> None:
    while credit_state.steps:
        step = credit_state.steps.pop()
        grant_state = credit_state.grants_by_id[step.grant_id]
        grant_state.taken -= step.credits
        grant_state.unspent += step.credits
        if step.unlock_id is not None:
            _revive(credit_state, credit_state.unlocks[step.unlock_id])


def _revive(credit_state: CreditState, unlock: PaidUnlock) -> None:
    """Only if all that its revocation gave back is there, and the article not unlocked again."""
    is_there = all(
        credit_state.grants_by_id[grant_id].unspent >= share
        for grant_id, share in unlock.shares.items()
    )
    if not is_there or credit_state.is_unlocked(unlock.article_id):
        return
    for grant_id, share in unlock.shares.items():
        credit_state.grants_by_id[grant_id].unspent -= share
    unlock.is_in_force = True


def _take(credit_state: CreditState, grant_state: GrantState, owed: int) -> None:
    """Credits that lapsed unspent count; then unspent ones; then the newest unlocks, whole."""
    unspent = (
        0 if grant_state.is_unspendable else min(grant_state.unspent, owed - grant_state.given_up)
    )
    if unspent > 0:
        _take_credits(credit_state, grant_state, unspent, None)
    for unlock in _newest_first(credit_state.unlocks.values(), grant_state.grant_id):
        if grant_state.given_up >= owed:
            return
        unlock.is_in_force = False
        missing = owed - grant_state.given_up
        for grant_id, share in unlock.shares.items():
            credit_state.grants_by_id[grant_id].unspent += share
        taken = min(missing, unlock.shares[grant_state.grant_id])
        _take_credits(credit_state, grant_state, taken, unlock.unlock_id)


def _take_credits(
    credit_state: CreditState, grant_state: GrantState, credits_: int, unlock_id: int | None
) -> None:
    grant_state.unspent -= credits_
    grant_state.taken += credits_
    credit_state.steps.append(ClawbackStep(grant_state.grant_id, unlock_id, credits_))


def _newest_first(unlocks: Iterable[PaidUnlock], grant_id: int) -> Sequence[PaidUnlock]:
    paid = (unlock for unlock in unlocks if unlock.is_in_force and grant_id in unlock.shares)
    return sorted(paid, key=lambda unlock: (unlock.unlocked_at, unlock.unlock_id), reverse=True)
