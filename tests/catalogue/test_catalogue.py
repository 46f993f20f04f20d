"""The catalogue by HTTP, as a site keeps it and as anyone sees it, on both databases."""

import asyncio

import httpx
import pytest

from paywall.catalogue.products import PRODUCTS_MAX, put_product
from paywall.database.engine import Database
from paywall.database.tables import Pack
from paywall.problems import CATALOGUE_FULL, Problem
from tests.conftest import START, Bearer, SetClock

PRICES = [{"amount": 400_000, "currency": "khr"}, {"amount": 100, "currency": "usd"}]
PLAN: dict[str, object] = {"title": "ជាវប្រចាំខែ", "interval": "month", "prices": PRICES}
PACK: dict[str, object] = {"title": "Ten articles", "credits": 10, "prices": PRICES}
PASS: dict[str, object] = {"title": "A day", "days": 1, "prices": PRICES}
KINDS = {"plans": PLAN, "packs": PACK, "passes": PASS}
PLACE: dict[str, object] = {"position": None, "recommended": False}
ONE = {"plans": "plan", "packs": "pack", "passes": "pass"}
TOLD: dict[str, dict[str, object]] = {
    "plans": {
        **PLACE,
        "interval_count": 1,
        "credits": 0,
        "credits_expire": "period_end",
        "trial_days": None,
    },
    "packs": {**PLACE, "expires_after_days": None},
    "passes": PLACE,
}

each_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def editor(bearer: Bearer) -> dict[str, str]:
    return bearer.site("catalogue:write")


@each_kind
async def test_a_product_is_put_replaced_and_deleted(
    service: httpx.AsyncClient, editor: dict[str, str], kind: str
) -> None:
    address = f"/v1/{kind}/p1"
    assert (await service.get(address, headers=editor)).status_code == 404
    first = await service.put(address, json=KINDS[kind], headers=editor)
    assert first.status_code == 201, first.text
    assert first.json() == {"id": "p1", **KINDS[kind], **TOLD[kind]}
    changed = {**KINDS[kind], "id": "p1", "title": "Another title"}
    again = await service.put(address, json=changed, headers=editor)
    assert (again.status_code, again.json()) == (200, {**changed, **TOLD[kind]})
    kept = await service.get(address, headers=editor)
    assert (kept.status_code, kept.json()) == (200, again.json())
    for _ in range(2):
        assert (await service.delete(address, headers=editor)).status_code == 204
    gone = await service.get(address, headers=editor)
    assert (gone.status_code, gone.json()["type"]) == (404, "/problems/product_unknown")


async def test_every_field_of_a_product_is_kept(
    service: httpx.AsyncClient, editor: dict[str, str]
) -> None:
    plan = {
        "id": "gold",
        "title": "Gold",
        "interval": "week",
        "interval_count": 36,
        "credits": 20,
        "credits_expire": "never",
        "trial_days": 730,
        "position": 10_000,
        "recommended": True,
        "prices": [{"amount": 10**12, "currency": "usd"}, {"amount": 0, "currency": "eur"}],
    }
    pack = {
        "id": "big",
        "title": "Big",
        "credits": 1_000_000,
        "expires_after_days": 36_500,
        "prices": PRICES,
        "position": 0,
        "recommended": False,
    }
    for kind, product in (("plans", plan), ("packs", pack)):
        address = f"/v1/{kind}/{product['id']}"
        put = await service.put(address, json=product, headers=editor)
        assert (put.status_code, put.json()) == (201, product)
        assert (await service.get(address, headers=editor)).json() == product


