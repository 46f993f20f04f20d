"""Response models of unlocks, with the article's title and URL and the grants that paid."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import sqlalchemy as sa
from msgspec import Meta
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import Article, Unlock, UnlockPayment
from paywall.http.bodies import ResponseModel
from paywall.http.fields import ArticleId, ArticleTitle, ArticleUrl, GrantId, NumberId
from paywall.http.paging import newest_first
from paywall.rules.enums import UnlockSource
from paywall.unlocks.unlock import NewUnlock

UNKNOWN_ARTICLE = (None, None)
# Between words of Khmer, where it is not seen.
ZERO_WIDTH_SPACE = "\u200b"


class PaymentAnswer(ResponseModel):
    """The credits that one grant paid for an unlock."""

    grant_id: GrantId
    amount: Annotated[int, Meta(description="A number of credits.")]


class UnlockAnswer(ResponseModel):
    """A reader's permanent access to an article; `title` and `url` are null after its deletion."""

    id: NumberId
    article_id: ArticleId
    title: ArticleTitle
    url: ArticleUrl
    unlocked_at: Annotated[datetime, Meta(description="When it was unlocked.")]
    source: Annotated[UnlockSource, Meta(description="Where it came from.")]
    payments: Annotated[list[PaymentAnswer], Meta(description="What each grant paid for it.")]
    revoked_at: Annotated[datetime | None, Meta(description="Null while it is in force.")]


async def list_unlocks(
    session: AsyncSession,
    reader_id: str,
    *,
    all_of_them: bool,
    limit: int,
    cursor: str | None,
    title: str | None = None,
) -> tuple[list[UnlockAnswer], str | None]:
    """A page of a reader's unlocks, with or without revoked ones; `title` is a part of theirs."""
    statement = select(Unlock).where(Unlock.reader_id == reader_id)
    if not all_of_them:
        statement = statement.where(col(Unlock.revoked_at).is_(None))
    if title and (part := title.replace(ZERO_WIDTH_SPACE, "").strip()):
        # A left join reads the reader's unlocks first, and each one's article by its key.
        whole = sa.func.replace(Article.title, ZERO_WIDTH_SPACE, "")
        statement = statement.outerjoin(Article, col(Article.id) == Unlock.article_id)
        statement = statement.where(whole.icontains(part, autoescape=True))
    rows, next_cursor = await newest_first(
        session, statement, at=Unlock.unlocked_at, id=Unlock.id, limit=limit, cursor=cursor
    )
    return await unlock_responses(session, rows), next_cursor


async def unlock_responses(session: AsyncSession, unlocks: Sequence[Unlock]) -> list[UnlockAnswer]:
    articles = await articles_of(session, [unlock.article_id for unlock in unlocks])
    payments = await _payment_responses(session, [unlock.id for unlock in unlocks])
    return [
        to_response(unlock, articles.get(unlock.article_id, UNKNOWN_ARTICLE), payments[unlock.id])
        for unlock in unlocks
    ]


def to_response(
    unlock: Unlock | NewUnlock,
    article: tuple[str | None, str | None],
    payments: list[PaymentAnswer],
) -> UnlockAnswer:
    title, url = article
    return UnlockAnswer(
        id=unlock.id,
        article_id=unlock.article_id,
        title=title,
        url=url,
        unlocked_at=unlock.unlocked_at,
        source=unlock.source,
        payments=payments,
        revoked_at=unlock.revoked_at,
    )


async def articles_of(
    session: AsyncSession, article_ids: Sequence[str]
) -> dict[str, tuple[str | None, str | None]]:
    """The title and URL of each known article, by its id."""
    statement = select(Article.id, Article.title, Article.url).where(
        col(Article.id).in_(article_ids)
    )
    return {id_: (title, url) for id_, title, url in await session.exec(statement)}


async def _payment_responses(
    session: AsyncSession, unlock_ids: Sequence[int]
) -> dict[int, list[PaymentAnswer]]:
    statement = (
        select(UnlockPayment)
        .where(col(UnlockPayment.unlock_id).in_(unlock_ids))
        .order_by(col(UnlockPayment.unlock_id), col(UnlockPayment.grant_id))
    )
    payments: dict[int, list[PaymentAnswer]] = defaultdict(list)
    for payment in await session.exec(statement):
        payments[payment.unlock_id].append(
            PaymentAnswer(grant_id=payment.grant_id, amount=payment.amount)
        )
    return payments
