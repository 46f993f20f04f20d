"""Importing unlocks from another system, without spending credits."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.clock import Clock
from paywall.credits.locking import lock_or_create_subscribers
from paywall.database.tables import Article, Unlock
from paywall.database.tables.totals import Added, add_to_totals
from paywall.problem_types import FieldError
from paywall.rules.enums import UnlockSource, UpsertOutcome

IN_THE_FUTURE = FieldError(
    "unlocked_at", "is in the future. Write the time at which the reader unlocked the article."
)
ARTICLE_NOT_ON_RECORD = FieldError(
    "article_id", "is unknown. Publish the article first, or send the source `migration`."
)


class ImportedUnlock(NamedTuple):
    """A reader unlocked an article at `unlocked_at`; None: now."""

    reader_id: str
    article_id: str
    unlocked_at: datetime | None
    source: UnlockSource = UnlockSource.MIGRATION


async def import_unlocks(
    session: AsyncSession,
    imported: Sequence[ImportedUnlock],
    *,
    clock: Clock,
    revives: bool = True,
    has_default_policy: bool = False,
) -> list[UpsertOutcome | FieldError]:
    """Import unlocks; no two may have the same reader and article.

    An unlock in force stays unchanged. An unlock that was imported earlier and revoked since stays
    revoked, so repeating an import is safe; one with another time is imported anew, unless it is
    not to be revived, and so is a complimentary one without a time. A time in the future is
    refused, and a complimentary unlock of an unknown article where no default policy applies to it.
    """
    now = clock.now()
    past = [unlock for unlock in imported if not _is_after(unlock, now)]
    await lock_or_create_subscribers(session, (unlock.reader_id for unlock in past), now)
    before = await _existing(session, past, revives=revives)
    now = clock.now()
    absent = [unlock for unlock in past if unlock not in before]
    unknown = set() if has_default_policy else await _of_unknown_articles(session, absent)
    new = [unlock for unlock in absent if unlock not in unknown]
    if new:
        connection = await session.connection()
        rows = [{**unlock._asdict(), "unlocked_at": unlock.unlocked_at or now} for unlock in new]
        await connection.execute(sa.insert(Unlock), rows)
        added = [(unlock.reader_id, Added(unlocks=1)) for unlock in new]
        await connection.run_sync(add_to_totals, added)
    refusals = dict.fromkeys(set(imported) - set(past), IN_THE_FUTURE)
    refusals |= dict.fromkeys(unknown, ARTICLE_NOT_ON_RECORD)
    return [
        refusals.get(unlock)
        or (UpsertOutcome.UNCHANGED if unlock in before else UpsertOutcome.CREATED)
        for unlock in imported
    ]


def _is_after(unlock: ImportedUnlock, now: datetime) -> bool:
    return unlock.unlocked_at is not None and unlock.unlocked_at > now


async def _existing(
    session: AsyncSession, imported: Sequence[ImportedUnlock], *, revives: bool
) -> set[ImportedUnlock]:
    """Those that are in force, or were imported earlier and revoked since."""
    statement = select(Unlock).where(
        col(Unlock.reader_id).in_({unlock.reader_id for unlock in imported}),
        col(Unlock.article_id).in_({unlock.article_id for unlock in imported}),
    )
    settled: set[tuple[str, str]] = set()
    revoked: set[ImportedUnlock] = set()
    for unlock in await session.exec(statement):
        own = ImportedUnlock(unlock.reader_id, unlock.article_id, unlock.unlocked_at, unlock.source)
        is_migrated = own.source is UnlockSource.MIGRATION
        if unlock.revoked_at is None or (is_migrated and not revives):
            settled.add((own.reader_id, own.article_id))
        else:
            revoked.add(own)
            revoked |= {own._replace(unlocked_at=None)} if is_migrated else set()
    return {u for u in imported if (u.reader_id, u.article_id) in settled or u in revoked}


async def _of_unknown_articles(
    session: AsyncSession, imported: Sequence[ImportedUnlock]
) -> set[ImportedUnlock]:
    """The complimentary unlocks of articles that are not on record."""
    given = [unlock for unlock in imported if unlock.source is UnlockSource.COMPLIMENTARY]
    statement = select(Article.id).where(
        col(Article.id).in_([unlock.article_id for unlock in given])
    )
    known = set((await session.exec(statement)).all()) if given else set()
    return {unlock for unlock in given if unlock.article_id not in known}
