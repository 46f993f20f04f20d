"""Payments by any processor are recorded and fulfilled once, and clawed back in proportion."""

from typing import Any

import httpx
import pytest

from paywall.credits.expiry import record_expired
from paywall.database.engine import Database
from paywall.server.housekeeping import run_housekeeping_once
from paywall.subscribers.audit import audit
from tests.conftest import Bearer, SetClock
from tests.test_story import check, put_article, unlock


@pytest.fixture
async def shop(service: httpx.AsyncClient, bearer: Bearer) -> None:
    """A pack of six credits, and a monthly plan that grants two."""
    prices = [{"amount": 400000, "currency": "khr"}, {"amount": 100, "currency": "usd"}]
    pack = {"title": "Six", "credits": 6, "expires_after_days": 30, "prices": prices}
    plan = {"title": "Monthly", "interval": "month", "interval_count": 1, "credits": 2,
            "credits_expire": "period_end", "prices": prices}  # fmt: skip
    for path, product in (("packs/six", pack), ("plans/monthly", plan)):
        put = await service.put(f"/v1/{path}", json=product, headers=bearer.site())
        assert put.status_code == 201, put.text
    for n in range(4):
        await put_article(service, bearer, f"a{n}", unlock_cost=2)


async def buy(
    service: httpx.AsyncClient, bearer: Bearer, reference: str = "one", **fields: object
) -> httpx.Response:
    payment = {
        "reader_id": "ann", "processor": "khqr", "reference": reference, "pack_id": "six",
        "amount_paid": 300, "currency": "KHR", **fields,
    }  # fmt: skip
    return await service.post("/v1/purchases", json=payment, headers=bearer.site())


async def refund(
    service: httpx.AsyncClient, bearer: Bearer, purchase: httpx.Response, amount: int,
    reference: str = "r", **fields: object,
) -> httpx.Response:  # fmt: skip
    return await service.post(
        f"/v1/purchases/{purchase.json()['id']}/refunds",
        json={"amount": amount, "reference": reference, **fields},
        headers=bearer.site(),
    )


async def me(service: httpx.AsyncClient, bearer: Bearer) -> dict[str, Any]:
    return dict((await service.get("/v1/me", headers=bearer.reader("ann"))).json())


