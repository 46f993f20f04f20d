"""Asking the bank about every code that may have been paid, by one process at a time.

It makes up for a page that was closed, a crash, and an outage of the bank.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import count

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from paywall import telemetry
from paywall.database.errors import is_unavailable
from paywall.database.tables import KhqrCode
from paywall.problems import Problem, Unconfirmed
from paywall.processors.bakong.api_errors import BankUnclear
from paywall.processors.bakong.confirm import find_paid, record_answer
from paywall.processors.bakong.context import BakongContext
from paywall.processors.bakong.state import (
    ASKED_FOR,
    end_lease,
    mark_asked,
    take_lease,
)
from paywall.processors.bakong.unmatched import count_outstanding
from paywall.rules.enums import CodeOutcome
from paywall.telemetry import BackgroundTask, BakongOutcome, logger

BATCH_CODES = 50
BATCHES_MAX = 20
EVERY_SECONDS = 5.0
# After failures the pause doubles up to this.
EVERY_SECONDS_MAX = 60.0


async def keep_sweeping(context: BakongContext) -> None:
    """Sweep for as long as the service runs."""
    telemetry.expect_success(BackgroundTask.KHQR_SWEEP)
    pause_seconds = EVERY_SECONDS
    while True:
        await asyncio.sleep(pause_seconds)
        pause_seconds = min(pause_seconds * 2, EVERY_SECONDS_MAX)
        try:
            if await sweep(context) is not None:
                telemetry.record_success(BackgroundTask.KHQR_SWEEP)
            pause_seconds = EVERY_SECONDS
        except Unconfirmed:
            # The client has logged it.
            continue
        except Exception as error:
            if is_unavailable(error):
                logger.warning("the sweeper waits for the database", exc_info=error)
            else:
                logger.exception("sweeping failed")


async def sweep(context: BakongContext, *, whole: bool = False) -> Counter[CodeOutcome] | None:
    """Ask about all due codes, or with `whole` about all of the last ASKED_FOR.

    Returns the outcomes of those that the bank reports as paid; None while another process sweeps.
    Raises Unconfirmed where the bank does not answer clearly about a batch: its codes stay due.
    """
    database, sweeper = context.database, secrets.token_hex(12)
    outcomes: Counter[CodeOutcome] | None = None
    last_id = ""
    try:
        for _ in count() if whole else range(BATCHES_MAX):
            async with database.writing() as session:
                now = database.clock.now()
                if not await take_lease(session, sweeper, now):
                    break
                due = _of_last_days(now, last_id) if whole else _due(now)
                codes = await mark_asked(session, due.limit(BATCH_CODES), now)
            outcomes = outcomes or Counter()
            if not codes:
                break
            last_id = codes[-1].id
            for code in await _paid_or_unclear(context, codes):
                outcomes[await _ask_for_payment(context, sweeper, code)] += 1
    finally:
        async with database.writing() as session:
            await end_lease(session, sweeper)
            await _report(session, database.clock.now())
    return outcomes


async def _paid_or_unclear(context: BakongContext, codes: Sequence[KhqrCode]) -> Sequence[KhqrCode]:
    """Those to ask about one by one: all, if one unclear answer would hold up the others."""
    try:
        return await find_paid(context, codes)
    except BankUnclear as error:
        if error.outcome is not BakongOutcome.UNCLEAR:
            raise
        return codes


async def _ask_for_payment(context: BakongContext, sweeper: str, code: KhqrCode) -> CodeOutcome:
    """One unclear answer must not keep the rest from being asked about."""
    database = context.database
    async with database.writing() as session:
        # Renewed for each question, as the answers to fifty may take longer than a lease.
        await take_lease(session, sweeper, database.clock.now())
    try:
        return await record_answer(context, code.id, await context.client.transaction(code.md5))
    except Problem as error:
        logger.warning("a paid code was not recorded", exc_info=error)
        telemetry.count_khqr_codes(CodeOutcome.UNCLEAR)
        return CodeOutcome.UNCLEAR


def _due(now: datetime) -> SelectOfScalar[KhqrCode]:
    """Those first that were not asked about for the longest time, so that each has its turn."""
    last = func.coalesce(col(KhqrCode.asked_at), col(KhqrCode.created_at))
    return select(KhqrCode).where(col(KhqrCode.next_ask_at) <= now).order_by(last, KhqrCode.id)


def _of_last_days(now: datetime, after_id: str) -> SelectOfScalar[KhqrCode]:
    recent = select(KhqrCode).where(KhqrCode.created_at > now - ASKED_FOR)
    return recent.where(KhqrCode.id > after_id).order_by(col(KhqrCode.id))


async def _report(session: AsyncSession, now: datetime) -> None:
    """Since when the longest waiting code is due, and how many payments the site has to resolve."""
    waiting = select(func.min(KhqrCode.next_ask_at)).where(col(KhqrCode.next_ask_at) <= now)
    since = (await session.exec(waiting)).one()
    telemetry.set_khqr_waiting((now - since).total_seconds() if since else 0.0)
    telemetry.set_unmatched_payments(await count_outstanding(session))
