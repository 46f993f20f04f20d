"""Creating, replacing and deleting articles, with a record of who changed their terms."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from msgspec import UNSET, UnsetType
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.access.bodies import bodies_of, body_sha256, save_bodies
from paywall.database.dialect import insert
from paywall.database.tables import Article, PolicyChange
from paywall.database.tables.actor import actor_values
from paywall.rules.decision import ArticleTerms
from paywall.rules.enums import Actor, UpsertOutcome
from paywall.rules.preview import preview

Published = tuple[Article, UpsertOutcome]


class ArticleUpdate(NamedTuple):
    """An article as the site sends it; UNSET fields stay unchanged."""

    id: str
    title: str
    terms: ArticleTerms
    url: str | None = None
    language: str | None = None
    tags: tuple[str, ...] | UnsetType = ()
    published_at: datetime | UnsetType | None = None
    # A number of paragraphs, or HTML from the site.
    preview: int | str | UnsetType = 2
    body_html: str | UnsetType | None = UNSET


async def publish(
    session: AsyncSession,
    publication: ArticleUpdate,
    *,
    actor: Actor,
    now: datetime,
    preview_share: float,
) -> Published:
    """Create or replace an article; of two concurrent calls, one wins as a whole."""
    [published] = await publish_all(
        session, [publication], actor=actor, now=now, preview_share=preview_share
    )
    return published


async def publish_all(
    session: AsyncSession,
    publications: Sequence[ArticleUpdate],
    *,
    actor: Actor,
    now: datetime,
    preview_share: float,
) -> list[Published]:
    """Create or replace different articles, in a fixed number of statements."""
    by_id = {publication.id: publication for publication in publications}
    rows = await _lock_articles(session, by_id, now)
    unchanged = [p.id for p in publications if p.body_html is UNSET and rows[p.id][0].body_sha256]
    bodies = await bodies_of(session, unchanged)
    changed: dict[str, str | None] = {}
    changes: list[dict[str, object]] = []
    published: list[Published] = []
    for publication in publications:
        article, is_new = rows[publication.id]
        old_terms = None if is_new else ArticleTerms(article.policy, article.unlock_cost)
        body_html = publication.body_html
        if body_html is UNSET:
            body_html = bodies.get(article.id)
        sha256 = None if body_html is None else body_sha256(body_html)
        if sha256 != article.body_sha256:
            article.body_sha256 = sha256
            changed[article.id] = body_html
        _update_fields(article, publication, body_html or "", preview_share)
        if old_terms != publication.terms:
            changes.append(_policy_change(article.id, publication.terms, actor, now))
        published.append((article, _outcome(session, article, is_new=is_new, now=now)))
    await session.flush()
    await save_bodies(session, changed)
    if changes:
        connection = await session.connection()
        await connection.execute(sa.insert(PolicyChange), changes)
    return published


async def unpublish(session: AsyncSession, article_id: str, *, actor: Actor, now: datetime) -> None:
    """Delete the article and its body if it exists; its unlocks stay in force."""
    article = await session.get(Article, article_id, with_for_update=True)
    if article is not None:
        await save_bodies(session, {article_id: None})
        await session.delete(article)
        await session.exec(
            sa.insert(PolicyChange).values(_policy_change(article_id, None, actor, now))
        )


async def _lock_articles(
    session: AsyncSession, by_id: Mapping[str, ArticleUpdate], now: datetime
) -> dict[str, tuple[Article, bool]]:
    """The articles' rows, locked until the transaction ends, and whether each is new.

    In the order of their ids, so that concurrent imports do not deadlock.
    """
    rows: dict[str, tuple[Article, bool]] = {}
    # Repeated only if an article is deleted between the two statements.
    while missing := sorted(by_id.keys() - rows.keys()):
        opening = (
            insert(session, Article)
            .on_conflict_do_nothing(index_elements=[col(Article.id)])
            .returning(col(Article.id))
        )
        rows_opened = [_new_row(by_id[article_id], now) for article_id in missing]
        new = set((await session.exec(opening, params=rows_opened)).scalars())
        locking = (
            select(Article)
            .where(col(Article.id).in_(missing))
            .order_by(col(Article.id))
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        articles = (await session.exec(locking)).all()
        rows |= {article.id: (article, article.id in new) for article in articles}
    return rows


def _new_row(publication: ArticleUpdate, now: datetime) -> dict[str, object]:
    return {
        "id": publication.id,
        "title": publication.title,
        "policy": publication.terms.policy,
        "unlock_cost": publication.terms.unlock_cost,
        "tags": [],
        "preview_paragraphs": 2,
        "preview_html": "",
        "created_at": now,
        "updated_at": now,
    }


def _update_fields(
    article: Article, publication: ArticleUpdate, body_html: str, preview_share: float
) -> None:
    article.title = publication.title
    article.url = publication.url
    article.language = publication.language
    article.policy = publication.terms.policy
    article.unlock_cost = publication.terms.unlock_cost
    if publication.tags is not UNSET:
        article.tags = list(publication.tags)
    if publication.published_at is not UNSET:
        article.published_at = publication.published_at
    if isinstance(publication.preview, str):
        article.preview_paragraphs = None
        article.preview_html = publication.preview
        return
    if isinstance(publication.preview, int):
        article.preview_paragraphs = publication.preview
    if article.preview_paragraphs is not None:
        article.preview_html = preview(
            body_html, paragraphs=article.preview_paragraphs, share=preview_share
        )


def _outcome(
    session: AsyncSession, article: Article, *, is_new: bool, now: datetime
) -> UpsertOutcome:
    if is_new:
        return UpsertOutcome.CREATED
    if not session.is_modified(article):
        return UpsertOutcome.UNCHANGED
    article.updated_at = now
    return UpsertOutcome.REPLACED


def _policy_change(
    article_id: str, terms: ArticleTerms | None, actor: Actor, now: datetime
) -> dict[str, object]:
    return {
        "article_id": article_id,
        "at": now,
        "policy": None if terms is None else terms.policy,
        "unlock_cost": None if terms is None else terms.unlock_cost,
        **actor_values(actor),
    }
