"""The way back: what readers have here now, as rows of the old plug-in's fields.

The rows are those of `users.csv`, so that they can be imported here again as well.
"""

import re
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.engine import Database
from paywall.database.tables import Subscriber, Subscription, Unlock
from paywall.imports.wordpress.folder import FolderSettings
from paywall.imports.wordpress.old_reader import ACTIVE, WAITS_FOR_RENEWAL
from paywall.imports.wordpress.put_readers import ReaderState, states_of
from paywall.imports.wordpress.user_options import FIELD_PREFIXES

READERS_MAX = 500
NUMBER = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
SUBSCRIPTION_FIELDS = frozenset(["subscribe_status", "expired_date"])
HEADER = ("user_id", "meta_key", "meta_value")
BackRow = tuple[str, str, str]


async def rows_back(database: Database, settings: FolderSettings) -> AsyncIterator[BackRow]:
    """The fields of each reader whose id is the prefix and a number, in the order of the ids."""
    after = ""
    while True:
        async with database.reading() as session:
            statement = (
                select(Subscriber.id)
                .where(col(Subscriber.id) > after)
                .order_by(col(Subscriber.id))
                .limit(READERS_MAX)
            )
            reader_ids = (await session.exec(statement)).all()
            rows = await _rows_of(session, reader_ids, settings, database.clock.now())
        for row in rows:
            yield row
        if len(reader_ids) < READERS_MAX:
            return
        after = reader_ids[-1]


async def _rows_of(
    session: AsyncSession, reader_ids: Sequence[str], settings: FolderSettings, now: datetime
) -> list[BackRow]:
    states = await states_of(session, reader_ids, now)
    statement = (
        select(Unlock.reader_id, Unlock.article_id)
        .where(col(Unlock.reader_id).in_(reader_ids), col(Unlock.revoked_at).is_(None))
        .order_by(col(Unlock.unlocked_at), col(Unlock.id))
    )
    posts: dict[str, list[str]] = {}
    for reader_id, article_id in (await session.exec(statement)).all():
        if post_id := _number(article_id, settings.article_prefix):
            posts.setdefault(reader_id, []).append(post_id)
    owners = select(Subscription.reader_id).where(col(Subscription.reader_id).in_(reader_ids))
    subscribed = set((await session.exec(owners.distinct())).all())
    return [
        (user_id, f"{settings.table_prefix}{FIELD_PREFIXES[settings.plugin]}{name}", value)
        for reader_id in reader_ids
        if (user_id := _number(reader_id, settings.reader_prefix))
        for name, value in _fields(states[reader_id], posts.get(reader_id, []), settings).items()
        # A subscription that could not be linked is on record in the old plug-in alone.
        if reader_id in subscribed or name not in SUBSCRIPTION_FIELDS
    ]


def _number(id_: str, prefix: str) -> str | None:
    number = id_.removeprefix(prefix)
    return number if id_.startswith(prefix) and NUMBER.fullmatch(number) else None


def _fields(
    state: ReaderState, post_ids: Sequence[str], settings: FolderSettings
) -> dict[str, str]:
    """Values as the plug-in writes them; WordPress stores false as an empty text."""
    until = state.access_until
    end = until - WAITS_FOR_RENEWAL[settings.plugin] if until else None
    elements = "".join(f"i:{n};i:{post_id};" for n, post_id in enumerate(post_ids))
    return {
        "unlock_remaining": str(state.credits),
        "unlocked_post_list": f"a:{len(post_ids)}:{{{elements}}}",
        "subscribe_status": ACTIVE if end else "",
        "expired_date": f"{end:%Y-%m-%d %H:%M:%S}" if end else "",
    }
