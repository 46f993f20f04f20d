"""Counting metered views: each article once a month, never past the limit."""

from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec.structs import replace
from sqlmodel import col, delete, update
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.access.facts import Facts, Viewer, viewer_of
from paywall.database.dialect import insert
from paywall.database.tables import MeteredViews
from paywall.rules.calendar import Month, month_of
from paywall.rules.decision import Decision, Meter, decide
from paywall.rules.enums import ViewerKind
from paywall.settings import Settings

KEY = (
    col(MeteredViews.viewer_kind),
    col(MeteredViews.viewer_id),
    col(MeteredViews.month_starts_at),
)


async def count_view(
    session: AsyncSession, viewer: Viewer, facts: Facts, *, settings: Settings, now: datetime
) -> Decision:
    """Count a view that was granted as `metered`, and decide again.

    Of several concurrent views that need the last one, only one is granted.
    """
    meter = await _count(session, viewer, facts.article_id, settings=settings, now=now)
    return decide(facts.terms, replace(facts.viewer_state, meter=meter), now)


async def merge_views(session: AsyncSession, from_id: str, into_id: str) -> None:
    """Unite the views of two merged readers, even if they then exceed the limit."""
    moved = delete(MeteredViews).where(
        col(MeteredViews.viewer_kind) == ViewerKind.READER, col(MeteredViews.viewer_id) == from_id
    )
    columns = (
        col(MeteredViews.month_starts_at),
        col(MeteredViews.month_ends_at),
        col(MeteredViews.article_ids),
    )
    for starts_at, ends_at, article_ids in (await session.exec(moved.returning(*columns))).all():
        month = Month(starts_at, ends_at)
        there = await _lock_counted(session, viewer_of(into_id), month)
        united = [*there, *(id_ for id_ in article_ids if id_ not in there)]
        await _save_counted(session, viewer_of(into_id), month, united)


async def _count(
    session: AsyncSession, viewer: Viewer, article_id: str, *, settings: Settings, now: datetime
) -> Meter:
    month = month_of(now, ZoneInfo(settings.meter_timezone))
    counted = await _lock_counted(session, viewer, month)
    if article_id not in counted and len(counted) < settings.meter_limit:
        counted = [*counted, article_id]
        await _save_counted(session, viewer, month, counted)
    return Meter(len(counted), settings.meter_limit, month.ends_at, article_id in counted)


async def _lock_counted(session: AsyncSession, viewer: Viewer, month: Month) -> list[str]:
    """Upsert and lock the viewer's row of the month, and return the counted articles."""
    locked = insert(session, MeteredViews).values(
        viewer_kind=viewer.kind,
        viewer_id=viewer.id,
        month_starts_at=month.starts_at,
        month_ends_at=month.ends_at,
        article_ids=[],
    )
    locked = locked.on_conflict_do_update(
        index_elements=list(KEY), set_={"month_ends_at": locked.excluded.month_ends_at}
    )
    row = (await session.exec(locked.returning(col(MeteredViews.article_ids)))).one()
    counted: list[str] = row.article_ids
    return counted


async def _save_counted(
    session: AsyncSession, viewer: Viewer, month: Month, article_ids: list[str]
) -> None:
    key = (viewer.kind, viewer.id, month.starts_at)
    is_row = (column == value for column, value in zip(KEY, key, strict=True))
    await session.exec(update(MeteredViews).where(*is_row).values(article_ids=article_ids))


async def delete_past_views(session: AsyncSession, now: datetime) -> int:
    """Housekeeping: delete views whose month has ended; returns their number."""
    over = delete(MeteredViews).where(col(MeteredViews.month_ends_at) <= now)
    return (await session.exec(over)).rowcount
