"""Ledger entries for expired credits. The balance excludes them already, by their expiry time."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.credits.ledger import write_off
from paywall.credits.locking import lock_subscriber
from paywall.database.tables import CreditGrant
from paywall.rules.enums import Actor

ACTOR = Actor("paywall", "housekeeping", "")


def expiry_unrecorded(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """Conditions for an expired grant with credits remaining: it has no `expired` entry yet."""
    return col(CreditGrant.remaining) > 0, col(CreditGrant.expires_at) <= now


async def record_expired(session: AsyncSession, now: datetime) -> int:
    """Housekeeping: write the `expired` entries of one reader; returns the number of readers."""
    lapsed = expiry_unrecorded(now)
    found = (
        select(CreditGrant.reader_id).where(*lapsed).order_by(col(CreditGrant.expires_at)).limit(1)
    )
    reader_id = (await session.exec(found)).first()
    if reader_id is None:
        return 0
    await lock_subscriber(session, reader_id)
    grants = select(CreditGrant).where(CreditGrant.reader_id == reader_id, *lapsed)
    for grant in (await session.exec(grants)).all():
        write_off(session, grant, actor=ACTOR, at=now)
    return 1