@each_kind
async def test_lists_have_the_newest_first_and_offers_tell_all_of_them(
    service: httpx.AsyncClient, editor: dict[str, str], clock: SetClock, kind: str
) -> None:
    for product_id in ("a", "c", "b"):
        clock.move(seconds=1)
        await service.put(f"/v1/{kind}/{product_id}", json=KINDS[kind], headers=editor)
    await service.put(f"/v1/{kind}/a", json=KINDS[kind], headers=editor)
    page = (await service.get(f"/v1/{kind}?limit=2", headers=editor)).json()
    assert [item["id"] for item in page["items"]] == ["b", "c"]
    last = await service.get(f"/v1/{kind}?cursor={page['next_cursor']}", headers=editor)
    assert [item["id"] for item in last.json()["items"]] == ["a"]
    assert last.json()["next_cursor"] is None

    offers = await service.get("/v1/offers")
    assert offers.status_code == 200
    assert offers.headers["cache-control"] == "no-store"
    sums = {"meter", "on_sale", "has_checkout"}
    assert offers.json().keys() == {"plans", "packs", "passes", *sums}
    assert (offers.json()["on_sale"], offers.json()["has_checkout"]) == ([ONE[kind]], False)
    assert [item["id"] for item in offers.json()[kind]] == ["a", "b", "c"]
    listed = offers.json()[kind][1]
    assert listed.pop("savings", []) == []
    assert [price.pop("processors") for price in listed["prices"]] == [[], []]
    assert listed == {"id": "b", **KINDS[kind], **TOLD[kind]}


async def test_of_each_kind_the_smallest_is_offered_first(
    service: httpx.AsyncClient, editor: dict[str, str]
) -> None:
    for path, terms in (
        ("plans/a", {"interval": "year"}),
        ("plans/b", {"interval": "week", "interval_count": 2}),
        ("plans/c", {"interval": "day"}),
        ("plans/d", {"interval": "month"}),
        ("packs/a", {"credits": 10}),
        ("packs/b", {"credits": 5}),
        ("passes/a", {"days": 30}),
        ("passes/b", {"days": 7}),
    ):
        product = {"title": path, "prices": [{"amount": 1, "currency": "usd"}], **terms}
        await service.put(f"/v1/{path}", json=product, headers=editor)
    offers = (await service.get("/v1/offers")).json()
    received = {kind: "".join(one["id"] for one in offers[kind]) for kind in KINDS}
    assert received == {"plans": "cbda", "packs": "ba", "passes": "ba"}


async def test_offers_are_listed_by_position_then_the_smallest_first(
    service: httpx.AsyncClient, editor: dict[str, str]
) -> None:
    for product_id, size, position in (
        ("a", 1, None), ("b", 2, None), ("c", 3, 10_000), ("d", 5, 0), ("e", 4, 0),
    ):  # fmt: skip
        place = {"title": product_id, "prices": PRICES, "position": position}
        for path, term in (("packs", "credits"), ("passes", "days"), ("plans", "interval_count")):
            product = {**KINDS[path], **place, term: size}
            put = await service.put(f"/v1/{path}/{product_id}", json=product, headers=editor)
            assert put.status_code == 201, put.text
    offers = (await service.get("/v1/offers")).json()
    for kind in KINDS:
        assert "".join(one["id"] for one in offers[kind]) == "edcab"


async def test_packs_are_offered_with_what_they_save_in_each_currency(
    service: httpx.AsyncClient, editor: dict[str, str]
) -> None:
    for product_id, count, prices in (
        ("ten", 10, {"usd": 350, "khr": 1_600_000, "eur": 1}),
        ("five", 5, {"usd": 200, "khr": 800_000}),
    ):
        put = [{"amount": amount, "currency": code} for code, amount in prices.items()]
        pack = {"title": product_id, "credits": count, "prices": put}
        await service.put(f"/v1/packs/{product_id}", json=pack, headers=editor)
    packs = (await service.get("/v1/offers")).json()["packs"]
    assert [pack["savings"] for pack in packs] == [[], [{"currency": "usd", "percent": 12}]]


async def test_a_yearly_plan_is_offered_with_what_it_saves(
    service: httpx.AsyncClient, editor: dict[str, str]
) -> None:
    async def offer(
        product_id: str, interval: str, usd: int, **more: int
    ) -> list[list[dict[str, object]]]:
        prices = [{"amount": usd, "currency": "usd"}]
        plan = {"title": product_id, "interval": interval, "prices": prices, **more}
        await service.put(f"/v1/plans/{product_id}", json=plan, headers=editor)
        return [one["savings"] for one in (await service.get("/v1/offers")).json()["plans"]]

    assert await offer("weekly", "week", 150) == [[]]
    assert await offer("yearly", "year", 4000) == [[], []]
    assert await offer("monthly", "month", 400) == [[], [], [{"currency": "usd", "percent": 16}]]
    # Where one of them also gives credits, the prices are not all there is to compare.
    assert await offer("monthly", "month", 400, credits=2) == [[], [], []]
    saved = await offer("yearly", "year", 4000, credits=24)
    assert saved == [[], [], [{"currency": "usd", "percent": 16}]]
    # Another yearly plan may be for something else: neither is compared.
    assert await offer("printed", "year", 9000) == [[], [], [], []]


