"""The number of credits that all readers together can still spend."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall import telemetry
from paywall.database.tables import CreditGrant


async def report_outstanding(session: AsyncSession, now: datetime) -> int:
    """Housekeeping: set the metric; returns 0 because nothing is left to do."""
    unexpired = sa.or_(col(CreditGrant.expires_at).is_(None), col(CreditGrant.expires_at) > now)
    total = select(sa.func.coalesce(sa.func.sum(col(CreditGrant.remaining)), 0)).where(
        CreditGrant.remaining > 0, unexpired
    )
    telemetry.set_credits_outstanding(int((await session.exec(total)).one()))
    return 0
