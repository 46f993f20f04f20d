"""What a refund or a dispute takes back, by one rule for every processor.

The state after any events is a function of what is taken back now, never of the order in which it
came: every taking is undone, last first, and then all that is owed is taken anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple


class Taken(NamedTuple):
    """Money of one refund or dispute that is in force, in the smallest unit of its currency."""

    amount: int
    keep_access: bool = False


def taken_back(paid: int, takings: Iterable[Taken]) -> int:
    """What refunds and disputes take back together: without what keeps access, at most all."""
    return min(paid, sum(taken.amount for taken in takings if not taken.keep_access))


def wholly_taken_back_at(paid: int, takings: Iterable[tuple[datetime, Taken]]) -> datetime | None:
    """When what was taken back came to the whole; None where it does not."""
    back = 0
    for at, taken in sorted(takings):
        back += 0 if taken.keep_access else taken.amount
        if 0 < paid <= back:
            return at
    return None


def credits_owed(granted: int, paid: int, back: int) -> int:
    """Credits that a grant has to give up: all when all was taken back, else rounded down."""
    return granted * back // paid if paid > 0 else 0


class Step(NamedTuple):
    """Credits taken from one grant; `unlock_id` names the unlock that was revoked for them."""

    grant_id: int
    unlock_id: int | None
    credits: int


@dataclass
class Holding:
    """One grant's unspent credits.

    `is_dead` where it has expired or was voided: nobody can spend them; they count as given up.
    """

    grant_id: int
    unspent: int
    is_dead: bool
    taken: int = 0

    @property
    def given_up(self) -> int:
        return self.taken + (self.unspent if self.is_dead else 0)


@dataclass
class PaidUnlock:
    """An unlock, with what each grant paid for it (credits by grant id)."""

    unlock_id: int
    article_id: str
    unlocked_at: datetime
    shares: Mapping[int, int]
    is_in_force: bool


@dataclass
class Estate:
    """All that is at stake for one reader.

    The grants of refunded purchases with every grant that shared in paying for their unlocks,
    oldest first, as they give up; those unlocks, the steps taken so far in their order, and the
    articles that other unlocks have in force.
    """

    holdings: dict[int, Holding]
    unlocks: dict[int, PaidUnlock]
    steps: list[Step] = field(default_factory=list)
    unlocked_elsewhere: frozenset[str] = frozenset()

    def is_unlocked(self, article_id: str) -> bool:
        return article_id in self.unlocked_elsewhere or any(
            unlock.is_in_force and unlock.article_id == article_id
            for unlock in self.unlocks.values()
        )


def settle(estate: Estate, owed: Mapping[int, int]) -> Estate:
    """Move the estate to what each grant owes now (credits by grant id). Changes its argument."""
    _undo(estate)
    for grant_id, holding in estate.holdings.items():
        if grant_id in owed:
            _take(estate, holding, owed[grant_id])
    return estate


def _undo(estate: Estate) -> None:
    while estate.steps:
        step = estate.steps.pop()
        holding = estate.holdings[step.grant_id]
        holding.taken -= step.credits
        holding.unspent += step.credits
        if step.unlock_id is not None:
            _revive(estate, estate.unlocks[step.unlock_id])


def _revive(estate: Estate, unlock: PaidUnlock) -> None:
    """Only if all that its revocation gave back is there, and the article not unlocked again."""
    is_there = all(
        estate.holdings[grant_id].unspent >= share for grant_id, share in unlock.shares.items()
    )
    if not is_there or estate.is_unlocked(unlock.article_id):
        return
    for grant_id, share in unlock.shares.items():
        estate.holdings[grant_id].unspent -= share
    unlock.is_in_force = True


def _take(estate: Estate, holding: Holding, owed: int) -> None:
    """Credits that lapsed unspent count; then unspent ones; then the newest unlocks, whole."""
    unspent = 0 if holding.is_dead else min(holding.unspent, owed - holding.given_up)
    if unspent > 0:
        _take_credits(estate, holding, unspent, None)
    for unlock in _newest_first(estate.unlocks.values(), holding.grant_id):
        if holding.given_up >= owed:
            return
        unlock.is_in_force = False
        missing = owed - holding.given_up
        for grant_id, share in unlock.shares.items():
            estate.holdings[grant_id].unspent += share
        taken = min(missing, unlock.shares[holding.grant_id])
        _take_credits(estate, holding, taken, unlock.unlock_id)


def _take_credits(estate: Estate, holding: Holding, credits_: int, unlock_id: int | None) -> None:
    holding.unspent -= credits_
    holding.taken += credits_
    estate.steps.append(Step(holding.grant_id, unlock_id, credits_))


def _newest_first(unlocks: Iterable[PaidUnlock], grant_id: int) -> Sequence[PaidUnlock]:
    paid = (unlock for unlock in unlocks if unlock.is_in_force and grant_id in unlock.shares)
    return sorted(paid, key=lambda unlock: (unlock.unlocked_at, unlock.unlock_id), reverse=True)
