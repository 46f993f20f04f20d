"""Withdrawing from what the site sold itself: declared once, and returned by the desk."""

from typing import Any

import httpx
import msgspec
import pytest

from paywall.settings import Settings
from tests.conftest import Bearer, SetClock
from tests.test_story import put_article, unlock

PACK = {"title": "Five", "credits": 5, "prices": [{"amount": 400000, "currency": "khr"}]}
BOUGHT = {"processor": "khqr", "amount_paid": 400000, "currency": "khr"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, withdrawal_days=14)


async def buy(service: httpx.AsyncClient, bearer: Bearer, reference: str = "7f3a") -> int:
    await service.put("/v1/packs/five", json=PACK, headers=bearer.site())
    sold = {**BOUGHT, "reader_id": "ann", "reference": reference, "pack_id": "five"}
    answer = await service.post("/v1/purchases", json=sold, headers=bearer.site())
    return int(answer.json()["id"])


async def withdraw(
    service: httpx.AsyncClient, bearer: Bearer, purchase_id: int, who: str = "ann", **more: object
) -> httpx.Response:
    body = {"purchase_id": purchase_id, **more}
    return await service.post("/v1/me/withdrawals", json=body, headers=bearer.reader(who))


async def outstanding(service: httpx.AsyncClient, bearer: Bearer) -> list[dict[str, Any]]:
    query = "/v1/withdrawals?outstanding=true"
    answer = await service.get(query, headers=bearer.site("subscribers:read"))
    return list(answer.json()["items"])


async def test_a_withdrawal_is_declared_once_and_returned_by_the_desk(
    service: httpx.AsyncClient, bearer: Bearer, clock: SetClock
) -> None:
    purchase_id = await buy(service, bearer)
    await put_article(service, bearer, "42")
    await unlock(service, bearer, "ann", "42")
    dry = await withdraw(service, bearer, purchase_id, dry_run=True)
    assert (dry.status_code, dry.json()["id"], dry.json()["amount"]) == (200, None, 400000)
    # Of the five credits one was spent, on an article that is locked again.
    assert (dry.json()["credits_lost"], dry.json()["articles_lost"]) == (4, 1)
    me = (await service.get("/v1/me", headers=bearer.reader("ann"))).json()
    assert me["unlocks_left"] == 4
    assert await outstanding(service, bearer) == []
    first = await withdraw(service, bearer, purchase_id)
    assert (first.status_code, first.json()["credits_lost"]) == (201, None), first.text
    clock.move(days=1)
    again = await withdraw(service, bearer, purchase_id)
    assert (again.status_code, again.json()) == (200, first.json())
    assert await outstanding(service, bearer) == [first.json()]
    mine = await service.get("/v1/me/purchases", headers=bearer.reader("ann"))
    assert mine.json()["items"][0]["withdrawal"] == first.json()
    refund = {"amount": 400000, "reference": "back-1"}
    address = f"/v1/purchases/{purchase_id}/refunds"
    assert (await service.post(address, json=refund, headers=bearer.site())).status_code == 201
    assert await outstanding(service, bearer) == []
    me = (await service.get("/v1/me", headers=bearer.reader("ann"))).json()
    assert me["unlocks_left"] == 0


async def test_only_the_readers_own_recent_purchase_is_withdrawn_from(
    service: httpx.AsyncClient, bearer: Bearer, clock: SetClock
) -> None:
    purchase_id = await buy(service, bearer)
    other = await withdraw(service, bearer, purchase_id, "bo")
    assert other.json()["type"] == "/problems/purchase_unknown"
    mine = await service.get("/v1/me/purchases", headers=bearer.reader("ann"))
    assert mine.json()["items"][0]["withdrawable_until"] == "2026-12-09T00:00:00Z"
    clock.move(days=15)
    late = await withdraw(service, bearer, purchase_id)
    assert late.json()["type"] == "/problems/withdrawal_over"
    refunded = await buy(service, bearer, "8b1c")
    address = f"/v1/purchases/{refunded}/refunds"
    refund = {"amount": 400000, "reference": "back-1"}
    await service.post(address, json=refund, headers=bearer.site())
    none = await withdraw(service, bearer, refunded)
    assert none.json()["type"] == "/problems/not_withdrawable"


async def test_a_withdrawal_moves_by_a_merge_and_is_kept_without_the_reader(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    purchase_id = await buy(service, bearer)
    await withdraw(service, bearer, purchase_id)
    into = {"into": "ann-2"}
    await service.post("/v1/subscribers/ann/merge", json=into, headers=bearer.site())
    assert [one["reader_id"] for one in await outstanding(service, bearer)] == ["ann-2"]
    again = await withdraw(service, bearer, purchase_id, "ann-2")
    assert again.status_code == 200
    await service.delete("/v1/subscribers/ann-2", headers=bearer.site())
    (left,) = await outstanding(service, bearer)
    assert left["reader_id"].startswith("erased_")
