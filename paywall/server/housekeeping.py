"""What has to be tidied now and then, by one process at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall import idempotency
from paywall.access import meter
from paywall.credits.expiry import enter_expired
from paywall.credits.outstanding import show_outstanding
from paywall.database.engine import Database
from paywall.database.errors import is_unavailable
from paywall.processors.stripe import handled_events, intents
from paywall.telemetry import logger
from paywall.tokens import revocation

EVERY_SECONDS = 300
LOCK_KEY = 7292_5902
BATCHES_MAX = 1000

# A verb that does at most a batch and tells how many rows it did; it is asked again until 0.
Step = Callable[[AsyncSession, datetime], Awaitable[int]]

STEPS: Sequence[Step] = (
    enter_expired,
    meter.forget,
    idempotency.forget,
    revocation.forget,
    intents.forget,
    handled_events.forget,
    show_outstanding,
)


async def run_housekeeping(database: Database, every_seconds: float = EVERY_SECONDS) -> None:
    """Tidy for as long as the service runs."""
    while True:
        await asyncio.sleep(every_seconds)
        await run_housekeeping_once(database, STEPS)


async def run_housekeeping_once(database: Database, steps: Sequence[Step]) -> None:
    """Take each step once through; one that fails is logged, and tried again next time.

    Without the database none can be taken: all are tried again next time.
    """
    for step in steps:
        try:
            await _take(database, step)
        except Exception as error:
            if is_unavailable(error):
                logger.warning("housekeeping waits for the database", exc_info=error)
                return
            logger.exception("housekeeping failed", extra={"fields": {"step": _name(step)}})


def _name(step: Step) -> str:
    return f"{step.__module__}.{step.__qualname__}"


async def _take(database: Database, step: Step) -> None:
    """A transaction a batch, so that nobody waits for long behind it."""
    for _ in range(BATCHES_MAX):
        async with database.writing() as session:
            if not await _is_alone(database, session):
                return
            rows = await step(session, database.clock.now())
        if rows == 0:
            return


async def _is_alone(database: Database, session: AsyncSession) -> bool:
    """On SQLite there is one process anyway."""
    if database.is_sqlite:
        return True
    lock = select(sa.func.pg_try_advisory_xact_lock(LOCK_KEY))
    return bool((await session.exec(lock)).one())
