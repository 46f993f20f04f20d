"""Importing unlocks from another system, without spending credits."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.clock import Clock
from paywall.credits.locking import lock_or_create_subscribers
from paywall.database.tables import Unlock
from paywall.database.tables.totals import Added, add_to_totals
from paywall.problems import FieldError
from paywall.rules.enums import UnlockSource, UpsertOutcome

IN_THE_FUTURE = FieldError(
    "unlocked_at", "is in the future. Write the time at which the reader unlocked the article."
)


class ImportedUnlock(NamedTuple):
    """A reader unlocked an article at `unlocked_at`."""

    reader_id: str
    article_id: str
    unlocked_at: datetime


async def import_unlocks(
    session: AsyncSession,
    migrated: Sequence[ImportedUnlock],
    *,
    clock: Clock,
    revives: bool = True,
) -> list[UpsertOutcome | FieldError]:
    """Import unlocks; no two may have the same reader and article.

    An unlock in force stays unchanged. An unlock that was imported earlier and revoked since stays
    revoked, so repeating an import is safe; one with another time is imported anew, unless it is
    not to be revived. A time in the future is refused.
    """
    now = clock.now()
    past = [unlock for unlock in migrated if unlock.unlocked_at <= now]
    await lock_or_create_subscribers(session, (unlock.reader_id for unlock in past), now)
    before = await _existing(session, past, revives=revives)
    new = [unlock for unlock in past if unlock not in before]
    if new:
        connection = await session.connection()
        await connection.execute(
            sa.insert(Unlock),
            [{**unlock._asdict(), "source": UnlockSource.MIGRATION} for unlock in new],
        )
        added = [(unlock.reader_id, Added(unlocks=1)) for unlock in new]
        await connection.run_sync(add_to_totals, added)
    return [
        IN_THE_FUTURE
        if unlock.unlocked_at > now
        else UpsertOutcome.UNCHANGED
        if unlock in before
        else UpsertOutcome.CREATED
        for unlock in migrated
    ]


async def _existing(
    session: AsyncSession, migrated: Sequence[ImportedUnlock], *, revives: bool
) -> set[ImportedUnlock]:
    statement = select(Unlock).where(
        col(Unlock.reader_id).in_({unlock.reader_id for unlock in migrated}),
        col(Unlock.article_id).in_({unlock.article_id for unlock in migrated}),
    )
    settled: set[tuple[str, str]] = set()
    revoked: set[ImportedUnlock] = set()
    for unlock in await session.exec(statement):
        is_imported = unlock.source is UnlockSource.MIGRATION
        if unlock.revoked_at is None or (is_imported and not revives):
            settled.add((unlock.reader_id, unlock.article_id))
        elif is_imported:
            revoked.add(ImportedUnlock(unlock.reader_id, unlock.article_id, unlock.unlocked_at))
    return {u for u in migrated if (u.reader_id, u.article_id) in settled or u in revoked}
