"""Sites add unlocks without credits, and revoke them with or without returning credits."""

import httpx
import pytest

from paywall.database.engine import Database
from paywall.subscribers.audit import audit
from tests.conftest import Bearer, SetClock
from tests.test_story import check, grant, put_article, unlock

Service = httpx.AsyncClient
URL = "/v1/subscribers/ann/unlocks"


async def give(
    service: Service, bearer: Bearer, article_id: str, **fields: object
) -> httpx.Response:
    body = {"article_id": article_id, "source": "complimentary", **fields}
    return await service.post(URL, json=body, headers=bearer.site("subscribers:write"))


async def take(service: Service, bearer: Bearer, article_id: str, **query: str) -> int:
    answer = await service.delete(
        f"{URL}/{article_id}", params=query, headers=bearer.site("subscribers:write")
    )
    return answer.status_code


async def left(service: Service, bearer: Bearer) -> object:
    return (await service.get("/v1/me", headers=bearer.reader("ann"))).json()["unlocks_left"]


async def kinds(service: Service, bearer: Bearer) -> list[tuple[str, int]]:
    ledger = await service.get("/v1/me/ledger", headers=bearer.reader("ann"))
    return [(entry["kind"], entry["amount"]) for entry in reversed(ledger.json()["items"])]


async def is_proven(database: Database) -> bool:
    async with database.reading() as session:
        return await audit(session) == []


async def test_a_complimentary_unlock_is_free(
    service: Service, bearer: Bearer, database: Database
) -> None:
    await put_article(service, bearer, "42")
    given = await give(service, bearer, "42")
    assert given.status_code == 201, given.text
    assert (given.json()["source"], given.json()["payments"]) == ("complimentary", [])
    assert given.json()["title"] == "A title"
    again = await give(service, bearer, "42", source="migration")
    assert (again.status_code, again.json()) == (200, given.json())
    assert (await check(service, bearer, "42", reader_id="ann"))["reason"] == "unlocked"
    assert await is_proven(database)


async def test_a_complimentary_unlock_keeps_a_paid_one(service: Service, bearer: Bearer) -> None:
    await put_article(service, bearer, "42")
    await grant(service, bearer, "ann", 1)
    paid = await unlock(service, bearer, "ann", "42")
    given = await give(service, bearer, "42")
    assert (given.status_code, given.json()) == (200, paid.json()["unlock"])


async def test_only_migrated_unlocks_can_precede_their_article(
    service: Service, bearer: Bearer
) -> None:
    gift = await give(service, bearer, "yet-to-come")
    assert (gift.status_code, gift.json()["type"]) == (404, "/problems/article_unknown")
    unknown = await service.get("/v1/subscribers/ann", headers=bearer.site())
    assert unknown.status_code == 404
    since = "2019-05-01T07:00:00+07:00"
    migrated = await give(service, bearer, "yet-to-come", source="migration", unlocked_at=since)
    assert migrated.status_code == 201
    assert migrated.json()["unlocked_at"] == "2019-05-01T00:00:00Z"
    await put_article(service, bearer, "yet-to-come")
    decision = await check(service, bearer, "yet-to-come", reader_id="ann")
    assert decision["reason"] == "unlocked"


async def test_an_unlock_in_the_future_is_refused(service: Service, bearer: Bearer) -> None:
    ahead = await give(service, bearer, "a", source="migration", unlocked_at="2026-11-24T12:00:01Z")
    assert ahead.status_code == 422
    assert ahead.json()["errors"][0]["field"] == "unlocked_at"
    now = await give(service, bearer, "a", source="migration", unlocked_at="2026-11-24T12:00:00Z")
    assert now.status_code == 201


