"""Periodic deletion of expired rows and recording of expired credits, by one process at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall import idempotency, telemetry
from paywall.access import meter
from paywall.credits.expiry import record_expired
from paywall.credits.outstanding import report_outstanding
from paywall.database.engine import Database
from paywall.database.errors import is_unavailable
from paywall.processors.stripe import events, intents
from paywall.telemetry import BackgroundTask, logger
from paywall.tokens import revocation

EVERY_SECONDS = 300
LOCK_KEY = 7292_5902
BATCHES_MAX = 1000

# A verb that handles at most one batch and returns the number of rows; repeated until it returns 0.
Step = Callable[[AsyncSession, datetime], Awaitable[int]]

STEPS: Sequence[Step] = (
    record_expired,
    meter.delete_past_views,
    idempotency.delete_old_keys,
    revocation.forget,
    intents.forget,
    events.forget,
    report_outstanding,
)


async def run_housekeeping(database: Database, every_seconds: float = EVERY_SECONDS) -> None:
    """Run all steps regularly, for as long as the service runs."""
    telemetry.expect_success(BackgroundTask.HOUSEKEEPING)
    while True:
        await asyncio.sleep(every_seconds)
        if await run_housekeeping_once(database, STEPS):
            telemetry.record_success(BackgroundTask.HOUSEKEEPING)


async def run_housekeeping_once(database: Database, steps: Sequence[Step]) -> bool:
    """Run each step to its end; returns whether all succeeded, here or in another process.

    A step that fails is logged and tried again next time. If the database is gone, the remaining
    steps are left for next time.
    """
    has_succeeded = True
    for step in steps:
        try:
            await _run_step(database, step)
        except Exception as error:
            if is_unavailable(error):
                logger.warning("housekeeping waits for the database", exc_info=error)
                return False
            logger.exception("housekeeping failed", extra={"fields": {"step": _name(step)}})
            has_succeeded = False
    return has_succeeded


def _name(step: Step) -> str:
    return f"{step.__module__}.{step.__qualname__}"


async def _run_step(database: Database, step: Step) -> None:
    """One transaction for each batch, so that others do not wait long for its locks."""
    for _ in range(BATCHES_MAX):
        async with database.writing() as session:
            if not await _is_alone(database, session):
                return
            rows = await step(session, database.clock.now())
        if rows == 0:
            return


async def _is_alone(database: Database, session: AsyncSession) -> bool:
    """Whether no other process does this now; on SQLite there is only one process."""
    if database.is_sqlite:
        return True
    lock = select(sa.func.pg_try_advisory_xact_lock(LOCK_KEY))
    return bool((await session.exec(lock)).one())
