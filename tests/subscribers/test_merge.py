"""Merging two ids of one person moves everything and loses no credit."""

import asyncio

import httpx
import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from paywall.credits.locking import lock_subscriber
from paywall.database.engine import Database
from paywall.subscribers.audit import audit
from paywall.subscribers.merge import MOVED_TABLES
from tests.conftest import Bearer, SetClock
from tests.test_story import check, grant, put_article, unlock
from tests.unlocks.test_concurrent_unlocks import patiently

Service = httpx.AsyncClient
# A stored answer stays with the id that it was about, as it was given.
NOT_MOVED = {"idempotency_key"}


async def merge(
    service: Service, bearer: Bearer, from_id: str, into: str, **headers: str
) -> httpx.Response:
    return await service.post(
        f"/v1/subscribers/{from_id}/merge",
        json={"into": into},
        headers={**bearer.site("subscribers:write"), **headers},
    )


async def is_proven(database: Database) -> bool:
    async with database.reading() as session:
        return await audit(session) == []


async def left(service: Service, bearer: Bearer, reader_id: str) -> int:
    me = await service.get("/v1/me", headers=bearer.reader(reader_id))
    return int(me.json()["unlocks_left"])


async def in_force(service: Service, bearer: Bearer, reader_id: str) -> list[str]:
    mine = await service.get("/v1/me/unlocks?limit=200", headers=bearer.reader(reader_id))
    return sorted(unlock["article_id"] for unlock in mine.json()["items"])


async def put_end(service: Service, bearer: Bearer, reader_id: str, end: str) -> None:
    put = await service.put(
        f"/v1/subscribers/{reader_id}/subscription",
        json={"current_period_end": end},
        headers=bearer.site(),
    )
    assert put.status_code == 201


def test_every_table_that_names_a_reader_is_covered() -> None:
    named = {name for name, t in SQLModel.metadata.tables.items() if "reader_id" in t.columns}
    assert {str(table.__tablename__) for table in MOVED_TABLES} == named - NOT_MOVED


async def test_a_merge_moves_everything(
    service: Service, bearer: Bearer, database: Database
) -> None:
    for article in ("1", "2"):
        await put_article(service, bearer, article)
    await grant(service, bearer, "old", 3)
    await grant(service, bearer, "new", 2)
    await unlock(service, bearer, "old", "1")
    await unlock(service, bearer, "new", "2")
    merged = await merge(service, bearer, "old", "new")
    assert merged.status_code == 200, merged.text
    assert merged.json()["reader_id"] == "new"
    assert merged.json()["unlocks_left"] == 3
    assert [g["reference"] for g in merged.json()["grants"]] == ["new-1", "old-1"]
    assert await in_force(service, bearer, "new") == ["1", "2"]
    ledger = await service.get("/v1/subscribers/new/ledger", headers=bearer.site())
    entries = [(e["kind"], e["actor"]["subject"]) for e in ledger.json()["items"]]
    assert sorted(entries) == [
        ("granted", "site"), ("granted", "site"), ("spent", "new"), ("spent", "old"),
    ]  # fmt: skip
    assert await is_proven(database)


async def test_the_old_id_is_unknown_and_can_be_used_anew(
    service: Service, bearer: Bearer, database: Database
) -> None:
    await grant(service, bearer, "old", 3)
    await merge(service, bearer, "old", "new")
    for path in ("", "/ledger", "/unlocks"):
        gone = await service.get(f"/v1/subscribers/old{path}", headers=bearer.site())
        assert (gone.status_code, gone.json()["type"]) == (404, "/problems/subscriber_unknown")
    assert await left(service, bearer, "old") == 0
    await grant(service, bearer, "old", 1, reference="anew")
    assert (await left(service, bearer, "old"), await left(service, bearer, "new")) == (1, 3)
    assert (await merge(service, bearer, "old", "new")).status_code == 200
    assert await left(service, bearer, "new") == 4
    assert await is_proven(database)


