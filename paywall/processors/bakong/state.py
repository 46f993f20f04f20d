"""When the bank is asked about a code, and by which process."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import col, or_, update
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from paywall.database.dialect import insert
from paywall.database.tables import BakongState, KhqrCode
from paywall.database.tables.bakong import THE_ONE

# However many processes and readers ask.
ASKED_EVERY = timedelta(seconds=2)
PAUSE_MIN = timedelta(seconds=5)
PAUSE_MAX = timedelta(days=1)
# The bank is asked about no code that is older.
ASKED_FOR = timedelta(days=7)
# A process that is killed while it sweeps holds up the others no longer.
LEASE = timedelta(seconds=60)


def next_ask_at(code: KhqrCode, now: datetime) -> datetime | None:
    """When the bank is to be asked again: ever more rarely, at last at the end of ASKED_FOR.

    A paid code is asked about once a day, as it may be paid a second time.
    """
    ends_at = code.created_at + ASKED_FOR
    if now >= ends_at:
        return None
    growing = min(max(PAUSE_MIN, (now - code.created_at) / 4), PAUSE_MAX)
    return min(now + (growing if code.purchase_id is None else PAUSE_MAX), ends_at)


def _was_not_just_asked(now: datetime) -> sa.ColumnElement[bool]:
    """A condition for codes."""
    return or_(col(KhqrCode.asked_at).is_(None), col(KhqrCode.asked_at) <= now - ASKED_EVERY)


async def take_question(session: AsyncSession, code_id: str, now: datetime) -> bool:
    """Whether the caller may ask about this code now: nobody did within ASKED_EVERY."""
    taken = (
        update(KhqrCode)
        .where(col(KhqrCode.id) == code_id, _was_not_just_asked(now))
        .where(col(KhqrCode.next_ask_at).is_not(None))
        .values(asked_at=now)
        .returning(col(KhqrCode.id))
    )
    return (await session.exec(taken)).first() is not None


async def mark_asked(
    session: AsyncSession, wanted: SelectOfScalar[KhqrCode], now: datetime
) -> list[KhqrCode]:
    """Those of the wanted codes that the caller may ask about now, marked as asked about."""
    statement = wanted.where(_was_not_just_asked(now)).with_for_update(skip_locked=True)
    codes = list((await session.exec(statement)).all())
    for code in codes:
        code.asked_at = now
        session.add(code)
    await session.flush()
    return codes


async def take_lease(session: AsyncSession, sweeper: str, now: datetime) -> bool:
    """Start to sweep, or go on; False while another process does."""
    made = insert(session, BakongState).values(id=THE_ONE)
    await session.exec(made.on_conflict_do_nothing())
    is_free = or_(
        col(BakongState.sweeps_until).is_(None),
        col(BakongState.sweeps_until) <= now,
        col(BakongState.sweeper) == sweeper,
    )
    taken = (
        update(BakongState)
        .where(col(BakongState.id) == THE_ONE, is_free)
        .values(sweeper=sweeper, sweeps_until=now + LEASE)
        .returning(col(BakongState.id))
    )
    return (await session.exec(taken)).first() is not None


async def end_lease(session: AsyncSession, sweeper: str) -> None:
    """Let the next process sweep, unless another one does already."""
    ended = update(BakongState).where(col(BakongState.sweeper) == sweeper)
    await session.exec(ended.values(sweeper=None, sweeps_until=None))
