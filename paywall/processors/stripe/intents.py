"""Intents: each write to Stripe is committed before the request is sent.

Each intent has an idempotency key of its own, which only its retries reuse: with one key for
cancelling, resuming and cancelling again, Stripe would replay the first response to the third
request.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from sqlmodel import col, delete, update
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.dialect import insert
from paywall.database.engine import Database
from paywall.database.tables import StripeIntent
from paywall.problems import Problem, Unconfirmed
from paywall.rules.enums import IntentKind, IntentState

# Past a request's deadline, after which another request may take the intent over.
ASKED_FOR = timedelta(seconds=12)
# Six seconds in all.
ATTEMPTS_MAX = 60
RETRY_AFTER_SECONDS = 0.1
KEPT_FOR = timedelta(days=30)


async def attempts() -> AsyncIterator[None]:
    """When to try for an intent: at once, and then while a twin may be asking Stripe the same.

    The caller raises Problem(REQUEST_IN_PROGRESS) after the last.
    """
    for _ in range(ATTEMPTS_MAX):
        yield
        await asyncio.sleep(RETRY_AFTER_SECONDS)
    yield


async def take_intent(
    session: AsyncSession, kind: IntentKind, target: str, now: datetime
) -> StripeIntent | None:
    """A new intent, or one whose request ended without an answer; None while another asks.

    Commit it before asking Stripe.
    """
    until = now + ASKED_FOR
    left = (
        update(StripeIntent)
        .where(
            col(StripeIntent.kind) == kind,
            col(StripeIntent.target) == target,
            col(StripeIntent.state) == IntentState.ASKED,
            col(StripeIntent.asked_until) <= now,
        )
        .values(asked_until=until)
        .returning(StripeIntent)
    )
    taken: StripeIntent | None = (await session.exec(left)).scalars().first()
    if taken is not None:
        return taken
    new = (
        insert(session, StripeIntent)
        .values(
            key=f"paywall_{secrets.token_hex(16)}",
            kind=kind,
            target=target,
            state=IntentState.ASKED,
            asked_until=until,
            created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(StripeIntent)
    )
    made: StripeIntent | None = (await session.exec(new)).scalars().first()
    return made


async def finish_intent(session: AsyncSession, intent: StripeIntent, state: IntentState) -> None:
    """Stripe confirmed or certainly did not do it: the key is not used again."""
    settled = update(StripeIntent).where(col(StripeIntent.id) == intent.id)
    await session.exec(settled.values(state=state))


async def give_up(
    session: AsyncSession, intent: StripeIntent, error: Problem, now: datetime
) -> None:
    """Record that Stripe did not confirm an intent.

    After a refusal or a 5xx nothing is in progress, and the next try is a new intent: Stripe would
    replay a stored 500. After a time-out it may still be done: the next try uses the same key.
    """
    if isinstance(error, Unconfirmed) and not error.is_answered:
        left = update(StripeIntent).where(col(StripeIntent.id) == intent.id)
        await session.exec(left.values(asked_until=now))
    else:
        await finish_intent(session, intent, IntentState.FAILED)


@asynccontextmanager
async def give_up_on_problem(database: Database, intent: StripeIntent) -> AsyncIterator[None]:
    """Around the request of an intent: a Problem gives the intent up."""
    try:
        yield
    except Problem as error:
        async with database.writing() as session:
            await give_up(session, intent, error, database.clock.now())
        raise


async def forget(session: AsyncSession, now: datetime) -> int:
    """Housekeeping: delete intents that were settled long ago; returns their number."""
    old = delete(StripeIntent).where(
        col(StripeIntent.state) != IntentState.ASKED,
        col(StripeIntent.created_at) <= now - KEPT_FOR,
    )
    return (await session.exec(old)).rowcount
