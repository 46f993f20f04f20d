"""Grants and ledger entries as they are told."""

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
from paywall.http.paging import newest_first
from paywall.rules.enums import Actor, EntryKind, GrantSource

GRANTS_MAX = 200


class GrantAnswer(ResponseModel):
    """Credits that came from one place; `remaining` is the sum of its ledger entries."""

    id: int
    amount: int
    remaining: int
    source: GrantSource
    reference: str
    priority: Annotated[int, Meta(description="Lower is spent first.")]
    granted_at: datetime
    expires_at: datetime | None
    purchase_id: int | None


class ActorAnswer(ResponseModel):
    """Who did it: the `iss`, `sub` and `jti` of the token."""

    issuer: str
    subject: str
    token_id: str


class EntryArticle(ResponseModel):
    """What an entry's credits were for; `title` and `url` are null where it was deleted."""

    id: str
    title: str | None
    url: str | None


class EntryAnswer(ResponseModel, omit_defaults=True):
    """One change to one grant; `amount` is signed."""

    id: int
    at: datetime
    kind: EntryKind
    amount: int
    grant_id: int
    source: GrantSource
    unlock_id: int | None
    article: EntryArticle | None
    actor: Annotated[ActorAnswer | msgspec.UnsetType, Meta(description="Told to sites only.")] = (
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
    """Those whose lapse no ledger entry tells of yet, the last one first, at most 200."""
    statement = (
        select(CreditGrant)
        .where(CreditGrant.reader_id == reader_id, *expiry_unrecorded(now))
        .order_by(col(CreditGrant.expires_at).desc(), col(CreditGrant.id).desc())
        .limit(GRANTS_MAX)
    )
    return [to_response(grant) for grant in await session.exec(statement)]


async def list_newest_grants(session: AsyncSession, reader_id: str) -> list[GrantAnswer]:
    """The newest 200 grants, spent and lapsed ones too."""
    statement = (
        select(CreditGrant)
        .where(CreditGrant.reader_id == reader_id)
        .order_by(col(CreditGrant.id).desc())
        .limit(GRANTS_MAX)
    )
    return [to_response(grant) for grant in await session.exec(statement)]


def to_response(grant: CreditGrant) -> GrantAnswer:
    return GrantAnswer(
        id=grant.id,
        amount=grant.amount,
        remaining=grant.remaining,
        source=grant.source,
        reference=grant.reference,
        priority=grant.priority,
        granted_at=grant.granted_at,
        expires_at=grant.expires_at,
        purchase_id=grant.purchase_id,
    )


async def list_entries(
    session: AsyncSession, reader_id: str, *, with_actor: bool, limit: int, cursor: str | None
) -> tuple[list[EntryAnswer], str | None]:
    statement = select(LedgerEntry).where(LedgerEntry.reader_id == reader_id)
    rows, next_cursor = await newest_first(
        session, statement, at=LedgerEntry.at, id=LedgerEntry.id, limit=limit, cursor=cursor
    )
    return await _entries(session, rows, with_actor=with_actor), next_cursor


async def _entries(
    session: AsyncSession, rows: Sequence[LedgerEntry], *, with_actor: bool
) -> list[EntryAnswer]:
    sources = await _sources(session, rows)
    articles = await _articles(session, rows)
    return [
        EntryAnswer(
            id=row.id,
            at=row.at,
            kind=row.kind,
            amount=row.amount,
            grant_id=row.grant_id,
            source=sources[row.grant_id],
            unlock_id=row.unlock_id,
            article=articles.get(row.unlock_id),
            actor=_actor(row) if with_actor else msgspec.UNSET,
        )
        for row in rows
    ]


async def _sources(session: AsyncSession, rows: Sequence[LedgerEntry]) -> dict[int, GrantSource]:
    """Where the grant of each entry came from, by the grant's id."""
    statement = select(CreditGrant.id, CreditGrant.source).where(
        col(CreditGrant.id).in_({row.grant_id for row in rows})
    )
    return {id_: GrantSource(source) for id_, source in await session.exec(statement)}


async def _articles(
    session: AsyncSession, rows: Sequence[LedgerEntry]
) -> dict[int | None, EntryArticle]:
    """The article of each entry's unlock, by the unlock's id; none of a reader who was erased."""
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
