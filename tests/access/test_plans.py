"""No query in any endpoint depends on how large the tables are."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from paywall.app import create_app
from paywall.database.engine import Database
from paywall.database.migrations import migrate
from paywall.settings import Settings
from tests.bench.seed import Size, premium_articles, seed_postgres, spending_readers
from tests.conftest import IS_LONG, PATIENT_SECONDS, Bearer, SetClock, running
from tests.postgres import psql, running_postgres
from tests.router import router_of

# Ordinary runs have a fifth: enough for PostgreSQL to prefer an index wherever there is one.
SIZE = (
    Size(readers=100_000, articles=10_000, unlocks=1_000_000)
    if IS_LONG
    else Size(readers=20_000, articles=10_000, unlocks=200_000)
)
GROWING = {
    "article", "credit_grant", "ledger_entry", "subscriber", "subscription", "unlock",
}  # fmt: skip


@pytest.fixture(scope="module")
def large() -> Iterator[str]:
    with running_postgres() as server:
        psql(f"{server}/postgres", "create database large")
        address = f"{server}/large"

        async def fill() -> None:
            database = Database(Settings(database_url=address))
            await migrate(database)
            await database.close()
            await seed_postgres(address, SIZE)

        asyncio.run(fill())
        yield address


@pytest.fixture
def settings(large: str, tmp_path: Path) -> Settings:
    return Settings(
        database_url=large, data_dir=str(tmp_path), request_timeout_seconds=PATIENT_SECONDS
    )


async def use_everything(service: httpx.AsyncClient, bearer: Bearer) -> None:
    """Ask each kind of question that a site or a reader asks, again and again."""
    for reader_id, article_id in zip(spending_readers(SIZE), premium_articles(SIZE), strict=False):
        site, me = bearer.site(), bearer.reader(reader_id)
        asked = {"article_id": article_id, "reader_id": reader_id}
        batch = {"article_ids": [f"a{n}" for n in range(100)], "reader_id": reader_id}
        answers = [
            await service.post("/v1/access/check", json=asked, headers=site),
            await service.post("/v1/access/check", json=asked, headers=site),
            await service.post("/v1/access/check-batch", json=batch, headers=site),
            await service.post(
                "/v1/me/access/check-batch",
                json={"article_ids": batch["article_ids"]},
                headers=me,
            ),
            await service.post("/v1/access/body", json=asked, headers=site),
            await service.post("/v1/me/unlocks", json={"article_id": article_id}, headers=me),
            await service.post("/v1/me/unlocks", json={"article_id": article_id}, headers=me),
        ]
        mine = ["", "/ledger", "/unlocks", "/purchases", f"/articles/{article_id}/access"]
        of_reader = [f"/v1/subscribers/{reader_id}{path}" for path in ("", "/ledger", "/unlocks")]
        for_sites = ["/v1/articles", f"/v1/articles/{article_id}", "/v1/purchases", "/v1/offers"]
        answers += [await service.get(f"/v1/me{path}", headers=me) for path in mine]
        answers += [await service.get(path, headers=site) for path in [*of_reader, *for_sites]]
        grant = {"amount": 1, "source": "promotion", "reference": f"plan-{reader_id}"}
        granted = await service.post(
            f"/v1/subscribers/{reader_id}/grants", json=grant, headers=site
        )
        void = f"/v1/subscribers/{reader_id}/grants/{granted.json()['id']}/void"
        answers.append(await service.post(void, headers=site))
        assert [it.status_code for it in answers if it.is_error] == [], [it.text for it in answers]
        if reader_id == "r100":
            return


def scans_of(address: str) -> dict[str, int]:
    """How often each growing table was read from end to end, once nobody is connected any more."""
    server, _, name = address.rpartition("/")
    others = f"select count(*) from pg_stat_activity where datname = '{name}'"
    while psql(f"{server}/postgres", others) != "0":
        pass
    received = psql(address, "select relname, seq_scan from pg_stat_user_tables order by relname")
    scans = dict(line.split("|") for line in received.splitlines())
    return {table: int(scans[table]) for table in GROWING}


async def scans_while(settings: Settings, clock: SetClock, *, busy: bool) -> Counter[str]:
    before = scans_of(settings.database)
    app = create_app(settings, clock)
    async with running(app):
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # httpx has looser types
        if busy:
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as service:
                await use_everything(service, Bearer(router_of(app), clock))
    return Counter(scans_of(settings.database)) - Counter(before)


@pytest.mark.slow
async def test_no_growing_table_is_scanned(settings: Settings, clock: SetClock) -> None:
    # What a start does by itself, such as counting what is outstanding, it does in both.
    idle = await scans_while(settings, clock, busy=False)
    assert await scans_while(settings, clock, busy=True) == idle
