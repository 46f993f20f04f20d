"""Put the sandbox's articles and grants where there are none yet; what is there is left alone."""

from datetime import UTC, datetime
from typing import NamedTuple

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.articles.publish import publish
from paywall.catalogue.products import put_product
from paywall.catalogue.shapes import PackInput, PassInput, PlanInput, Price, as_product
from paywall.clock import Clock
from paywall.credits.grant import GrantTerms, grant_credits
from paywall.database import Database
from paywall.migrations import migrate
from paywall.operations.serve import CannotServe, make_folder
from paywall.rules.words import Actor, GrantSource, Interval
from paywall.sandbox.newsroom import publications
from paywall.settings import Settings
from paywall.subscriptions.complimentary import put_complimentary
from paywall.tables import Article, Pack, Pass, Plan, PolicyChange
from paywall.tokens.keys import Keyring
from paywall.tokens.limits import SITE_LIFETIME_SECONDS_MAX
from paywall.tokens.mint import mint_reader, mint_site
from paywall.tokens.scopes import ADMIN

ACTOR = Actor("paywall", "sandbox", "")
ANN, BO, CHAN = "ann", "bo", "chan"
CHAN_UNTIL = datetime(2036, 1, 1, tzinfo=UTC)
MONTHLY = PlanInput(
    title="A month of everything",
    interval=Interval.MONTH,
    credits=2,
    prices=(Price(amount=400, currency="usd"), Price(amount=1_600_000, currency="khr")),
)
WEEK = PassInput(
    title="A week of everything",
    days=7,
    prices=(Price(amount=150, currency="usd"), Price(amount=600_000, currency="khr")),
)
FIVE = PackInput(
    title="Five articles",
    credits=5,
    expires_after_days=365,
    prices=(Price(amount=200, currency="usd"), Price(amount=800_000, currency="khr")),
)
PAPER_SCOPES = frozenset({"access:check", "articles:read", "readers:token"})
ANN_GRANT = GrantTerms(ANN, 3, GrantSource.PROMOTION, "sandbox: ann's first credits")
TOKEN_HOURS = 24


class Sandbox(NamedTuple):
    """What there is to play with, and the tokens to do it."""

    articles: int
    is_new: bool
    site_token: str
    ann: str
    bo: str
    paper_token: str
    """The newspaper's own, which can do what a newspaper's server has to, and no more."""


async def prepare(settings: Settings, site: str, clock: Clock) -> Sandbox:
    """Make the sandbox of this site (its origin), or go on with it, by this clock.

    Raises CannotServe, SettingsError or DatabaseInUse.
    """
    if not settings.is_sqlite:
        raise CannotServe(
            "The sandbox is for trying things out, and plays on SQLite alone: unset database_url."
            " To serve from PostgreSQL: `paywall migrate`, then `paywall serve`."
        )
    make_folder(settings)
    database = Database(settings, clock)
    try:
        await migrate(database)
        await database.measure_clock()
        async with database.writing() as session:
            published = await _publish(session, database.clock, settings, site)
            if published:
                await _sell(session, database.clock)
            await grant_credits(session, ANN_GRANT, actor=ACTOR, clock=database.clock)
            articles = len((await session.exec(select(Article.id))).all())
        return _with_tokens(settings, database.clock, articles, is_new=published == articles)
    finally:
        await database.close()


async def _sell(session: AsyncSession, clock: Clock) -> None:
    """A catalogue, and one reader who has a subscription already."""
    now = clock.now()
    await put_product(session, as_product(Plan, "monthly", MONTHLY, now))
    await put_product(session, as_product(Pass, "week", WEEK, now))
    await put_product(session, as_product(Pack, "five", FIVE, now))
    await put_complimentary(
        session, CHAN, plan_id="monthly", current_period_end=CHAN_UNTIL, clock=clock
    )


async def _publish(session: AsyncSession, clock: Clock, settings: Settings, site: str) -> int:
    """What was put once is the player's own from then on: changed or deleted, it stays so."""
    put_before = set((await session.exec(select(PolicyChange.article_id).distinct())).all())
    new = [article for article in publications(site) if article.id not in put_before]
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
    paper = mint_site(
        key,
        subject="newspaper",
        scopes=PAPER_SCOPES,
        lifetime_seconds=SITE_LIFETIME_SECONDS_MAX,
        now=now,
    )
    return Sandbox(articles, is_new, site.token, ann, bo, paper.token)
