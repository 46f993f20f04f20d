"""Unlocking: one transaction, at most one unlock in force for a reader and an article."""

from typing import NamedTuple

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall import problems
from paywall.access.standing import Facts, load_one, reader
from paywall.clock import Clock
from paywall.credits.ledger import lot, spend, spendable_grants
from paywall.credits.locking import lock_subscriber
from paywall.problems import Problem
from paywall.rules.decision import Decision, Reason, decide
from paywall.rules.spending import pay
from paywall.rules.words import Actor, UnlockSource
from paywall.settings import Settings
from paywall.tables import Unlock


class Outcome(NamedTuple):
    """What a click led to: `is_new` for one of any number; `unlocks_left` in credits."""

    unlock: Unlock | None
    facts: Facts
    reason: Reason
    unlocks_left: int
    is_new: bool


async def unlock_article(
    session: AsyncSession,
    reader_id: str,
    article_id: str,
    *,
    max_cost: int | None,
    actor: Actor,
    clock: Clock,
    settings: Settings,
) -> Outcome:
    """Unlock an article with credits; spends nothing on what is readable already.

    A repeat locks and commits like the first, so it is answered only once the first is as durable
    as a new one would be. Raises Problem: ARTICLE_UNKNOWN, SUBSCRIPTION_REQUIRED, PRICE_CHANGED,
    INSUFFICIENT_CREDITS; nothing is changed then.
    """
    is_subscriber = await lock_subscriber(session, reader_id)
    now = clock.now()
    facts = await load_one(session, reader(reader_id), article_id, settings=settings, now=now)
    decision = decide(facts.terms, facts.standing, now)
    if decision.granted:
        unlock = await unlock_in_force(session, reader_id, article_id)
        return Outcome(unlock, facts, decision.reason, decision.unlocks_left, is_new=False)
    _refuse(decision, max_cost)
    cost = decision.unlock_cost
    # A reader without a row had no credits when it was looked for, and nothing was locked since.
    grants = await spendable_grants(session, reader_id, now, at_most=cost) if is_subscriber else []
    payments = pay(map(lot, grants), cost, now)
    if payments is None:
        raise _too_few(decision.unlocks_left if is_subscriber else 0, cost)
    unlock = Unlock(
        reader_id=reader_id, article_id=article_id, source=UnlockSource.CREDITS, unlocked_at=now
    )
    session.add(unlock)
    await session.flush()
    spend(session, grants, payments, unlock_id=unlock.id, actor=actor, at=now)
    return Outcome(unlock, facts, Reason.UNLOCKED, decision.unlocks_left - cost, is_new=True)


def _refuse(decision: Decision, max_cost: int | None) -> None:
    if decision.reason is Reason.ARTICLE_UNKNOWN:
        raise Problem(problems.ARTICLE_UNKNOWN)
    if decision.reason is Reason.SUBSCRIPTION_REQUIRED:
        raise Problem(problems.SUBSCRIPTION_REQUIRED)
    if max_cost is not None and decision.unlock_cost > max_cost:
        raise Problem(
            problems.PRICE_CHANGED,
            f"The article costs {decision.unlock_cost}, more than the {max_cost} agreed to:"
            " show the new cost and ask the reader again.",
            unlock_cost=decision.unlock_cost,
            max_cost=max_cost,
        )


def _too_few(balance: int, cost: int) -> Problem:
    return Problem(
        problems.INSUFFICIENT_CREDITS,
        f"Balance {balance}, cost {cost}: buy a pack or subscribe.",
        unlocks_left=balance,
        unlock_cost=cost,
    )


async def unlock_in_force(session: AsyncSession, reader_id: str, article_id: str) -> Unlock | None:
    """The one unlock that opens this article for this reader."""
    statement = select(Unlock).where(
        Unlock.reader_id == reader_id,
        Unlock.article_id == article_id,
        col(Unlock.revoked_at).is_(None),
    )
    return (await session.exec(statement)).first()
