"""What refunds and disputes claw back; one rule for every processor.

The result depends only on the amounts clawed back now, not on the order of the events: all
earlier steps are undone, last first, and then everything that is owed is taken again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from paywall.rules.enums import ClawbackKind
from paywall.rules.prepaid import Span


class ClawbackAmount(NamedTuple):
    """The amount of one refund or dispute in force, in the currency's smallest unit."""

    amount: int
    keep_access: bool = False


class ClawbackSnapshot(NamedTuple):
    """A refund or a dispute as it stands: in force, it takes `amount` back.

    One that is pending is a refund whose money is on its way, or an inquiry, which is not in force.
    It took effect at `effective_at` (None: when it was created), and until `withdrawn_at` if it
    failed or was won.
    """

    id: str
    kind: ClawbackKind
    amount: int
    is_in_force: bool
    is_pending: bool
    keep_access: bool
    created_at: datetime
    effective_at: datetime | None = None
    withdrawn_at: datetime | None = None


def clawed_back(paid: int, clawbacks: Iterable[ClawbackAmount]) -> int:
    """The sum of all refunds and disputes except those that keep access; at most `paid`."""
    return min(paid, sum(taken.amount for taken in clawbacks if not taken.keep_access))


class ClawbackEffect(NamedTuple):
    """An amount that was clawed back during a span; the span has no end if it still is."""

    span: Span
    amount: int


def wholly_clawed_back(paid: int, effects: Sequence[ClawbackEffect]) -> list[Span]:
    """The spans, in order, during which the whole price was clawed back."""
    times = sorted({time for effect in effects for time in effect.span})
    spans = map(Span._make, pairwise(times))
    return [
        span
        for span in spans
        if 0 < paid <= sum(e.amount for e in effects if e.span.contains(span.starts_at))
    ]


def credits_owed(granted: int, paid: int, back: int) -> int:
    """Credits that a grant has to give up: its share of the amount clawed back, rounded down."""
    return granted * back // paid if paid > 0 else 0


class CreditedPeriod(NamedTuple):
    """The time `[starts_at, ends_at)` that credits were granted for, and from when it was credited.

    `refunded`: by refunds and disputes, without the credit.
    """

    starts_at: datetime
    ends_at: datetime
    credited_from: datetime
    refunded: int


def credits_owed_after_credit(granted: int, paid: int, period: CreditedPeriod) -> int:
    """Credits that a grant has to give up after a proration credit for the rest of its period.

    By time and not by money: a balance or a coupon in Stripe can pay for a period in part or in
    whole. The share of the time is rounded up, so that switching again and again gains nothing.
    """
    rest = period.ends_at - max(period.starts_at, min(period.credited_from, period.ends_at))
    for_time = -(-granted * rest // (period.ends_at - period.starts_at))
    return min(granted, for_time + credits_owed(granted, paid, min(paid, period.refunded)))


class ClawbackStep(NamedTuple):
    """Credits taken from one grant; `unlock_id` names the unlock that was revoked for them."""

    grant_id: int
    unlock_id: int | None
    credits: int


@dataclass
class GrantState:
    """One grant's unspent credits, and those taken by clawbacks.

    `is_unspendable` if the grant has expired or was voided: its unspent credits count as given up.
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
    """An unlock, and what each grant paid for it (credits by grant id)."""

    unlock_id: int
    article_id: str
    unlocked_at: datetime
    shares: Mapping[int, int]
    is_in_force: bool


@dataclass
class CreditState:
    """Everything of one reader that a clawback can change.

    The grants of refunded purchases and every grant that shared in paying for their unlocks,
    oldest first; these unlocks; the earlier steps in order; and the articles that the reader's
    other unlocks in force open.
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
    """Change the state, in place, to what each grant owes now (credits by grant id)."""
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
    """Only if all credits that its revocation returned are unspent and the article is locked."""
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
    """Take credits that expired unspent first, then unspent ones, then whole newest unlocks."""
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