async def test_a_repeated_key_unlocks_once(service: Service, bearer: Bearer) -> None:
    await put_article(service, bearer, "42")
    headers = {"Idempotency-Key": "k", **bearer.site()}
    body = {"article_id": "42", "source": "complimentary"}
    answers = [await service.post(URL, json=body, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content


async def test_revoking_returns_the_credits_to_each_grant(
    service: Service, bearer: Bearer, database: Database
) -> None:
    await put_article(service, bearer, "42", unlock_cost=3)
    await grant(service, bearer, "ann", 2)
    await grant(service, bearer, "ann", 2, reference="second")
    paid = (await unlock(service, bearer, "ann", "42")).json()["unlock"]
    assert [await take(service, bearer, "42") for _ in range(2)] == [204, 204]
    assert await left(service, bearer) == 4
    assert await kinds(service, bearer) == [
        ("granted", 2), ("granted", 2), ("spent", -2), ("spent", -1),
        ("restored", 2), ("restored", 1),
    ]  # fmt: skip
    assert (await check(service, bearer, "42", reader_id="ann"))["granted"] is False
    everything = await service.get(URL, headers=bearer.site())
    (on_record,) = everything.json()["items"]
    assert on_record == {**paid, "revoked_at": "2026-11-24T12:00:00Z"}
    mine = await service.get("/v1/me/unlocks", headers=bearer.reader("ann"))
    assert mine.json()["items"] == []
    assert await is_proven(database)
    again = await unlock(service, bearer, "ann", "42")
    assert (again.status_code, again.json()["unlocks_left"]) == (201, 1)
    assert await is_proven(database)


async def test_revoking_without_return_keeps_the_credits_spent(
    service: Service, bearer: Bearer, database: Database
) -> None:
    await put_article(service, bearer, "42")
    await grant(service, bearer, "ann", 2)
    await unlock(service, bearer, "ann", "42")
    assert await take(service, bearer, "42", return_credits="false") == 204
    assert await take(service, bearer, "42", return_credits="true") == 204
    assert await left(service, bearer) == 1
    assert (await check(service, bearer, "42", reader_id="ann"))["reason"] == "unlock_available"
    assert await is_proven(database)


@pytest.mark.parametrize(("ends_by", "kind"), [("void", "voided"), ("expiry", "expired")])
async def test_credits_returned_to_an_expired_grant_cannot_be_spent(
    service: Service, bearer: Bearer, clock: SetClock, database: Database, ends_by: str, kind: str
) -> None:
    await put_article(service, bearer, "42", unlock_cost=2)
    granted = await grant(service, bearer, "ann", 3, expires_at="2026-11-25T12:00:00Z")
    await unlock(service, bearer, "ann", "42")
    if ends_by == "void":
        grant_id = granted.json()["id"]
        void = f"/v1/subscribers/ann/grants/{grant_id}/void"
        await service.post(void, headers=bearer.site())
    else:
        clock.move(days=1)
    assert await take(service, bearer, "42") == 204
    assert await left(service, bearer) == 0
    (restored,) = (await service.get("/v1/subscribers/ann", headers=bearer.site())).json()["grants"]
    assert restored["remaining"] == 0
    assert (await kinds(service, bearer))[-2:] in (
        [("restored", 2), (kind, -2)],
        [("restored", 2), (kind, -3)],
    )
    assert await is_proven(database)


async def test_revoking_for_an_unknown_reader_is_refused(service: Service, bearer: Bearer) -> None:
    assert await take(service, bearer, "42") == 404
    await grant(service, bearer, "ann", 1)
    assert await take(service, bearer, "42") == 204


async def test_return_credits_is_true_or_false(service: Service, bearer: Bearer) -> None:
    await grant(service, bearer, "ann", 1)
    assert await take(service, bearer, "42", return_credits="perhaps") == 422


async def test_a_voided_grant_gets_credits_back_despite_a_clock_change(
    service: Service, bearer: Bearer, clock: SetClock, database: Database
) -> None:
    await put_article(service, bearer, "42")
    grant_id = (await grant(service, bearer, "ann", 2)).json()["id"]
    await unlock(service, bearer, "ann", "42")
    await service.post(f"/v1/subscribers/ann/grants/{grant_id}/void", headers=bearer.site())
    clock.move(seconds=-10)
    assert await take(service, bearer, "42") == 204
    assert len(await kinds(service, bearer)) == 5
    assert await left(service, bearer) == 0
    assert await is_proven(database)
