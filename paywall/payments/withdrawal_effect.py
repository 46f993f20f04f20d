"""What a withdrawal ended, for its receipt."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import (
    CreditGrant,
    LedgerEntry,
    Purchase,
    Unlock,
    UnlockPayment,
    Withdrawal,
)
from paywall.rules.enums import EntryKind
from paywall.unlocks.responses import UnlockAnswer, unlock_responses

ARTICLES_MAX = 100


class EndedByWithdrawal(NamedTuple):
    """Credits of the purchase that were taken back, and articles that are locked again."""

    credits_taken: int
    articles: Sequence[UnlockAnswer]


async def load_ended(
    session: AsyncSession, purchase: Purchase, withdrawal: Withdrawal
) -> EndedByWithdrawal:
    """What the ledger has of it since it was declared; of the articles the newest."""
    grants = select(CreditGrant.id).where(CreditGrant.purchase_id == purchase.id)
    taken = select(func.coalesce(func.sum(-LedgerEntry.amount), 0)).where(
        col(LedgerEntry.grant_id).in_(grants),
        LedgerEntry.kind == EntryKind.VOIDED,
        LedgerEntry.at >= withdrawal.at,
    )
    paid_for = select(UnlockPayment.unlock_id).where(col(UnlockPayment.grant_id).in_(grants))
    revoked = (
        select(Unlock)
        .where(col(Unlock.id).in_(paid_for), col(Unlock.revoked_at) >= withdrawal.at)
        .order_by(col(Unlock.unlocked_at).desc(), col(Unlock.id).desc())
        .limit(ARTICLES_MAX)
    )
    unlocks = (await session.exec(revoked)).all()
    credits_taken = int((await session.exec(taken)).one())
    return EndedByWithdrawal(credits_taken, await unlock_responses(session, unlocks))
