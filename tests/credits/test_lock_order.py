"""Transactions that lock several readers do not deadlock."""

import asyncio
from collections.abc import Sequence

import sqlalchemy as sa
from sqlmodel import select

from paywall.articles.publish import ArticleUpdate, publish_all
from paywall.credits.grant import GrantTerms, grant_many
from paywall.credits.locking import lock_subscriber
from paywall.database.engine import Database
from paywall.database.tables import CreditGrant
from paywall.rules.decision import ArticleTerms, Policy
from paywall.rules.enums import Actor, GrantSource
from paywall.subscribers.audit import audit

ACTOR = Actor("paywall", "import", "")
NUMBERS = range(200)


async def test_concurrent_grants_with_equal_references_are_made_once(
    database: Database,
) -> None:
    async def run(numbers: Sequence[int]) -> int:
        all_terms = [
            GrantTerms(f"r{number % 50}", 1, GrantSource.MIGRATION, f"ref{number}")
            for number in numbers
        ]
        async with database.writing() as session:
            return len(await grant_many(session, all_terms, actor=ACTOR, clock=database.clock))

    orders = [NUMBERS, NUMBERS[::-1], NUMBERS[1::2], NUMBERS[::-2]]
    granted = await asyncio.gather(*(run(order) for order in orders))
    assert sum(granted) == len(NUMBERS)
    async with database.reading() as session:
        assert len((await session.exec(select(CreditGrant))).all()) == len(NUMBERS)
        assert await audit(session) == []


async def test_concurrent_imports_do_not_deadlock(
    database: Database,
) -> None:
    """Each holds a reader of the other's, while both wait for the one in the middle."""
    if database.is_sqlite:
        return  # Its one writer has nobody to wait for.

    async def run(source: GrantSource, *reader_ids: str) -> int:
        all_terms = [GrantTerms(reader_id, 1, source, reader_id) for reader_id in reader_ids]
        async with database.writing() as session:
            return len(await grant_many(session, all_terms, actor=ACTOR, clock=database.clock))

    await run(GrantSource.ADJUSTMENT, "a", "m", "z")
    async with database.writing() as session:
        await lock_subscriber(session, "m")
        imports = [
            asyncio.create_task(run(GrantSource.MIGRATION, "a", "m", "z")),
            asyncio.create_task(run(GrantSource.PROMOTION, "z", "m", "a")),
        ]
        waiting = sa.text("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")
        while (await (await session.connection()).execute(waiting)).scalar_one() < len(imports):
            await asyncio.sleep(0)
            await (await session.connection()).execute(sa.text("select pg_stat_clear_snapshot()"))
    assert await asyncio.gather(*imports) == [3, 3]


async def test_concurrent_imports_publish_whole_articles(database: Database) -> None:
    async def run(title: str, numbers: Sequence[int]) -> None:
        publications = [
            ArticleUpdate(
                f"a{number}", title, ArticleTerms(Policy.FREE, 1), body_html=f"<p>{title}</p>"
            )
            for number in numbers
        ]
        async with database.writing() as session:
            published = await publish_all(
                session, publications, actor=ACTOR, now=database.clock.now(), preview_share=1
            )
        assert {article.title for article, _ in published} == {title}

    orders = [NUMBERS, NUMBERS[::-1], NUMBERS[1::2], NUMBERS[::-2]]
    await asyncio.gather(*(run(f"t{number}", order) for number, order in enumerate(orders)))
