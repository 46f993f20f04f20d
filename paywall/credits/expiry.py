"""Entering what has expired. The balance does not wait for it: expiry is a matter of time alone."""

from sqlmodel import col, select

from paywall.credits.ledger import give_up
from paywall.credits.locking import lock_subscriber
from paywall.database import Database
from paywall.rules.words import Actor
from paywall.tables import CreditGrant

ACTOR = Actor("paywall", "housekeeping", "")
READERS_AT_ONCE = 500


async def enter_expired(database: Database) -> int:
    """Write the `expired` entries of lapsed grants, a transaction a reader; tells how many."""
    entered = 0
    for reader_id in await _readers_with_expired(database):
        async with database.writing() as session:
            await lock_subscriber(session, reader_id)
            now = database.clock.now()
            statement = select(CreditGrant).where(
                CreditGrant.reader_id == reader_id,
                CreditGrant.remaining > 0,
                col(CreditGrant.expires_at) <= now,
            )
            for grant in (await session.exec(statement)).all():
                give_up(session, grant, actor=ACTOR, at=now)
                entered += 1
    return entered


async def _readers_with_expired(database: Database) -> list[str]:
    async with database.reading() as session:
        statement = (
            select(CreditGrant.reader_id)
            .where(CreditGrant.remaining > 0, col(CreditGrant.expires_at) <= database.clock.now())
            .distinct()
            .limit(READERS_AT_ONCE)
        )
        return list((await session.exec(statement)).all())