async def test_merging_twice_is_a_no_op(service: Service, bearer: Bearer) -> None:
    await grant(service, bearer, "old", 3)
    answers = [await merge(service, bearer, "old", "new") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    assert (await merge(service, bearer, "new", "newer")).status_code == 200
    assert (await merge(service, bearer, "old", "new")).status_code == 200
    assert await left(service, bearer, "newer") == 3
    unknown = await service.get("/v1/subscribers/new", headers=bearer.site())
    assert unknown.status_code == 404


async def test_a_repeated_merge_key_is_replayed(service: Service, bearer: Bearer) -> None:
    key = {"Idempotency-Key": "k"}
    await grant(service, bearer, "old", 3)
    first = await merge(service, bearer, "old", "new", **key)
    await grant(service, bearer, "old", 1, reference="anew")
    again = await merge(service, bearer, "old", "new", **key)
    assert first.content == again.content
    assert await left(service, bearer, "old") == 1


async def test_invalid_merges_are_refused(service: Service, bearer: Bearer) -> None:
    await grant(service, bearer, "ann", 1)
    itself = await merge(service, bearer, "ann", "ann")
    assert (itself.status_code, itself.json()["errors"][0]["field"]) == (422, "into")
    for unknown, into in (("nobody", "ann"), ("zoe", "ann"), ("nobody", "nobody-else")):
        answer = await merge(service, bearer, unknown, into)
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/subscriber_unknown")
    assert (await merge(service, bearer, "ann", "bo")).status_code == 200
    assert (await merge(service, bearer, "ann", "cy")).status_code == 404
    for untouched in ("nobody-else", "cy"):
        known = await service.get(f"/v1/subscribers/{untouched}", headers=bearer.site())
        assert known.status_code == 404


async def test_the_older_unlock_stays_and_the_other_is_returned(
    service: Service, bearer: Bearer, clock: SetClock, database: Database
) -> None:
    await put_article(service, bearer, "old-first", unlock_cost=2)
    await put_article(service, bearer, "new-first", unlock_cost=3)
    await grant(service, bearer, "old", 5)
    await grant(service, bearer, "new", 5)
    older = {}
    for reader_id, article in (("old", "old-first"), ("new", "new-first")):
        answer = await unlock(service, bearer, reader_id, article)
        older[article] = answer.json()["unlock"]["id"]
    clock.move(hours=1)
    await unlock(service, bearer, "old", "new-first")
    await unlock(service, bearer, "new", "old-first")
    assert (await merge(service, bearer, "old", "new")).json()["unlocks_left"] == 5
    everything = await service.get("/v1/subscribers/new/unlocks", headers=bearer.site())
    stay = {u["article_id"]: u["id"] for u in everything.json()["items"] if not u["revoked_at"]}
    assert stay == older
    assert len(everything.json()["items"]) == 4
    assert await is_proven(database)


async def test_the_complimentary_subscription_with_the_later_end_stays(
    service: Service, bearer: Bearer
) -> None:
    later, sooner = "2027-02-01T00:00:00Z", "2027-01-01T00:00:00Z"
    for old, new in ((later, sooner), (sooner, later)):
        await put_end(service, bearer, f"old-{old}", old)
        await put_end(service, bearer, f"new-{old}", new)
        merged = await merge(service, bearer, f"old-{old}", f"new-{old}")
        (only,) = merged.json()["subscriptions"]
        assert only["access_until"] == later


async def test_merged_passes_run_one_after_the_other(
    service: Service, bearer: Bearer, clock: SetClock
) -> None:
    week = {"title": "A week", "days": 7, "prices": [{"amount": 500, "currency": "usd"}]}
    await service.put("/v1/passes/week", json=week, headers=bearer.site())
    for reader in ("old", "new"):
        bought = await service.post(
            "/v1/purchases",
            json={"reader_id": reader, "processor": "cash", "reference": reader,
                  "pass_id": "week", "amount_paid": 500, "currency": "usd"},
            headers=bearer.site(),
        )  # fmt: skip
        assert bought.status_code == 201
        clock.move(days=1)
    await merge(service, bearer, "old", "new")
    mine = (await service.get("/v1/me", headers=bearer.reader("new"))).json()["subscriptions"]
    ends = sorted(item["access_until"] for item in mine)
    # Until the merge each was used for itself: 5 and 6 days are left.
    assert ends == ["2026-12-01T12:00:00Z", "2026-12-07T12:00:00Z"]


async def test_merged_views_can_exceed_the_limit(service: Service, bearer: Bearer) -> None:
    for number in range(8):
        await put_article(service, bearer, f"m{number}", policy="metered")
    await grant(service, bearer, "old", 1)
    for reader_id, numbers in (("old", range(5)), ("new", range(3, 8))):
        for number in numbers:
            read = await check(service, bearer, f"m{number}", reader_id=reader_id, count_view=True)
            assert read["reason"] == "metered"
    merged = await merge(service, bearer, "old", "new")
    assert merged.json()["meter"]["used"] == 8
    for number in range(8):
        read = await check(service, bearer, f"m{number}", reader_id="new", count_view=True)
        assert (read["granted"], read["reason"]) == (True, "metered")
    await put_article(service, bearer, "another", policy="metered")
    assert (await check(service, bearer, "another", reader_id="new"))["granted"] is False
    assert (await check(service, bearer, "another", reader_id="old"))["granted"] is True


async def test_a_merge_during_unlocks_loses_no_credit(
    service: Service, bearer: Bearer, database: Database
) -> None:
    articles = [f"a{number}" for number in range(12)]
    for article in articles:
        await put_article(service, bearer, article, body_html=None)
    await grant(service, bearer, "one", 9)
    await grant(service, bearer, "two", 9)
    clicks = [
        patiently(lambda r=reader_id, a=article: unlock(service, bearer, r, a))  # type: ignore[misc]  # r and a are bound
        for article in articles
        for reader_id in ("one", "two")
    ]
    middle = len(clicks) // 2
    merging = patiently(lambda: merge(service, bearer, "one", "two"))
    answers = await asyncio.gather(*clicks[:middle], merging, *clicks[middle:])
    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    assert await is_proven(database)
    opened = await in_force(service, bearer, "two")
    assert len(opened) == len(set(opened))
    assert await left(service, bearer, "two") + len(opened) == 18
    assert await left(service, bearer, "one") == 0


async def test_concurrent_opposite_merges_leave_one_reader(
    service: Service, bearer: Bearer, database: Database
) -> None:
    await put_article(service, bearer, "a")
    for reader_id in ("one", "two"):
        await grant(service, bearer, reader_id, 4)
        await unlock(service, bearer, reader_id, "a")
    answers = await asyncio.gather(
        *(merge(service, bearer, *pair) for pair in [("one", "two"), ("two", "one")] * 6)
    )
    assert {answer.status_code for answer in answers} == {200}
    assert await is_proven(database)
    lefts = [await left(service, bearer, reader_id) for reader_id in ("one", "two")]
    assert sorted(lefts) == [0, 7]
    async with database.reading() as session:
        connection = await session.connection()
        rows = (await connection.execute(sa.text("select id from subscriber"))).all()
    assert len(rows) == 1


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_concurrent_merges_do_not_deadlock(
    service: Service, bearer: Bearer, database: Database
) -> None:
    """Both wait for the lower id first, so that neither holds the other's."""
    for reader_id in ("one", "two"):
        await grant(service, bearer, reader_id, 4)
    async with database.writing() as session:
        await lock_subscriber(session, "one")
        merging = [
            asyncio.ensure_future(merge(service, bearer, *pair))
            for pair in [("one", "two"), ("two", "one")]
        ]
        while await waiting(database) < len(merging):
            pass
    assert [(await answer).status_code for answer in merging] == [200, 200]
    assert await is_proven(database)


async def waiting(database: Database) -> int:
    """Connections that wait for a lock."""
    statement = (
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and wait_event_type = 'Lock'"
    )
    async with database.reading() as session:
        connection = await session.connection()
        return int((await connection.execute(sa.text(statement))).scalar_one())
