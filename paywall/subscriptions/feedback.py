"""Why readers cancelled: the answer to an optional question after a cancellation, and its figures.

The answer is stored with the receipt of the cancellation, so it is exported, moved and erased with
it. The figures and the comments name no reader.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Meta
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.clock import Clock
from paywall.credits.locking import lock_subscriber
from paywall.database.tables import CancellationReceipt
from paywall.http.bodies import RequestModel, ResponseModel
from paywall.http.fields import HappenedAt, Id, Text
from paywall.http.paging import Page, newest_first
from paywall.problems import RECEIPT_UNKNOWN, Problem
from paywall.rules.enums import CancelReason

COMMENT_CHARS_MAX = 500

Reason = Annotated[CancelReason, Meta(description="Why the reader cancelled.")]


class FeedbackInput(RequestModel, kw_only=True):
    """Why a reader cancelled, in one of five reasons and, if they want, in their own words."""

    receipt_id: Annotated[Id, Meta(description="The receipt of the cancellation.")]
    reason: Reason
    comment: Annotated[
        Annotated[Text, Meta(max_length=COMMENT_CHARS_MAX)] | None,
        Meta(description="The reader's own words; optional."),
    ] = None


class FeedbackAnswer(ResponseModel):
    """The answer as it is stored with the receipt."""

    receipt_id: Annotated[str, Meta(description="The receipt of the cancellation.")]
    reason: Reason
    comment: Annotated[str | None, Meta(description="The reader's own words.")]
    at: HappenedAt


class FeedbackComment(ResponseModel):
    """What a reader wrote about a cancellation, without the reader."""

    at: HappenedAt
    reason: Reason
    comment: Annotated[str, Meta(description="The reader's own words.")]


class FeedbackFigures(ResponseModel):
    """How many subscriptions were cancelled in `[since, until)` and not resumed, and why."""

    since: Annotated[datetime, Meta(description="The start of the period.")]
    until: Annotated[datetime, Meta(description="The end of the period, not included.")]
    cancellations: Annotated[int, Meta(description="Cancellations that were not withdrawn.")]
    answered: Annotated[int, Meta(description="How many of them were answered.")]
    reasons: Annotated[
        dict[CancelReason, int], Meta(description="The number of answers for each reason.")
    ]


async def store_feedback(
    session: AsyncSession, reader_id: str, data: FeedbackInput, *, clock: Clock
) -> FeedbackAnswer:
    """Store the answer with the reader's receipt; a later answer replaces it.

    Raises Problem(RECEIPT_UNKNOWN) for a receipt that is not the reader's.
    """
    await lock_subscriber(session, reader_id)
    receipt = await session.get(CancellationReceipt, data.receipt_id)
    if receipt is None or receipt.reader_id != reader_id:
        raise Problem(RECEIPT_UNKNOWN)
    comment = (data.comment or "").strip() or None
    at = clock.now()
    receipt.feedback_reason, receipt.feedback_comment, receipt.feedback_at = (
        data.reason,
        comment,
        at,
    )
    session.add(receipt)
    await session.flush()
    return FeedbackAnswer(receipt_id=receipt.id, reason=data.reason, comment=comment, at=at)


async def feedback_figures(
    session: AsyncSession, since: datetime, until: datetime
) -> FeedbackFigures:
    """Counts for the cancellations in `[since, until)`, each by its own time."""
    statement = (
        select(CancellationReceipt.feedback_reason, func.count())
        .where(
            col(CancellationReceipt.at) >= since,
            col(CancellationReceipt.at) < until,
            col(CancellationReceipt.withdrawn_at).is_(None),
        )
        .group_by(col(CancellationReceipt.feedback_reason))
    )
    counts = dict((await session.exec(statement)).all())
    reasons = {reason: counts.get(reason, 0) for reason in CancelReason}
    return FeedbackFigures(
        since=since,
        until=until,
        cancellations=sum(counts.values()),
        answered=sum(reasons.values()),
        reasons=reasons,
    )


async def feedback_comments(
    session: AsyncSession, limit: int, cursor: str | None
) -> Page[FeedbackComment]:
    """What readers wrote, newest first."""
    has_comment = col(CancellationReceipt.feedback_comment).is_not(None)
    rows: Sequence[CancellationReceipt]
    rows, next_cursor = await newest_first(
        session,
        select(CancellationReceipt).where(has_comment),
        at=CancellationReceipt.feedback_at,
        id=CancellationReceipt.id,
        limit=limit,
        cursor=cursor,
    )
    comments = [
        FeedbackComment(
            at=row.feedback_at, reason=row.feedback_reason, comment=row.feedback_comment
        )
        for row in rows
        if row.feedback_at and row.feedback_reason and row.feedback_comment
    ]
    return Page(items=comments, next_cursor=next_cursor)
