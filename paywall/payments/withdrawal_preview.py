"""What a withdrawal would do: it is declared and refunded in a transaction that is discarded."""

from typing import NamedTuple

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.clock import Clock
from paywall.credits.ledger import spendable_grants
from paywall.credits.responses import GRANTS_MAX
from paywall.database.tables import Purchase, Unlock
from paywall.payments.refund import RefundTerms, refund_purchase
from paywall.payments.withdrawals import (
    WithdrawalAnswer,
    declare_withdrawal,
    withdrawal_to_response,
)
from paywall.rules.enums import Actor
from paywall.settings import Settings


class _Holdings(NamedTuple):
    credits: int
    articles: int


async def preview_withdrawal(
    session: AsyncSession, purchase: Purchase, settings: Settings, *, actor: Actor, clock: Clock
) -> WithdrawalAnswer:
    """The effect that withdrawing would have; the caller's transaction must be a discarding one."""
    withdrawal = await declare_withdrawal(session, purchase, settings, clock.now())
    answer = withdrawal_to_response(purchase, withdrawal)
    answer.id = answer.number = answer.at = answer.state = None
    before = await _holdings_of(session, purchase.reader_id, clock)
    amount = min(withdrawal.amount, purchase.amount_paid - purchase.refunded)
    if amount > 0:
        terms = RefundTerms(withdrawal.id, amount)
        await refund_purchase(session, purchase.id, terms, actor=actor, clock=clock)
    after = await _holdings_of(session, purchase.reader_id, clock)
    # A closed article returns the credits that another payment gave for it.
    answer.credits_lost = max(before.credits - after.credits, 0)
    answer.articles_lost = before.articles - after.articles
    return answer


async def _holdings_of(session: AsyncSession, reader_id: str, clock: Clock) -> _Holdings:
    grants = await spendable_grants(session, reader_id, clock.now(), at_most=GRANTS_MAX)
    in_force = select(func.count()).where(
        Unlock.reader_id == reader_id, col(Unlock.revoked_at).is_(None)
    )
    articles = (await session.exec(in_force)).one()
    return _Holdings(sum(grant.remaining for grant in grants), articles)
