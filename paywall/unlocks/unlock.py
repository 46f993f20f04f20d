"""Unlocking an article with credits: at most one unlock in force per reader and article."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall import problems
from paywall.access.facts import ExtraQuery, Facts, load_facts_with_extra, viewer_of
from paywall.clock import Clock
from paywall.credits.ledger import spend, spendable_balances_parameters, spendable_balances_query
from paywall.credits.locking import lock_subscriber
from paywall.database import driver
from paywall.database.tables import Unlock
from paywall.problems import Problem
from paywall.rules.decision import Decision, Reason, decide
from paywall.rules.enums import Actor, UnlockSource
from paywall.rules.spending import GrantBalance, GrantDebit, allocate_debits
from paywall.settings import Settings

# Read with the facts in one statement; paying from more grants takes one more statement.
GRANTS_READ_FIRST = 50


class NewUnlock(NamedTuple):
    """An unlock that was just paid for; creating a table model instead would be slower."""

    id: int
    article_id: str
    unlocked_at: datetime
    payments: Sequence[GrantDebit]
    source: UnlockSource = UnlockSource.CREDITS
    revoked_at: datetime | None = None


class UnlockResult(NamedTuple):
    """The result of an unlock request; `unlocks_left` in credits."""

    unlock: NewUnlock | Unlock | None
    facts: Facts
    reason: Reason
    unlocks_left: int

    @property
    def is_new(self) -> bool:
        return isinstance(self.unlock, NewUnlock)


async def unlock_article(
    session: AsyncSession,
    reader_id: str,
    article_id: str,
    *,
    max_cost: int | None,
    actor: Actor,
    clock: Clock,
    settings: Settings,
) -> UnlockResult:
    """Unlock an article with credits; spends nothing if the article is readable already.

    Three statements: lock, read, write. A repeated request takes the lock and commits too, so it
    is answered only when the first unlock is durable. Raises Problem: ARTICLE_UNKNOWN,
    SUBSCRIPTION_REQUIRED, PRICE_CHANGED or INSUFFICIENT_CREDITS; then nothing is changed.
    """
    is_subscriber = await lock_subscriber(session, reader_id)
    now = clock.now()
    first = ExtraQuery(
        spendable_balances_query,
        spendable_balances_parameters(reader_id, now, at_most=GRANTS_READ_FIRST),
    )
    facts, lots = await load_facts_with_extra(
        session, viewer_of(reader_id), article_id, first, settings=settings, now=now
    )
    decision = decide(facts.terms, facts.viewer_state, now)
    if decision.granted:
        unlock = await unlock_in_force(session, reader_id, article_id)
        return UnlockResult(unlock, facts, decision.reason, decision.unlocks_left)
    _refuse(decision, max_cost)
    cost = decision.unlock_cost
    # Without a row there were no credits, and no lock protects what was granted since.
    if not is_subscriber:
        raise _insufficient_credits(0, cost)
    if len(lots) == GRANTS_READ_FIRST < cost:
        lots = await driver.execute(
            session,
            spendable_balances_query(),
            spendable_balances_parameters(reader_id, now, at_most=cost),
        )
    payments = allocate_debits((GrantBalance(*row) for row in lots), cost, now)
    if payments is None:
        raise _insufficient_credits(decision.unlocks_left, cost)
    id_ = await spend(session, reader_id, article_id, payments, actor=actor, at=now)
    new = NewUnlock(id_, article_id, now, payments)
    return UnlockResult(new, facts, Reason.UNLOCKED, decision.unlocks_left - cost)


def _refuse(decision: Decision, max_cost: int | None) -> None:
    if decision.reason is Reason.ARTICLE_UNKNOWN:
        raise Problem(problems.ARTICLE_UNKNOWN)
    if decision.reason is Reason.SUBSCRIPTION_REQUIRED:
        raise Problem(problems.SUBSCRIPTION_REQUIRED)
    if max_cost is not None and decision.unlock_cost > max_cost:
        raise Problem(
            problems.PRICE_CHANGED,
            f"The article costs {decision.unlock_cost}, above max_cost {max_cost}:"
            " show the new cost and ask the reader again.",
            unlock_cost=decision.unlock_cost,
            max_cost=max_cost,
        )


def _insufficient_credits(balance: int, cost: int) -> Problem:
    return Problem(
        problems.INSUFFICIENT_CREDITS,
        f"Balance {balance}, cost {cost}: buy a pack or subscribe.",
        unlocks_left=balance,
        unlock_cost=cost,
    )


async def unlock_in_force(session: AsyncSession, reader_id: str, article_id: str) -> Unlock | None:
    """The unlock in force for this reader and article, if any."""
    statement = select(Unlock).where(
        Unlock.reader_id == reader_id,
        Unlock.article_id == article_id,
        col(Unlock.revoked_at).is_(None),
    )
    return (await session.exec(statement)).first()
