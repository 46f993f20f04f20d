"""Asking about a reader's codes before the reader is erased, and erasing the reader from them."""

from collections.abc import Collection
from datetime import datetime

from sqlmodel import col, or_, select, update
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from paywall.database.tables import KhqrCode, UnmatchedPayment
from paywall.problems import unavailable
from paywall.processors.bakong.confirm import find_paid, record_answer
from paywall.processors.bakong.context import BakongContext
from paywall.processors.bakong.state import ASKED_EVERY, mark_asked

BATCH_CODES = 50


def _unpaid(reader_ids: Collection[str]) -> SelectOfScalar[KhqrCode]:
    """Codes that may have been paid since the bank was last asked."""
    return select(KhqrCode).where(
        col(KhqrCode.reader_id).in_(reader_ids),
        col(KhqrCode.purchase_id).is_(None),
        col(KhqrCode.next_ask_at).is_not(None),
    )


async def has_unpaid_codes(session: AsyncSession, reader_ids: Collection[str]) -> bool:
    return (await session.exec(_unpaid(reader_ids).limit(1))).first() is not None


async def ask_about_unpaid(context: BakongContext, reader_ids: Collection[str]) -> datetime:
    """Ask about every unpaid code, and record what was paid; returns the time before the questions.

    Raises Unconfirmed where the bank does not answer clearly.
    """
    database, last_id = context.database, ""
    began_at = database.clock.now()
    while True:
        wanted = _unpaid(reader_ids).where(KhqrCode.id > last_id).order_by(col(KhqrCode.id))
        async with database.writing() as session:
            codes = await mark_asked(session, wanted.limit(BATCH_CODES), database.clock.now())
        if not codes:
            return began_at
        last_id = codes[-1].id
        for code in await find_paid(context, codes):
            await record_answer(context, code.id, await context.client.transaction(code.md5))


async def forget_reader_of_codes(
    session: AsyncSession, reader_ids: Collection[str], began_at: datetime | None
) -> None:
    """Erase from codes and payments what only the reader needs; they stay, as payments do.

    A late payment of a code then becomes an unmatched one. An account that money is still to be
    returned to is kept. The caller holds the reader's lock. Raises Problem(UNAVAILABLE) if the bank
    has not answered about an unpaid code since shortly before `began_at`.
    """
    unanswered = _unpaid(reader_ids)
    if began_at is not None:
        is_old = col(KhqrCode.answered_at) < began_at - ASKED_EVERY
        unanswered = unanswered.where(or_(col(KhqrCode.answered_at).is_(None), is_old))
    if (await session.exec(unanswered.limit(1))).first() is not None:
        raise unavailable(
            "The bank is being asked about a checkout of this reader: repeat the request.",
            retry_after_seconds=int(ASKED_EVERY.total_seconds()),
        )
    mine = col(KhqrCode.reader_id).in_(reader_ids)
    await session.exec(update(KhqrCode).where(mine).values(return_url=None, deep_link=None))
    resolved = update(UnmatchedPayment).where(
        col(UnmatchedPayment.reader_id).in_(reader_ids),
        col(UnmatchedPayment.resolution).is_not(None),
    )
    await session.exec(resolved.values(from_account="", note=None))
