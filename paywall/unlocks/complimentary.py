"""Unlocks without credits: complimentary ones from the site, or migrated from another system."""

from datetime import UTC, datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.access.facts import load_article_facts, viewer_of
from paywall.clock import Clock
from paywall.credits.locking import lock_or_create_subscriber
from paywall.database.tables import Unlock
from paywall.problems import ARTICLE_UNKNOWN, Problem, invalid
from paywall.rules.enums import UnlockSource
from paywall.settings import Settings
from paywall.unlocks.unlock import unlock_in_force


async def add_unlock(
    session: AsyncSession,
    reader_id: str,
    article_id: str,
    *,
    source: UnlockSource,
    unlocked_at: datetime | None,
    clock: Clock,
    settings: Settings,
) -> tuple[Unlock, bool]:
    """Add an unlock as of `unlocked_at` (default: now); returns whether it is new.

    An unlock that is in force already stays unchanged. A migrated unlock may name an unknown
    article; a complimentary one raises Problem(ARTICLE_UNKNOWN). A time in the future is refused.
    """
    await lock_or_create_subscriber(session, reader_id, clock.now())
    now = clock.now()
    if unlock := await unlock_in_force(session, reader_id, article_id):
        return unlock, False
    if unlocked_at is not None and unlocked_at > now:
        raise invalid("unlocked_at", "is in the future; leave it out to unlock as of now")
    if source is UnlockSource.COMPLIMENTARY:
        facts = await load_article_facts(
            session, viewer_of(reader_id), article_id, settings=settings, now=now
        )
        if facts.terms is None:
            raise Problem(ARTICLE_UNKNOWN)
    since = now if unlocked_at is None else unlocked_at.astimezone(UTC)
    unlock = Unlock(reader_id=reader_id, article_id=article_id, source=source, unlocked_at=since)
    session.add(unlock)
    await session.flush()
    return unlock, True
