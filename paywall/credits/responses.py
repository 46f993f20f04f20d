"""Response models of grants and ledger entries."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.credits.expiry import expiry_unrecorded
from paywall.credits.ledger import spendable_grants
from paywall.database.tables import Article, CreditGrant, LedgerEntry, Unlock
from paywall.http.bodies import ResponseModel
from paywall.http.fields import (
    ArticleId,
    ArticleTitle,
    ArticleUrl,
    GrantId,
    HappenedAt,
    NumberId,
    PurchaseId,
    TokenIssuer,
)
from paywall.http.paging import newest_first
from paywall.rules.enums import Actor, EntryKind, GrantSource

GRANTS_MAX = 200


class GrantAnswer(ResponseModel):
    """Credits from one source; `remaining` is the sum of the grant's ledger entries."""

    id: NumberId
    amount: Annotated[int, Meta(description="A number of credits.")]
    remaining: Annotated[int, Meta(description="Credits that can still be spent.")]
    source: Annotated[GrantSource, Meta(description="Where it came from.")]
    reference: Annotated[str, Meta(description="The site's reference, unique per `source`.")]
    priority: Annotated[int, Meta(description="Lower is spent first.")]
    granted_at: Annotated[
        datetime, Meta(description="When it was granted; of a purchase, when it was paid.")
    ]
    expires_at: Annotated[
        datetime | None, Meta(description="Spendable before this time; null: no expiry.")
    ]
    purchase_id: PurchaseId


class ActorAnswer(ResponseModel):
    """Who made the change: the `iss`, `sub` and `jti` of the token."""

    issuer: TokenIssuer
    subject: Annotated[str, Meta(description="The token's subject (claim `sub`).")]
    token_id: Annotated[str, Meta(description="The token's id (claim `jti`).")]


class EntryArticle(ResponseModel):
    """The article that the credits unlocked; `title` and `url` are null after its deletion."""

    id: ArticleId
    title: ArticleTitle
    url: ArticleUrl


class EntryAnswer(ResponseModel, omit_defaults=True):
    """One change to one grant; `amount` is signed."""

    id: NumberId
    at: HappenedAt
    kind: Annotated[EntryKind, Meta(description="What happened to the credits.")]
    amount: Annotated[int, Meta(description="The change to the grant, in credits, with its sign.")]
    grant_id: GrantId
    source: Annotated[GrantSource, Meta(description="Where its grant came from.")]
    unlock_id: Annotated[
        int | None, Meta(description="The unlock that the credits paid for or came back from.")
    ]
    article: Annotated[
        EntryArticle | None, Meta(description="The article of that unlock; else null.")
    ]
    actor: Annotated[ActorAnswer | msgspec.UnsetType, Meta(description="For sites only.")] = (
        msgspec.UNSET
    )


async def list_spendable_grants(
    session: AsyncSession, reader_id: str, now: datetime
) -> list[GrantAnswer]:
    """In burn order, at most 200."""
    grants = await spendable_grants(session, reader_id, now, at_most=GRANTS_MAX)
    return [to_response(grant) for grant in grants]


async def list_lapsed_grants(
    session: AsyncSession, reader_id: str, now: datetime
) -> list[GrantAnswer]:
    """Expired grants without a ledger entry for it yet, latest expiry first, at most 200."""
    statement = (
        select(CreditGrant)
        .where(CreditGrant.reader_id == reader_id, *expiry_unrecorded(now))
        .order_by(col(CreditGrant.expires_at).desc(), col(CreditGrant.id).desc())
        .limit(GRANTS_MAX)
    )
    return [to_response(grant) for grant in await session.exec(statement)]


async def list_newest_grants(session: AsyncSession, reader_id: str) -> list[GrantAnswer]:
    """The newest 200 grants, including spent and expired ones."""
    statement = (
        select(CreditGrant)
        .where(CreditGrant.reader_id == reader_id)
        .order_by(col(CreditGrant.id).desc())
        .limit(GRANTS_MAX)
    )
    return [to_response(grant) for grant in await session.exec(statement)]


def to_response(grant: CreditGrant) -> GrantAnswer:
    return msgspec.convert(grant, GrantAnswer, from_attributes=True)


async def list_entries(
    session: AsyncSession, reader_id: str, *, with_actor: bool, limit: int, cursor: str | None
) -> tuple[list[EntryAnswer], str | None]:
    statement = select(LedgerEntry).where(LedgerEntry.reader_id == reader_id)
    rows, next_cursor = await newest_first(
        session, statement, at=LedgerEntry.at, id=LedgerEntry.id, limit=limit, cursor=cursor
    )
    return await load_entries(session, rows, with_actor=with_actor), next_cursor


async def load_entries(
    session: AsyncSession, rows: Sequence[LedgerEntry], *, with_actor: bool = False
) -> list[EntryAnswer]:
    sources = await _sources(session, rows)
    articles = await _articles(session, rows)
    return [
        EntryAnswer.from_row(
            row,
            source=sources[row.grant_id],
            article=articles.get(row.unlock_id),
            actor=_actor(row) if with_actor else msgspec.UNSET,
        )
        for row in rows
    ]


async def _sources(session: AsyncSession, rows: Sequence[LedgerEntry]) -> dict[int, GrantSource]:
    """The source of each entry's grant, by the grant's id."""
    statement = select(CreditGrant.id, CreditGrant.source).where(
        col(CreditGrant.id).in_({row.grant_id for row in rows})
    )
    return {id_: GrantSource(source) for id_, source in await session.exec(statement)}


async def _articles(
    session: AsyncSession, rows: Sequence[LedgerEntry]
) -> dict[int | None, EntryArticle]:
    """The article of each entry's unlock, by the unlock's id; empty for erased readers."""
    statement = (
        select(Unlock.id, Unlock.article_id, Article.title, Article.url)
        .outerjoin(Article, col(Article.id) == Unlock.article_id)
        .where(col(Unlock.id).in_({row.unlock_id for row in rows if row.unlock_id is not None}))
    )
    return {
        unlock_id: EntryArticle(id=article_id, title=title, url=url)
        for unlock_id, article_id, title, url in await session.exec(statement)
    }


def _actor(row: LedgerEntry) -> ActorAnswer:
    actor = Actor(row.actor_issuer, row.actor_subject, row.actor_token_id)
    return ActorAnswer(**actor._asdict())
