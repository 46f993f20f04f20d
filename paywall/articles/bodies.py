"""The body of an article, in a table of its own, exactly as it was given in."""

import hashlib
from collections.abc import Collection, Mapping

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.engine import insert
from paywall.database.tables import Article, ArticleBody


async def body_of(session: AsyncSession, article_id: str) -> str | None:
    """The whole body: only for who was granted it. None where there is no body or no article."""
    return (await bodies_of(session, [article_id])).get(article_id)


async def bodies_of(session: AsyncSession, article_ids: Collection[str]) -> dict[str, str]:
    """The bodies of those of these articles that have one."""
    statement = select(ArticleBody.article_id, ArticleBody.body_html).where(
        col(ArticleBody.article_id).in_(article_ids)
    )
    return dict((await session.exec(statement)).all()) if article_ids else {}


async def preview_of(session: AsyncSession, article_id: str) -> str:
    """What everybody may read; empty where there is no preview or no article."""
    statement = select(Article.preview_html).where(Article.id == article_id)
    return (await session.exec(statement)).first() or ""


async def save_bodies(session: AsyncSession, bodies: Mapping[str, str | None]) -> None:
    """Make these the articles' bodies; None removes one. The articles' rows must be locked."""
    connection = await session.connection()
    removed = [article_id for article_id, body_html in bodies.items() if body_html is None]
    if removed:
        deleting = sa.delete(ArticleBody).where(col(ArticleBody.article_id).in_(removed))
        await connection.execute(deleting)
    kept = [
        {"article_id": article_id, "body_html": body_html}
        for article_id, body_html in bodies.items()
        if body_html is not None
    ]
    if kept:
        keeping = insert(session, ArticleBody)
        replacing = keeping.on_conflict_do_update(
            index_elements=[col(ArticleBody.article_id)],
            set_={"body_html": keeping.excluded.body_html},
        )
        await connection.execute(replacing, kept)


def body_sha256(body_html: str) -> str:
    """The hexadecimal SHA-256 of the body in UTF-8, by which a site knows what is kept here."""
    return hashlib.sha256(body_html.encode()).hexdigest()
