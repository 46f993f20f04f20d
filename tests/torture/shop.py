"""What is sold under torture: articles with a canary in each body, a pack, a pass and a plan."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import httpx

from paywall.catalogue.products import put_product
from paywall.database.engine import Database
from paywall.database.migrations import migrate
from paywall.database.tables import Pack, Pass, Plan
from paywall.processors.stripe.catalogue import apply, differ
from paywall.processors.stripe.client import StripeClient
from paywall.rules.enums import CreditsExpire, Interval
from paywall.settings import Settings
from tests.torture.journal import Journal

ARTICLES = [f"article{number}" for number in range(60)]
PACK_CREDITS = 5
PRICE_CENTS = 1000
PLAN_CREDITS = 2
PRICES: list[dict[str, int | str]] = [{"amount": PRICE_CENTS, "currency": "usd"}]
ATTEMPTS_MAX, AGAIN_AFTER_SECONDS = 60, 0.5
RETURN_URL = "https://news.example/thanks"
NO_LEAK = "a body leaves only where it was granted"


class Tokens(NamedTuple):
    """A token of the site's, and a way to make one for a reader."""

    site: str
    reader: Callable[[str], str]


def canary_of(article: str) -> str:
    return f"canary-{article}-canary"


def check_canaries(journal: Journal, text: str, article: str | None, detail: str) -> None:
    """No body is in the answer but that of the one article that it may have."""
    allowed = 0 if article is None else text.count(canary_of(article))
    journal.check(NO_LEAK, text.count("canary-") == allowed, f"{detail}: {text[:300]}")


async def stock(settings: Settings) -> None:
    """Migrate, and put the products into the catalogue and into Stripe; no service runs yet."""
    database, client = Database(settings), StripeClient(settings)
    try:
        await migrate(database)
        async with database.writing() as session:
            for product in _products(database.clock.now()):
                await put_product(session, product)
        await apply(database, client, await differ(database, client))
    finally:
        await asyncio.gather(database.close(), client.close())


def _products(now: datetime) -> tuple[Pack, Pass, Plan]:
    return (
        Pack(id="five", title="Five", credits=PACK_CREDITS, prices=PRICES, created_at=now),
        Pass(id="week", title="A week", days=7, prices=PRICES, created_at=now),
        Plan(
            id="monthly", title="Monthly", interval=Interval.MONTH, credits=PLAN_CREDITS,
            credits_expire=CreditsExpire.NEVER, prices=PRICES, created_at=now,
        ),
    )  # fmt: skip


async def put_articles(address: str, site_token: str) -> None:
    """A machine that is busy with other things may need more than one attempt for one of them."""
    headers = {"Authorization": f"Bearer {site_token}"}
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=60) as http:
        for article in ARTICLES:
            body = f"<p>Seen by all.</p>{'<p>More of it.</p>' * 5}<p>{canary_of(article)}</p>"
            put = {"title": article, "policy": "premium", "body_html": body}
            for _ in range(ATTEMPTS_MAX):
                answer = await http.put(f"/v1/articles/{article}", json=put)
                if answer.is_success:
                    break
                await asyncio.sleep(AGAIN_AFTER_SECONDS)
            else:
                raise AssertionError(f"{article} could not be put")
