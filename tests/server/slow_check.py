"""A slow model of the access check: it reads row by row and shares no query with the service."""

import random
from datetime import timedelta

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.engine import Database
from paywall.database.tables import Article, CreditGrant, MeteredViews, Subscription, Unlock
from paywall.rules.decision import ArticleTerms, Decision, Meter, Policy, ViewerState, decide
from paywall.rules.enums import GrantSource, SubscriptionKind, UnlockSource, ViewerKind
from paywall.settings import Settings
from tests.conftest import START

MONTH, NEXT_MONTH = START.replace(day=1, hour=0), START.replace(month=12, day=1, hour=0)
READERS = [f"r{n}" for n in range(12)]
ARTICLES = [f"a{n}" for n in range(12)]
UNKNOWN = "unknown"


async def fill_with_any_state(database: Database, chance: random.Random) -> None:
    """Fill the database with a random state of articles, grants, unlocks, periods and views."""

    def some_time() -> timedelta:
        return timedelta(seconds=chance.choice([-90_000, -1, 0, 1, 90_000]))

    async with database.writing() as session:
        for n, article_id in enumerate(ARTICLES):
            session.add(
                Article(
                    id=article_id, title="A title", policy=list(Policy)[n % 5],
                    unlock_cost=chance.randint(1, 3), created_at=START, updated_at=START,
                )
            )  # fmt: skip
        for number in range(60):
            ends_at = START + some_time()
            session.add(
                Subscription(
                    id=f"s{number}", reader_id=chance.choice(READERS), kind=SubscriptionKind.PASS,
                    starts_at=START + some_time(), paid_through=ends_at, entitled_until=ends_at,
                    access_until=ends_at - timedelta(seconds=chance.choice([0, 0, 1])),
                    created_at=START,
                )
            )  # fmt: skip
            amount = chance.randint(1, 3)
            session.add(
                CreditGrant(
                    reader_id=chance.choice(READERS), amount=amount,
                    remaining=chance.randint(0, amount), source=GrantSource.PROMOTION,
                    reference=f"g{number}", granted_at=START,
                    expires_at=chance.choice([None, START + some_time()]),
                )
            )  # fmt: skip
        pairs = [(reader_id, article_id) for reader_id in READERS for article_id in ARTICLES]
        for reader_id, article_id in chance.sample([*pairs, ("r0", UNKNOWN)], 40):
            session.add(
                Unlock(
                    reader_id=reader_id, article_id=article_id, source=UnlockSource.MIGRATION,
                    unlocked_at=START, revoked_at=chance.choice([None, None, START]),
                )
            )  # fmt: skip
        for kind, viewer_id in [(k, r) for k in ViewerKind for r in READERS[:8]]:
            session.add(
                MeteredViews(
                    viewer_kind=kind, viewer_id=viewer_id,
                    month_starts_at=chance.choice([MONTH, NEXT_MONTH]), month_ends_at=NEXT_MONTH,
                    article_ids=chance.sample(ARTICLES, chance.randint(0, 6)),
                )
            )  # fmt: skip


async def decide_row_by_row(
    session: AsyncSession, article_id: str, settings: Settings, **viewer: str
) -> Decision:
    """Read what the decision needs row by row, and decide."""
    article = await session.get(Article, article_id)
    (name, id_) = next(iter(viewer.items()), ("", None))
    reader_id = id_ if name == "reader_id" else None
    grants = await session.exec(select(CreditGrant).where(CreditGrant.reader_id == reader_id))
    unlocks = await session.exec(
        select(Unlock).where(Unlock.reader_id == reader_id, Unlock.article_id == article_id)
    )
    subscriptions = [
        it
        for it in await session.exec(
            select(Subscription).where(Subscription.reader_id == reader_id)
        )
        if it.entitled_until > START
    ]
    begun = [it for it in subscriptions if it.starts_at <= START]
    views = await session.exec(
        select(MeteredViews).where(
            MeteredViews.viewer_kind == name.removesuffix("_id"),
            MeteredViews.viewer_id == id_,
            col(MeteredViews.month_starts_at) == MONTH,
        )
    )
    seen = [counted for row in views for counted in row.article_ids]
    terms = ArticleTerms(article.policy, article.unlock_cost) if article else None
    if terms is None and settings.default_policy:
        terms = ArticleTerms(settings.default_policy)
    standing = ViewerState(
        signed_in=reader_id is not None,
        balance=sum(
            it.remaining for it in grants if it.expires_at is None or it.expires_at > START
        ),
        unlocked=any(it.revoked_at is None for it in unlocks),
        entitled_until=max((it.entitled_until for it in begun), default=None),
        # Prepaid time that waits follows without a break.
        access_until=max((it.access_until for it in subscriptions), default=None),
        meter=Meter(len(seen), settings.meter_limit, NEXT_MONTH, article_id in seen)
        if id_ is not None
        else None,
    )
    return decide(terms, standing, START)