async def test_currencies_go_in_in_any_case_and_come_out_in_lower_case(
    service: httpx.AsyncClient, editor: dict[str, str]
) -> None:
    prices = [{"amount": 1, "currency": "USD"}, {"amount": 2, "currency": "Khr"}]
    put = await service.put("/v1/packs/p", json={**PACK, "prices": prices}, headers=editor)
    assert [price["currency"] for price in put.json()["prices"]] == ["usd", "khr"]


@pytest.mark.parametrize(
    ("kind", "fields", "named"),
    [
        ("packs", {"prices": [{"amount": 1, "currency": "xyz"}]}, "prices[0].currency"),
        ("packs", {"prices": [{"amount": 1, "currency": "dem"}]}, "prices[0].currency"),
        ("packs", {"prices": [{"amount": 1, "currency": "us"}]}, "prices[0].currency"),
        ("packs", {"prices": [*PRICES, {"amount": 1, "currency": "USD"}]}, "prices[2].currency"),
        ("packs", {"prices": [{"amount": -1, "currency": "usd"}]}, "prices[0].amount"),
        ("packs", {"prices": [{"amount": 10**12 + 1, "currency": "usd"}]}, "prices[0].amount"),
        ("packs", {"prices": [{"amount": 1.5, "currency": "usd"}]}, "prices[0].amount"),
        ("packs", {"prices": []}, "prices"),
        ("packs", {"credits": 0}, "credits"),
        ("packs", {"credits": 1_000_001}, "credits"),
        ("packs", {"expires_after_days": 0}, "expires_after_days"),
        ("packs", {"expires_after_days": 36_501}, "expires_after_days"),
        ("packs", {"position": -1}, "position"),
        ("packs", {"position": 10_001}, "position"),
        ("packs", {"recommended": "yes"}, "recommended"),
        ("packs", {"title": ""}, "title"),
        ("packs", {"id": "another"}, "id"),
        ("packs", {"days": 1}, "days"),
        ("passes", {"days": 0}, "days"),
        ("passes", {"days": 36_501}, "days"),
        ("plans", {"credits": -1}, "credits"),
        ("plans", {"interval": "hour"}, "interval"),
        ("plans", {"interval_count": 0}, "interval_count"),
        ("plans", {"interval_count": 37}, "interval_count"),
        ("plans", {"trial_days": 0}, "trial_days"),
        ("plans", {"trial_days": 731}, "trial_days"),
        ("plans", {"credits_expire": "later"}, "credits_expire"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_is_kept(
    service: httpx.AsyncClient,
    editor: dict[str, str],
    kind: str,
    fields: dict[str, object],
    named: str,
) -> None:
    address = f"/v1/{kind}/p"
    answer = await service.put(address, json={**KINDS[kind], **fields}, headers=editor)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [named]
    assert (await service.get(address, headers=editor)).status_code == 404


async def test_of_many_puts_at_once_one_is_the_first(
    service: httpx.AsyncClient, editor: dict[str, str]
) -> None:
    answers = await asyncio.gather(
        *(service.put("/v1/packs/p", json=PACK, headers=editor) for _ in range(20))
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]


async def test_a_full_catalogue_refuses_one_more_and_still_takes_changes(
    database: Database,
) -> None:
    def pack(product_id: str) -> Pack:
        return Pack(id=product_id, title="t", prices=[], credits=1, created_at=START)

    async with database.writing() as session:
        session.add_all(pack(str(number)) for number in range(PRODUCTS_MAX))
    with pytest.raises(Problem) as refused:
        async with database.writing() as session:
            await put_product(session, pack("one more"))
    assert refused.value.kind is CATALOGUE_FULL
    async with database.writing() as session:
        assert await put_product(session, pack("7")) is False
