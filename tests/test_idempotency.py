"""`Idempotency-Key`: one effect and one answer, however often and however many at once."""

import asyncio
from collections import Counter

import httpx

from paywall import idempotency
from paywall.database.engine import Database
from tests.conftest import Bearer, SetClock
from tests.test_story import grant, put_article

URL = "/v1/subscribers/ann/grants"


def a_grant(reference: str, amount: int = 5) -> dict[str, object]:
    return {"amount": amount, "source": "promotion", "reference": reference}


async def test_a_repeated_request_gets_the_stored_response(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    key = {"Idempotency-Key": "k1", **bearer.site()}
    first = await service.post(URL, json=a_grant("x"), headers=key)
    again = await service.post(URL, json=dict(reversed(a_grant("x").items())), headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    without = await service.post(URL, json=a_grant("x"), headers=bearer.site())
    assert without.status_code == 200


async def test_twenty_concurrent_requests_have_one_effect(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await put_article(service, bearer, "a")
    await grant(service, bearer, "ann", 5)
    headers = {"Idempotency-Key": "click", **bearer.reader("ann")}
    answers = await asyncio.gather(
        *(
            service.post("/v1/me/unlocks", json={"article_id": "a"}, headers=headers)
            for _ in range(20)
        )
    )
    assert Counter(answer.status_code for answer in answers) == {201: 20}
    assert len({answer.content for answer in answers}) == 1
    me = (await service.get("/v1/me", headers=bearer.reader("ann"))).json()
    assert me["unlocks_left"] == 4


async def test_a_key_with_other_json_is_refused(service: httpx.AsyncClient, bearer: Bearer) -> None:
    key = {"Idempotency-Key": "k1", **bearer.site()}
    await service.post(URL, json=a_grant("x"), headers=key)
    other = await service.post(URL, json=a_grant("y"), headers=key)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency_key_reused")


async def test_keys_are_separate_per_caller_and_path(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    key = {"Idempotency-Key": "k1"}
    answers = [
        await service.post(URL, json=a_grant("x"), headers={**key, **bearer.site()}),
        await service.post(URL, json=a_grant("y"), headers={**key, **bearer.site(subject="two")}),
        await service.post(
            "/v1/subscribers/bo/grants", json=a_grant("z"), headers={**key, **bearer.site()}
        ),
    ]
    assert [answer.json()["reference"] for answer in answers] == ["x", "y", "z"]


async def test_a_refusal_is_not_stored(service: httpx.AsyncClient, bearer: Bearer) -> None:
    await put_article(service, bearer, "a")
    headers = {"Idempotency-Key": "k", **bearer.reader("ann")}
    refused = await service.post("/v1/me/unlocks", json={"article_id": "a"}, headers=headers)
    await grant(service, bearer, "ann", 1)
    unlocked = await service.post("/v1/me/unlocks", json={"article_id": "a"}, headers=headers)
    assert (refused.status_code, unlocked.status_code) == (409, 201)


async def test_a_key_is_stored_for_a_day(
    service: httpx.AsyncClient, bearer: Bearer, clock: SetClock
) -> None:
    await service.post(URL, json=a_grant("x"), headers={"Idempotency-Key": "k", **bearer.site()})
    clock.move(hours=24, seconds=-1)
    key = {"Idempotency-Key": "k", **bearer.site()}
    assert (await service.post(URL, json=a_grant("y"), headers=key)).status_code == 422
    clock.move(seconds=1)
    assert (await service.post(URL, json=a_grant("y"), headers=key)).status_code == 201


async def test_a_malformed_key_is_named(service: httpx.AsyncClient, bearer: Bearer) -> None:
    headers = {"Idempotency-Key": "k" * 201, **bearer.site()}
    answer = await service.post(URL, json=a_grant("x"), headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


async def test_a_response_is_never_replayed_to_another_reader(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await put_article(service, bearer, "a")
    for reader, credits_ in (("ann", 5), ("bo", 3)):
        await grant(service, bearer, reader, credits_)
    left = []
    for reader in ("ann", "bo", "ann", "bo"):
        headers = {"Idempotency-Key": "the same", **bearer.reader(reader)}
        answer = await service.post("/v1/me/unlocks", json={"article_id": "a"}, headers=headers)
        left.append((answer.status_code, answer.json()["unlocks_left"]))
    assert left == [(201, 4), (201, 2), (201, 4), (201, 2)]


async def test_housekeeping_deletes_keys_after_a_day(
    service: httpx.AsyncClient, bearer: Bearer, clock: SetClock, database: Database
) -> None:
    async def forget() -> int:
        async with database.writing() as session:
            return await idempotency.delete_old_keys(session, clock.now())

    for key in ("one", "two"):
        headers = {"Idempotency-Key": key, **bearer.site()}
        await service.post(URL, json=a_grant(key), headers=headers)
    clock.move(hours=24, seconds=-1)
    late = {"Idempotency-Key": "three", **bearer.site()}
    await service.post(URL, json=a_grant("three"), headers=late)
    assert await forget() == 0
    clock.move(seconds=1)
    assert [await forget(), await forget()] == [2, 0]
    again = await service.post(URL, json=a_grant("three"), headers=late)
    assert again.headers["idempotent-replay"] == "true"
