"""Entering what has expired. The balance does not wait for it: expiry is a matter of time alone."""

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
    """Of a grant: it is over with something left, which no entry says yet."""
    return col(CreditGrant.remaining) > 0, col(CreditGrant.expires_at) <= now


async def record_expired(session: AsyncSession, now: datetime) -> int:
    """Housekeeping: write the `expired` entries of one reader; tells how many readers it found."""
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