@pytest.mark.usefixtures("shop")
class TestPurchases:
    async def test_a_pack_grants_its_credits_once(
        self, service: httpx.AsyncClient, bearer: Bearer
    ) -> None:
        first, again = await buy(service, bearer), await buy(service, bearer, currency="khr")
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json() == again.json()
        assert first.json()["currency"] == "khr"
        named = [first.json()[f"{kind}_id"] for kind in ("pack", "pass", "plan")]
        assert named == ["six", None, None]
        mine = await me(service, bearer)
        assert mine["unlocks_left"] == 6
        grant = mine["grants"][0]
        assert (grant["source"], grant["purchase_id"]) == ("purchase", first.json()["id"])
        assert grant["expires_at"] == "2026-12-24T12:00:00Z"

    async def test_a_reference_reused_with_other_fields_names_them(
        self, service: httpx.AsyncClient, bearer: Bearer
    ) -> None:
        await buy(service, bearer)
        other = await buy(service, bearer, amount_paid=301, reader_id="bo")
        assert other.status_code == 409
        assert other.json()["fields"] == ["reader_id", "amount_paid"]
        unknown = await service.get("/v1/subscribers/bo", headers=bearer.site())
        assert unknown.status_code == 404

    async def test_a_plan_is_one_prepaid_period_with_its_credits(
        self, service: httpx.AsyncClient, bearer: Bearer, clock: SetClock
    ) -> None:
        for reference in ("one", "two"):
            await buy(service, bearer, reference, pack_id=None, plan_id="monthly")
        mine = await me(service, bearer)
        assert [(s["kind"], s["access_until"]) for s in mine["subscriptions"]] == [
            ("prepaid", "2027-01-24T12:00:00Z"), ("prepaid", "2026-12-24T12:00:00Z"),
        ]  # fmt: skip
        assert [(s["plan_id"], s["pass_id"]) for s in mine["subscriptions"]] == [
            ("monthly", None), ("monthly", None),
        ]  # fmt: skip
        # The period can be paused, so its credits do not lapse.
        assert [g["expires_at"] for g in mine["grants"]] == [None, None]
        clock.move(days=61, seconds=-1)
        assert (await check(service, bearer, "a0", reader_id="ann"))["reason"] == "subscribed"
        clock.move(seconds=1)
        assert (await check(service, bearer, "a0", reader_id="ann"))["granted"] is False

    async def test_editing_a_product_does_not_change_what_was_sold(
        self, service: httpx.AsyncClient, bearer: Bearer
    ) -> None:
        first = await buy(service, bearer)
        before = await me(service, bearer) | {"on_sale": ["plan"]}
        smaller = {"title": "One", "credits": 1, "prices": [{"amount": 1, "currency": "usd"}]}
        await service.put("/v1/packs/six", json=smaller, headers=bearer.site())
        assert await me(service, bearer) == before | {"on_sale": ["plan", "pack"]}
        await service.delete("/v1/packs/six", headers=bearer.site())
        assert await me(service, bearer) == before
        assert (await buy(service, bearer)).json() == first.json()
        assert (await buy(service, bearer, "two")).status_code == 404

    async def test_credits_are_clawed_back_in_proportion_rounded_down(
        self, service: httpx.AsyncClient, bearer: Bearer
    ) -> None:
        purchase = await buy(service, bearer)
        left = []
        for n, amount in enumerate((74, 76, 149, 1)):
            done = await refund(service, bearer, purchase, amount, f"r{n}")
            assert done.status_code == 201, done.text
            left.append((await me(service, bearer))["unlocks_left"])
        assert left == [5, 3, 1, 0]
        refused = await refund(service, bearer, purchase, 1, "more")
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/refund_too_large")

    async def test_the_newest_unlocks_are_revoked_first(
        self, service: httpx.AsyncClient, bearer: Bearer, clock: SetClock
    ) -> None:
        purchase = await buy(service, bearer)
        for n in range(3):
            clock.move(minutes=1)
            await unlock(service, bearer, "ann", f"a{n}")
        await refund(service, bearer, purchase, 150)
        mine = await service.get("/v1/me/unlocks", headers=bearer.reader("ann"))
        assert [u["article_id"] for u in mine.json()["items"]] == ["a0"]
        assert (await me(service, bearer))["unlocks_left"] == 1
        ledger = (await service.get("/v1/me/ledger", headers=bearer.reader("ann"))).json()
        assert [(e["kind"], e["amount"]) for e in reversed(ledger["items"])] == [
            ("granted", 6), ("spent", -2), ("spent", -2), ("spent", -2),
            ("restored", 2), ("restored", 2), ("voided", -3),
        ]  # fmt: skip

    @pytest.mark.parametrize("is_entered", [True, False], ids=["entered", "not_entered"])
    async def test_credits_expired_unspent_count_as_clawed_back(
        self, service: httpx.AsyncClient, bearer: Bearer, clock: SetClock, database: Database,
        *, is_entered: bool,
    ) -> None:  # fmt: skip
        purchase = await buy(service, bearer)
        await unlock(service, bearer, "ann", "a0")
        clock.move(days=30)
        if is_entered:
            await run_housekeeping_once(database, [record_expired])
        await refund(service, bearer, purchase, 200, "what lapsed")
        assert (await check(service, bearer, "a0", reader_id="ann"))["reason"] == "unlocked"
        await refund(service, bearer, purchase, 50, "more")
        assert (await check(service, bearer, "a0", reader_id="ann"))["granted"] is False
        ledger = (await service.get("/v1/me/ledger", headers=bearer.reader("ann"))).json()
        assert [(e["kind"], e["amount"]) for e in reversed(ledger["items"])] == [
            ("granted", 6), ("spent", -2), ("expired", -4),
            ("restored", 2), ("voided", -1), ("expired", -1),
        ]  # fmt: skip
        async with database.reading() as session:
            assert await audit(session) == []

    async def test_a_goodwill_refund_keeps_access(
        self, service: httpx.AsyncClient, bearer: Bearer
    ) -> None:
        purchase = await buy(service, bearer)
        done = await refund(service, bearer, purchase, 300, keep_access=True)
        assert done.json()["refunded"] == 300
        assert (await me(service, bearer))["unlocks_left"] == 6

    async def test_a_refund_is_recorded_once(
        self, service: httpx.AsyncClient, bearer: Bearer
    ) -> None:
        purchase = await buy(service, bearer)
        answers = [await refund(service, bearer, purchase, 100) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [201, 200]
        other = await refund(service, bearer, purchase, 50)
        assert (other.status_code, other.json()["fields"]) == (409, ["amount"])

    async def test_purchases_are_listed_for_the_site_and_the_reader(
        self, service: httpx.AsyncClient, bearer: Bearer, clock: SetClock
    ) -> None:
        one = await buy(service, bearer)
        clock.move(minutes=1)
        two = await buy(service, bearer, "two", reader_id="bo")
        everybody = await service.get("/v1/purchases", headers=bearer.site())
        assert everybody.json()["items"] == [two.json(), one.json()]
        mine = await service.get("/v1/me/purchases", headers=bearer.reader("ann"))
        assert mine.json()["items"] == [one.json()]
        got = await service.get(f"/v1/purchases/{one.json()['id']}", headers=bearer.site())
        assert got.json() == one.json()
        missing = await service.get("/v1/purchases/999", headers=bearer.site())
        assert missing.json()["type"] == "/problems/purchase_unknown"

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"processor": "stripe"}, "processor"),
            ({"processor": "K H Q R"}, "processor"),
            ({"pass_id": "x"}, "pack_id"),
            ({"pack_id": None}, "pack_id"),
            ({"currency": "xyz"}, "currency"),
            ({"amount_paid": -1}, "amount_paid"),
        ],
    )
    async def test_an_invalid_field_is_named(
        self, service: httpx.AsyncClient, bearer: Bearer, fields: dict[str, object], field: str
    ) -> None:
        answer = await buy(service, bearer, **fields)  # type: ignore[arg-type]  # names and values
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == [field]

    async def test_a_refund_after_erasure_is_recorded(
        self, service: httpx.AsyncClient, bearer: Bearer
    ) -> None:
        purchase = await buy(service, bearer)
        for n in range(3):
            await unlock(service, bearer, "ann", f"a{n}")
        await refund(service, bearer, purchase, 50, "before")
        gone = await service.delete("/v1/subscribers/ann", headers=bearer.site())
        assert gone.status_code == 204
        done = await refund(service, bearer, purchase, 250, "after")
        assert (done.status_code, done.json()["refunded"]) == (201, 300)
        assert done.json()["reader_id"].startswith("erased_")


async def test_without_stripe_nothing_else_is_checked_of_what_needs_it(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    wrong = {"return_url": "https://evil.example/"}
    checkout = await service.post("/v1/me/checkout", json=wrong, headers=bearer.reader("ann"))
    webhook = await service.post("/v1/webhooks/stripe", content=b" " * (512 * 1024 + 1))
    for answer in (checkout, webhook):
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/stripe_off")
