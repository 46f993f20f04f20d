"""Put the sandbox's articles and grants where there are none yet; what is there is left alone."""

from typing import NamedTuple

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.articles.publish import publish
from paywall.clock import Clock
from paywall.credits.grant import GrantTerms, grant_credits
from paywall.database import Database
from paywall.migrations import migrate
from paywall.operations.serve import CannotServe, make_folder
from paywall.rules.words import Actor, GrantSource
from paywall.sandbox.newsroom import publications
from paywall.settings import Settings
from paywall.tables import Article, PolicyChange
from paywall.tokens.keys import Keyring
from paywall.tokens.mint import mint_reader, mint_site
from paywall.tokens.scopes import ADMIN

ACTOR = Actor("paywall", "sandbox", "")
ANN, BO = "ann", "bo"
ANN_GRANT = GrantTerms(ANN, 3, GrantSource.PROMOTION, "sandbox: ann's first credits")
TOKEN_HOURS = 24


class Sandbox(NamedTuple):
    """What there is to play with, and the tokens to do it."""

    articles: int
    is_new: bool
    site_token: str
    ann: str
    bo: str


async def prepare(settings: Settings) -> Sandbox:
    """Make the sandbox, or go on with it; raises CannotServe, SettingsError or DatabaseInUse."""
    if not settings.is_sqlite:
        raise CannotServe(
            "The sandbox is for trying things out, and plays on SQLite alone: unset database_url."
            " To serve from PostgreSQL: `paywall migrate`, then `paywall serve`."
        )
    make_folder(settings)
    database = Database(settings)
    try:
        await migrate(database)
        await database.measure_clock()
        async with database.writing() as session:
            published = await _publish(session, database.clock, settings)
            await grant_credits(session, ANN_GRANT, actor=ACTOR, clock=database.clock)
            articles = len((await session.exec(select(Article.id))).all())
        return _with_tokens(settings, database.clock, articles, is_new=published == articles)
    finally:
        await database.close()


async def _publish(session: AsyncSession, clock: Clock, settings: Settings) -> int:
    """What was put once is the player's own from then on: changed or deleted, it stays so."""
    put_before = set((await session.exec(select(PolicyChange.article_id).distinct())).all())
    new = [article for article in publications() if article.id not in put_before]
    for article in new:
        await publish(
            session,
            article,
            actor=ACTOR,
            now=clock.now(),
            preview_share=settings.preview_share,
        )
    return len(new)


def _with_tokens(settings: Settings, clock: Clock, articles: int, *, is_new: bool) -> Sandbox:
    now = clock.now()
    key = Keyring(settings.data_path).newest(now)
    seconds = TOKEN_HOURS * 3600
    site = mint_site(
        key, subject="sandbox", scopes=frozenset({ADMIN}), lifetime_seconds=seconds, now=now
    )
    ann, bo = (
        mint_reader(key, reader_id=reader_id, lifetime_seconds=seconds, now=now).token
        for reader_id in (ANN, BO)
    )
    return Sandbox(articles, is_new, site.token, ann, bo)
