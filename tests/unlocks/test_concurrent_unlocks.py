"""Concurrent unlock requests spend exactly what was granted."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import httpx

from tests.conftest import Bearer
from tests.test_story import grant, put_article, unlock

CLICKS = 200


async def patiently(ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """Ask again when told to, as a site does."""
    while True:
        answer = await ask()
        if answer.status_code != 503:
            return answer
        assert answer.headers["retry-after"] == "1"


async def entries(service: httpx.AsyncClient, bearer: Bearer, reader_id: str) -> Counter[str]:
    answer = await service.get(
        f"/v1/subscribers/{reader_id}/ledger?limit=200", headers=bearer.site()
    )
    return Counter(entry["kind"] for entry in answer.json()["items"])


async def test_two_hundred_requests_spend_only_seven_credits(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    for n in range(CLICKS):
        await put_article(service, bearer, f"a{n}", body_html=None)
    await grant(service, bearer, "ann", 4)
    await grant(service, bearer, "ann", 3, reference="second", expires_at="2027-01-01T00:00:00Z")
    answers = await asyncio.gather(
        *(patiently(lambda n=n: unlock(service, bearer, "ann", f"a{n}")) for n in range(CLICKS))  # type: ignore[misc]  # n is bound
    )
    assert Counter(answer.status_code for answer in answers) == {201: 7, 409: CLICKS - 7}
    assert (await entries(service, bearer, "ann"))["spent"] == 7
    mine = await service.get("/v1/me/unlocks", headers=bearer.reader("ann"))
    assert len(mine.json()["items"]) == 7


async def test_two_hundred_requests_for_one_article_make_one_unlock(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await put_article(service, bearer, "a", unlock_cost=2)
    await grant(service, bearer, "ann", 7)
    answers = await asyncio.gather(
        *(patiently(lambda: unlock(service, bearer, "ann", "a")) for _ in range(CLICKS))
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: CLICKS - 1}
    assert len({answer.json()["unlock"]["id"] for answer in answers}) == 1
    assert (await entries(service, bearer, "ann"))["spent"] == 1
