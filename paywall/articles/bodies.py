"""The body of an article, in a table of its own, exactly as it was given in."""

import hashlib

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.tables import Article, ArticleBody


async def body_of(session: AsyncSession, article_id: str) -> str | None:
    """The whole body: only for who was granted it. None where there is no body or no article."""
    statement = select(ArticleBody.body_html).where(ArticleBody.article_id == article_id)
    return (await session.exec(statement)).first()


async def preview_of(session: AsyncSession, article_id: str) -> str:
    """What everybody may read; empty where there is no preview or no article."""
    statement = select(Article.preview_html).where(Article.id == article_id)
    return (await session.exec(statement)).first() or ""


async def keep_body(session: AsyncSession, article_id: str, body_html: str | None) -> None:
    """Make this the article's body; None removes it. The article's row must be locked."""
    if body_html is None:
        await session.exec(sa.delete(ArticleBody).where(col(ArticleBody.article_id) == article_id))
    else:
        await session.merge(ArticleBody(article_id=article_id, body_html=body_html))


def body_sha256(body_html: str) -> str:
    """The hexadecimal SHA-256 of the body in UTF-8, by which a site knows what is kept here."""
    return hashlib.sha256(body_html.encode()).hexdigest()
