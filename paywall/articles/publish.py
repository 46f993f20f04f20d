"""Put and delete articles; who set the terms stays on record."""

from datetime import datetime
from enum import Enum
from typing import NamedTuple

from msgspec import UNSET, UnsetType
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.articles.bodies import body_of, body_sha256, keep_body
from paywall.database import insert
from paywall.rules.decision import Terms
from paywall.rules.preview import preview
from paywall.rules.words import Actor
from paywall.tables import Article, PolicyChange


class Publication(NamedTuple):
    """Everything that a site says of an article; `body_html` UNSET keeps the body that is there."""

    id: str
    title: str
    terms: Terms
    url: str | None = None
    language: str | None = None
    tags: tuple[str, ...] = ()
    published_at: datetime | None = None
    preview: int | str = 2
    """So many paragraphs, or the site's own words as HTML."""
    body_html: str | UnsetType | None = UNSET


class Outcome(Enum):
    """What a publication did."""

    CREATED = "created"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"


async def publish(
    session: AsyncSession,
    publication: Publication,
    *,
    actor: Actor,
    now: datetime,
    preview_share: float,
) -> tuple[Article, Outcome]:
    """Make the article what the publication says; of two at once one wins as a whole."""
    article, is_new = await _locked(session, publication, now)
    old_terms = None if is_new else Terms(article.policy, article.unlock_cost)
    old_sha256 = article.body_sha256

    body_html = publication.body_html
    if body_html is UNSET:
        body_html = await body_of(session, article.id)
    article.body_sha256 = None if body_html is None else body_sha256(body_html)
    if article.body_sha256 != old_sha256:
        await keep_body(session, article.id, body_html)
    _describe(article, publication, body_html or "", preview_share)

    if old_terms != publication.terms:
        _record(session, article.id, publication.terms, actor, now)
    if is_new:
        return article, Outcome.CREATED
    if not session.is_modified(article):
        return article, Outcome.UNCHANGED
    article.updated_at = now
    return article, Outcome.REPLACED


async def withdraw(session: AsyncSession, article_id: str, *, actor: Actor, now: datetime) -> None:
    """Delete the article and its body, where there is one; unlocks of it stay in force."""
    article = await session.get(Article, article_id, with_for_update=True)
    if article is not None:
        await keep_body(session, article_id, None)
        await session.delete(article)
        _record(session, article_id, None, actor, now)


async def _locked(
    session: AsyncSession, publication: Publication, now: datetime
) -> tuple[Article, bool]:
    """The article's row, locked until the transaction ends, and whether it is new."""
    values = {
        "id": publication.id,
        "title": publication.title,
        "policy": publication.terms.policy,
        "unlock_cost": publication.terms.unlock_cost,
        "tags": [],
        "preview_html": "",
        "created_at": now,
        "updated_at": now,
    }
    opening = (
        insert(session, Article)
        .values(**values)
        .on_conflict_do_nothing(index_elements=[col(Article.id)])
        .returning(col(Article.id))
    )
    # Again only where somebody deletes the article between the two statements.
    while True:
        is_new = (await session.exec(opening)).first() is not None
        article = await session.get(
            Article, publication.id, with_for_update=True, populate_existing=True
        )
        if article is not None:
            return article, is_new


def _describe(
    article: Article, publication: Publication, body_html: str, preview_share: float
) -> None:
    article.title = publication.title
    article.url = publication.url
    article.language = publication.language
    article.policy, article.unlock_cost = publication.terms
    article.tags = list(publication.tags)
    article.published_at = publication.published_at
    if isinstance(publication.preview, str):
        article.preview_paragraphs = None
        article.preview_html = publication.preview
    else:
        article.preview_paragraphs = publication.preview
        article.preview_html = preview(
            body_html, paragraphs=publication.preview, share=preview_share
        )


def _record(
    session: AsyncSession, article_id: str, terms: Terms | None, actor: Actor, now: datetime
) -> None:
    change = PolicyChange(
        article_id=article_id,
        at=now,
        policy=None if terms is None else terms.policy,
        unlock_cost=None if terms is None else terms.unlock_cost,
        actor_issuer=actor.issuer,
        actor_subject=actor.subject,
        actor_token_id=actor.token_id,
    )
    session.add(change)
