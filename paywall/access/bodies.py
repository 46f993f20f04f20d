"""The bodies of articles, in their own table, unchanged as received."""

import hashlib
from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.dialect import insert
from paywall.database.tables import Article, ArticleBody

# The most text of previews in one answer, beside the first.
PREVIEWS_CHARS_MAX = 4 * 1024 * 1024


async def body_of(session: AsyncSession, article_id: str) -> str | None:
    """The whole body, for viewers with granted access; None if the article has none."""
    return (await bodies_of(session, [article_id])).get(article_id)


async def bodies_of(session: AsyncSession, article_ids: Collection[str]) -> dict[str, str]:
    """The bodies of these articles, without articles that have none."""
    statement = select(ArticleBody.article_id, ArticleBody.body_html).where(
        col(ArticleBody.article_id).in_(article_ids)
    )
    return dict((await session.exec(statement)).all()) if article_ids else {}


async def preview_of(session: AsyncSession, article_id: str) -> str:
    """The public preview; empty if the article or its preview is missing."""
    statement = select(Article.preview_html).where(Article.id == article_id)
    return (await session.exec(statement)).first() or ""


async def previews_of(session: AsyncSession, article_ids: Sequence[str]) -> dict[str, str]:
    """The public previews in this order; those that exceed PREVIEWS_CHARS_MAX are left out.

    The first is never left out. An unknown article has an empty preview.
    """
    sized = select(Article.id, sa.func.length(col(Article.preview_html))).where(
        col(Article.id).in_(article_ids)
    )
    lengths = dict((await session.exec(sized)).all())
    fitting: dict[str, str] = {}
    chars = 0
    for article_id in dict.fromkeys(article_ids):
        length = lengths.get(article_id, 0)
        if not fitting or chars + length <= PREVIEWS_CHARS_MAX:
            fitting[article_id] = ""
            chars += length
    statement = select(Article.id, Article.preview_html).where(col(Article.id).in_(fitting))
    return fitting | dict((await session.exec(statement)).all())


async def save_bodies(session: AsyncSession, bodies: Mapping[str, str | None]) -> None:
    """Save the articles' bodies; None deletes one. The articles' rows must be locked."""
    connection = await session.connection()
    removed = [article_id for article_id, body_html in bodies.items() if body_html is None]
    if removed:
        deleting = sa.delete(ArticleBody).where(col(ArticleBody.article_id).in_(removed))
        await connection.execute(deleting)
    saved = [
        {"article_id": article_id, "body_html": body_html}
        for article_id, body_html in bodies.items()
        if body_html is not None
    ]
    if saved:
        inserting = insert(session, ArticleBody)
        replacing = inserting.on_conflict_do_update(
            index_elements=[col(ArticleBody.article_id)],
            set_={"body_html": inserting.excluded.body_html},
        )
        await connection.execute(replacing, saved)


def body_sha256(body_html: str) -> str:
    """The hexadecimal SHA-256 of the body in UTF-8, by which a site detects changes."""
    return hashlib.sha256(body_html.encode()).hexdigest()
