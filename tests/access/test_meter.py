"""The meter counts each article once a month, never past the limit, also concurrently."""

import asyncio
from collections import Counter

import httpx
import pytest
from sqlmodel import select

from paywall.access import meter
from paywall.access.facts import load_article_facts, viewer_of
from paywall.database.engine import Database
from paywall.database.tables import MeteredViews
from paywall.server.housekeeping import run_housekeeping_once
from paywall.settings import Settings
from tests.conftest import PATIENT_SECONDS, Bearer, SetClock
from tests.test_story import check, put_article


@pytest.fixture
def settings(database_url: str, tmp_path: object) -> Settings:
    return Settings(
        database_url=database_url,
        data_dir=str(tmp_path),
        request_timeout_seconds=PATIENT_SECONDS,
        meter_limit=3,
        meter_timezone="Asia/Phnom_Penh",
    )


async def view(
    service: httpx.AsyncClient, bearer: Bearer, article_id: str, **viewer: object
) -> dict[str, object]:
    return await check(service, bearer, article_id, count_view=True, **viewer)


async def test_a_view_counts_once_and_a_counted_article_stays_open(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    for article in "abcd":
        await put_article(service, bearer, article, policy="metered")
    used = []
    for article in "aabcda":
        decision = await view(service, bearer, article, visitor_id="v")
        used.append(decision["meter"]["used"] if decision["meter"] else decision["reason"])  # type: ignore[index]  # a dictionary
    assert used == [1, 1, 2, 3, "login_required", 3]


async def test_a_check_counts_a_view_only_on_request(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    for article in "abcd":
        await put_article(service, bearer, article, policy="metered")
        decision = await check(service, bearer, article, visitor_id="v")
        assert decision["meter"] == {"used": 0, "limit": 3, "resets_at": "2026-11-30T17:00:00Z"}


async def test_readers_and_visitors_are_counted_separately(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await put_article(service, bearer, "a", policy="metered")
    await view(service, bearer, "a", visitor_id="ann")
    as_reader = await check(service, bearer, "a", reader_id="ann")
    assert as_reader["meter"]["used"] == 0  # type: ignore[index]  # a dictionary
    nobody = await view(service, bearer, "a")
    assert (nobody["granted"], nobody["reason"]) == (False, "login_required")


async def test_the_month_ends_at_midnight_in_the_sites_time_zone(
    service: httpx.AsyncClient, bearer: Bearer, clock: SetClock
) -> None:
    for article in "abcd":
        await put_article(service, bearer, article, policy="metered")
    for article in "abc":
        await view(service, bearer, article, visitor_id="v")
    clock.move(days=6, hours=5, seconds=-1)
    assert (await view(service, bearer, "d", visitor_id="v"))["granted"] is False
    clock.move(seconds=1)
    opened = await view(service, bearer, "d", visitor_id="v")
    assert opened["meter"] == {"used": 1, "limit": 3, "resets_at": "2026-12-31T17:00:00Z"}


async def test_sixty_concurrent_views_stay_within_the_limit(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    for n in range(20):
        await put_article(service, bearer, f"a{n}", policy="metered")
    decisions = await asyncio.gather(
        *(view(service, bearer, f"a{n % 20}", reader_id="ann") for n in range(60))
    )
    granted = {n % 20 for n, decision in enumerate(decisions) if decision["granted"]}
    assert len(granted) == 3
    assert Counter(decision["reason"] for decision in decisions) == {
        "metered": 9, "credits_required": 51,
    }  # fmt: skip


async def test_serving_a_body_counts_a_view(service: httpx.AsyncClient, bearer: Bearer) -> None:
    await put_article(service, bearer, "a", policy="metered")
    for _ in range(2):
        body = await service.get("/v1/me/articles/a/body", headers=bearer.reader("ann"))
        assert body.json()["decision"]["meter"]["used"] == 1
    asked = {"article_id": "a", "visitor_id": "v"}
    body = await service.post("/v1/access/body", json=asked, headers=bearer.site())
    assert body.json()["decision"]["meter"]["used"] == 1
    assert body.json()["body_html"]


async def test_views_are_deleted_when_their_month_ends(
    service: httpx.AsyncClient, bearer: Bearer, clock: SetClock, database: Database
) -> None:
    for article in "abcd":
        await put_article(service, bearer, article, policy="metered")
    for article in "abc":
        await view(service, bearer, article, visitor_id="v")
    clock.move(days=6, hours=5, seconds=-1)
    await run_housekeeping_once(database, [meter.delete_past_views])
    assert (await view(service, bearer, "d", visitor_id="v"))["granted"] is False
    assert (await view(service, bearer, "a", visitor_id="v"))["granted"] is True
    clock.move(seconds=1)
    await view(service, bearer, "d", visitor_id="w")
    async with database.writing() as session:
        assert await meter.delete_past_views(session, clock.now()) == 1
        assert await meter.delete_past_views(session, clock.now()) == 0
    async with database.reading() as session:
        kept = (await session.exec(select(MeteredViews.viewer_id))).all()
    assert kept == ["w"]


async def test_concurrent_views_of_one_article_count_once(
    service: httpx.AsyncClient, bearer: Bearer, clock: SetClock, database: Database,
    settings: Settings,
) -> None:  # fmt: skip
    """Both were decided before either was counted."""
    await put_article(service, bearer, "a", policy="metered")
    viewer, now = viewer_of("ann"), clock.now()
    async with database.reading() as session:
        facts = await load_article_facts(session, viewer, "a", settings=settings, now=now)
    used = []
    for _ in range(2):
        async with database.writing() as session:
            counted = await meter.count_view(session, viewer, facts, settings=settings, now=now)
        used.append(counted.meter and counted.meter.used)
    assert used == [1, 1]
