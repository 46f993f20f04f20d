"""Fills the sandbox's database with articles, products and readers, without undoing changes."""

from datetime import UTC, datetime
from typing import NamedTuple

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.articles.publish import publish
from paywall.catalogue.products import put_product
from paywall.clock import Clock
from paywall.credits.grant import GrantTerms, grant_credits
from paywall.database.engine import Database
from paywall.database.migrations import migrate
from paywall.database.opening import open_database
from paywall.database.tables import Article, Pack, Pass, Plan, PolicyChange
from paywall.processors.stripe.catalogue import apply, differ
from paywall.processors.stripe.client import StripeClient
from paywall.processors.stripe.context import StripeContext
from paywall.rules.enums import Actor, CreditsExpire, GrantSource, Interval
from paywall.sandbox.article_files import read_publications
from paywall.sandbox.subscriber import subscribe
from paywall.server.sandbox_clock import sandbox_clock
from paywall.server.serve import CannotServe, make_folder
from paywall.settings import Settings
from paywall.subscriptions.complimentary import put_complimentary
from paywall.tokens.keys import Keyring
from paywall.tokens.limits import SITE_LIFETIME_SECONDS
from paywall.tokens.mint import mint_reader, mint_site
from paywall.tokens.scopes import ADMIN

ACTOR = Actor("paywall", "sandbox", "")
ANN, BO, CHAN, DARA = "ann", "bo", "chan", "dara"
CHAN_UNTIL = datetime(2036, 1, 1, tzinfo=UTC)
GRANTS = (
    GrantTerms(ANN, 3, GrantSource.PROMOTION, "sandbox: ann's first credits"),
    GrantTerms(DARA, 3, GrantSource.PROMOTION, "sandbox: dara's first credits"),
)
TOKEN_DAYS = 90
NEWSPAPER_SCOPES = frozenset({"access:check", "articles:read", "readers:token"})


def _prices(khr: int, usd_cents: int) -> list[dict[str, int | str]]:
    return [{"amount": usd_cents, "currency": "usd"}, {"amount": khr * 100, "currency": "khr"}]


class SandboxSummary(NamedTuple):
    """What the sandbox has, and tokens for trying it out."""

    articles: int
    is_new: bool
    site_token: str
    ann: str
    bo: str


async def prepare(settings: Settings, site: str) -> SandboxSummary:
    """Create the sandbox for the site at this origin, or add what is missing.

    Raises CannotServe, SettingsError or DatabaseInUse.
    """
    require_sqlite(settings)
    make_folder(settings)
    clock = await _clock(settings)
    async with open_database(settings, clock, requires_migrations=False) as database:
        await migrate(database)
        async with database.writing() as session:
            published = await _publish_new_articles(session, database.clock, settings, site)
            for grant in GRANTS:
                await grant_credits(session, grant, actor=ACTOR, clock=database.clock)
            articles = len((await session.exec(select(Article.id))).all())
            await _add_missing_products(session, database.clock)
            is_new = published == articles
            if is_new and not settings.sandbox_clock_url:
                await put_complimentary(
                    session, CHAN, plan_id=None, current_period_end=CHAN_UNTIL, clock=clock
                )
        if settings.sandbox_clock_url:
            await _set_up_stripe(database, settings, site, is_new=is_new)
        return _summary(settings, database.clock, articles, is_new=is_new)


async def newspaper_token(settings: Settings) -> str:
    """A new site token with the scopes that a newspaper's server needs.

    It has the default lifetime. After the clock has moved past it, the newspaper mints another.
    """
    now = (await _clock(settings)).now()
    minted = mint_site(
        Keyring(settings.data_path).newest(now),
        subject="newspaper",
        scopes=NEWSPAPER_SCOPES,
        lifetime_seconds=SITE_LIFETIME_SECONDS,
        now=now,
    )
    return minted.token


async def _clock(settings: Settings) -> Clock:
    """The clock that the service uses."""
    url = settings.sandbox_clock_url
    return await sandbox_clock(url) if url else Clock()


def require_sqlite(settings: Settings) -> None:
    """Raises CannotServe for a database other than SQLite."""
    if not settings.is_sqlite:
        raise CannotServe(
            "The sandbox is for trying things out, and runs on SQLite alone: unset database_url."
            " To serve from PostgreSQL: `paywall migrate`, then `paywall serve`."
        )


def products(now: datetime) -> tuple[Pack | Pass | Plan, ...]:
    """What the newspaper sells; its theme has the names in each language.

    Each has a position, so that what others put into the catalogue comes after it.
    """
    return (
        Pack(
            id="five",
            title="Five credits",
            credits=5,
            prices=_prices(8_000, 200),
            created_at=now,
            position=1,
        ),
        Pack(
            id="ten",
            title="Ten credits",
            credits=10,
            prices=_prices(14_000, 350),
            created_at=now,
            position=2,
        ),
        Pass(
            id="week",
            title="A week of everything",
            days=7,
            prices=_prices(6_000, 150),
            created_at=now,
            position=1,
        ),
        Plan(
            id="monthly",
            title="A month of everything",
            interval=Interval.MONTH,
            credits=2,
            credits_expire=CreditsExpire.NEVER,
            prices=_prices(16_000, 400),
            created_at=now,
            position=1,
            recommended=True,
        ),
        Plan(
            id="yearly",
            title="A year of everything",
            interval=Interval.YEAR,
            trial_days=14,
            credits_expire=CreditsExpire.NEVER,
            prices=_prices(160_000, 4_000),
            created_at=now,
            position=2,
        ),
    )


async def _add_missing_products(session: AsyncSession, clock: Clock) -> None:
    """Add the products whose ids the catalogue does not have."""
    for product in products(clock.now()):
        if await session.get(type(product), product.id) is None:
            await put_product(session, product)


async def _set_up_stripe(
    database: Database, settings: Settings, site: str, *, is_new: bool
) -> None:
    """Create the catalogue's products in the stand-in, and in a new sandbox a subscription."""
    stripe_client = StripeClient(settings)
    try:
        await apply(database, stripe_client, await differ(database, stripe_client))
        if is_new:
            context = StripeContext(database, stripe_client, settings)
            await subscribe(context, CHAN, "monthly", return_url=f"{site}/paid")
    finally:
        await stripe_client.close()


async def _publish_new_articles(
    session: AsyncSession, clock: Clock, settings: Settings, site: str
) -> int:
    """Publish each article once; one that was changed or deleted since stays as it is."""
    published_before = set((await session.exec(select(PolicyChange.article_id).distinct())).all())
    new = [article for article in read_publications(site) if article.id not in published_before]
    for article in new:
        await publish(
            session,
            article,
            actor=ACTOR,
            now=clock.now(),
            preview_share=settings.preview_share,
        )
    return len(new)


def _summary(settings: Settings, clock: Clock, articles: int, *, is_new: bool) -> SandboxSummary:
    now = clock.now()
    key = Keyring(settings.data_path).newest(now)
    seconds = TOKEN_DAYS * 86_400
    site = mint_site(
        key, subject="sandbox", scopes=frozenset({ADMIN}), lifetime_seconds=seconds, now=now
    )
    ann, bo = (
        mint_reader(key, reader_id=reader_id, lifetime_seconds=seconds, now=now).token
        for reader_id in (ANN, BO)
    )
    return SandboxSummary(articles, is_new, site.token, ann, bo)
