"""A refund waits for the reader's lock and then reads the state."""

import asyncio

import httpx
import pytest

from paywall.credits.locking import lock_subscriber
from paywall.database.engine import Database
from paywall.rules.enums import Actor
from paywall.settings import Settings
from paywall.subscribers.audit import audit
from paywall.subscribers.merge import merge_readers
from paywall.unlocks.unlock import unlock_article
from tests.conftest import Bearer, SetClock
from tests.subscribers.test_merge import waiting
from tests.test_story import check, grant, put_article

ACTOR = Actor("test", "races", "0")
# SQLite has one writer, which waits for nobody in the middle of a transaction.
pytestmark = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)


@pytest.fixture
async def refund_path(service: httpx.AsyncClient, bearer: Bearer) -> str:
    """Where ann's six credits are refunded; one article costs four."""
    pack = {"title": "Six", "credits": 6, "prices": [{"amount": 600, "currency": "usd"}]}
    await service.put("/v1/packs/six", json=pack, headers=bearer.site())
    await put_article(service, bearer, "a", unlock_cost=4)
    payment = {"reader_id": "ann", "processor": "cash", "reference": "1", "pack_id": "six",
               "amount_paid": 600, "currency": "usd"}  # fmt: skip
    bought = await service.post("/v1/purchases", json=payment, headers=bearer.site())
    assert bought.status_code == 201, bought.text
    return f"/v1/purchases/{bought.json()['id']}/refunds"


async def until_it_waits(refunding: asyncio.Future[httpx.Response], database: Database) -> None:
    """A refund that waits for nobody is done instead."""
    while not refunding.done() and await waiting(database) == 0:
        pass
    assert not refunding.done()


async def left(service: httpx.AsyncClient, bearer: Bearer, reader_id: str) -> int:
    me = await service.get("/v1/me", headers=bearer.reader(reader_id))
    return int(me.json()["unlocks_left"])


async def test_a_refund_during_an_unlock_revokes_it(
    service: httpx.AsyncClient, bearer: Bearer, database: Database, settings: Settings,
    clock: SetClock, refund_path: str,
) -> None:  # fmt: skip
    whole = {"amount": 600, "reference": "r"}
    async with database.writing() as session:
        await unlock_article(
            session, "ann", "a", max_cost=None, actor=ACTOR, clock=clock, settings=settings
        )
        refunding = asyncio.ensure_future(
            service.post(refund_path, json=whole, headers=bearer.site())
        )
        await until_it_waits(refunding, database)
    assert (await refunding).status_code == 201
    assert (await check(service, bearer, "a", reader_id="ann"))["granted"] is False
    assert await left(service, bearer, "ann") == 0
    async with database.reading() as session:
        assert await audit(session) == []


@pytest.mark.parametrize("into", ["aaron", "zoe"])
async def test_a_refund_during_a_merge_applies_to_the_merged_reader(
    service: httpx.AsyncClient, bearer: Bearer, database: Database, clock: SetClock,
    refund_path: str, into: str,
) -> None:  # fmt: skip
    part = {"amount": 300, "reference": "r"}
    async with database.writing() as session:
        await lock_subscriber(session, "ann")
        refunding = asyncio.ensure_future(
            service.post(refund_path, json=part, headers=bearer.site())
        )
        await until_it_waits(refunding, database)
        await merge_readers(session, "ann", into, actor=ACTOR, clock=clock)
    refunded = await refunding
    assert (refunded.status_code, refunded.json()["reader_id"]) == (201, into)
    assert [await left(service, bearer, item) for item in ("ann", into)] == [0, 3]
    async with database.reading() as session:
        assert await audit(session) == []


async def test_a_refund_locks_the_reader_after_a_merge(
    service: httpx.AsyncClient, bearer: Bearer, database: Database, settings: Settings,
    clock: SetClock, refund_path: str,
) -> None:  # fmt: skip
    whole = {"amount": 600, "reference": "r"}
    await grant(service, bearer, "zoe", 1)
    async with database.writing() as unlocking:
        async with database.writing() as merging:
            await merge_readers(merging, "ann", "zoe", actor=ACTOR, clock=clock)
            refunding = asyncio.ensure_future(
                service.post(refund_path, json=whole, headers=bearer.site())
            )
            await until_it_waits(refunding, database)
            next_in_line = asyncio.ensure_future(lock_subscriber(unlocking, "zoe"))
            while await waiting(database) < len([refunding, next_in_line]):
                pass
        assert await next_in_line
        await until_it_waits(refunding, database)
        await unlock_article(
            unlocking, "zoe", "a", max_cost=None, actor=ACTOR, clock=clock, settings=settings
        )
    assert (await refunding).status_code == 201
    assert (await check(service, bearer, "a", reader_id="zoe"))["granted"] is False
    assert await left(service, bearer, "zoe") == 1
    async with database.reading() as session:
        assert await audit(session) == []


async def test_concurrent_refunds_never_exceed_the_price(
    service: httpx.AsyncClient, bearer: Bearer, database: Database, refund_path: str
) -> None:
    answers = await asyncio.gather(
        *(
            service.post(
                refund_path, json={"amount": 400, "reference": f"r{n}"}, headers=bearer.site()
            )
            for n in range(4)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert await left(service, bearer, "ann") == 2
    async with database.reading() as session:
        assert await audit(session) == []
