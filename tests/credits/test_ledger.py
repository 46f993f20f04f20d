"""The ledger shows where credits came from and which articles they were spent on."""

from typing import Any

import httpx

from tests.conftest import Bearer
from tests.test_story import grant, put_article, unlock

RICE = {"id": "rice", "title": "A title", "url": "https://news.example/rice"}
GONE = {"id": "gone", "title": None, "url": None}


async def ledger(service: httpx.AsyncClient, bearer: Bearer) -> list[dict[str, Any]]:
    """Ann's whole ledger, the oldest entry first; the site is told the same as she is."""
    mine = await service.get("/v1/me/ledger", headers=bearer.reader("ann"))
    received = await service.get("/v1/subscribers/ann/ledger", headers=bearer.site())
    entries = list(reversed(mine.json()["items"]))
    for entry, sites in zip(entries, reversed(received.json()["items"]), strict=True):
        assert {**entry, "actor": sites["actor"]} == sites
    return entries


async def test_an_entry_names_its_source_and_its_article(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    pack = {"title": "One", "credits": 1, "prices": [{"amount": 100, "currency": "usd"}]}
    await service.put("/v1/packs/one", json=pack, headers=bearer.site())
    sold = {"reader_id": "ann", "processor": "cash", "reference": "1", "pack_id": "one"}
    paid = {"amount_paid": 100, "currency": "usd"}
    await service.post("/v1/purchases", json=sold | paid, headers=bearer.site())
    await grant(service, bearer, "ann", 2)
    await put_article(service, bearer, "rice", unlock_cost=2, url=RICE["url"])
    await put_article(service, bearer, "gone", url="https://news.example/gone")
    for article_id in ("rice", "gone"):
        assert (await unlock(service, bearer, "ann", article_id)).status_code == 201
    await service.delete("/v1/subscribers/ann/unlocks/rice", headers=bearer.site())
    await service.delete("/v1/articles/gone", headers=bearer.site())
    entries = await ledger(service, bearer)
    received = sorted((e["kind"], e["source"], e["amount"]) for e in entries)
    assert received == [
        ("granted", "promotion", 2), ("granted", "purchase", 1),
        ("restored", "promotion", 1), ("restored", "purchase", 1),
        ("spent", "promotion", -1), ("spent", "promotion", -1), ("spent", "purchase", -1),
    ]  # fmt: skip
    assert [e["article"] for e in entries] == [None, None, RICE, RICE, GONE, RICE, RICE]
