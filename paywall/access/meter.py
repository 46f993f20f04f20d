"""Counting metered views: once per article and month, never past the limit."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import col, delete, update
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.access.standing import Facts, Viewer
from paywall.database import insert
from paywall.rules.calendar import month_of
from paywall.rules.decision import Decision, Meter, Reason, decide
from paywall.settings import Settings
from paywall.tables import MeteredViews


async def count_view(
    session: AsyncSession, viewer: Viewer, facts: Facts, *, settings: Settings, now: datetime
) -> Decision:
    """Count the view that a decision granted as `metered`, and decide again.

    Of many views that ask for the last one at once, one is granted.
    """
    meter = await _count(session, viewer, facts.article_id, settings=settings, now=now)
    return decide(facts.terms, facts.standing._replace(meter=meter), now)


def is_countable(decision: Decision) -> bool:
    return decision.granted and decision.reason is Reason.METERED


async def _count(
    session: AsyncSession, viewer: Viewer, article_id: str, *, settings: Settings, now: datetime
) -> Meter:
    """The upsert locks the viewer's row of the month; what it returns nobody else can change."""
    month = month_of(now, ZoneInfo(settings.meter_timezone))
    key = (viewer.kind, viewer.id, month.starts_at)
    columns = (
        col(MeteredViews.viewer_kind),
        col(MeteredViews.viewer_id),
        col(MeteredViews.month_starts_at),
    )
    locked = insert(session, MeteredViews).values(
        viewer_kind=viewer.kind,
        viewer_id=viewer.id,
        month_starts_at=month.starts_at,
        month_ends_at=month.ends_at,
        article_ids=[],
    )
    locked = locked.on_conflict_do_update(
        index_elements=list(columns), set_={"month_ends_at": locked.excluded.month_ends_at}
    )
    row = (await session.exec(locked.returning(col(MeteredViews.article_ids)))).one()
    counted: list[str] = row.article_ids
    if article_id not in counted and len(counted) < settings.meter_limit:
        counted = [*counted, article_id]
        is_row = (column == value for column, value in zip(columns, key, strict=True))
        await session.exec(update(MeteredViews).where(*is_row).values(article_ids=counted))
    return Meter(len(counted), settings.meter_limit, month.ends_at, article_id in counted)


async def forget(session: AsyncSession, now: datetime) -> int:
    """Housekeeping: delete views whose month is over; the number of them."""
    over = delete(MeteredViews).where(col(MeteredViews.month_ends_at) <= now)
    return (await session.exec(over)).rowcount
