"""A reader's passes and prepaid periods are used one after the other."""

import httpx
import pytest
from sqlmodel import delete

from paywall.database.engine import Database
from paywall.database.tables import ComplimentaryPeriod
from paywall.subscribers.audit import audit
from tests.conftest import Bearer, SetClock
from tests.test_story import check, put_article

PRICES = [{"amount": 500, "currency": "usd"}]
PRODUCTS = {
    "passes/week": {"title": "A week", "days": 7, "prices": PRICES},
    "passes/day": {"title": "A day", "days": 1, "prices": PRICES},
    "plans/weekly": {"title": "Weekly", "interval": "week", "prices": PRICES},
}
PASS, PERIOD = {"pass_id": "week"}, {"plan_id": "weekly"}


@pytest.fixture
async def stocked(service: httpx.AsyncClient, bearer: Bearer) -> None:
    for path, product in PRODUCTS.items():
        put = await service.put(f"/v1/{path}", json=product, headers=bearer.site())
        assert put.status_code == 201, put.text


async def buy(
    service: httpx.AsyncClient, bearer: Bearer, reference: str, product: dict[str, str],
    reader_id: str = "ann", processor: str = "cash",
) -> str:  # fmt: skip
    payment = {"reader_id": reader_id, "processor": processor, "reference": reference,
               "amount_paid": 500, "currency": "usd"}  # fmt: skip
    bought = await service.post("/v1/purchases", json={**payment, **product}, headers=bearer.site())
    assert bought.status_code == 201, bought.text
    return str(bought.json()["id"])


async def spans(
    service: httpx.AsyncClient, bearer: Bearer, reader_id: str = "ann"
) -> list[tuple[str, str, str]]:
    mine = (await service.get("/v1/me", headers=bearer.reader(reader_id))).json()
    return sorted(
        (item["kind"], item["pass_id"] or item["plan_id"], item["access_until"][:10])
        for item in mine["subscriptions"]
    )


async def cover(service: httpx.AsyncClient, bearer: Bearer, until: str) -> None:
    """Put a complimentary subscription."""
    put = await service.put(
        "/v1/subscribers/ann/subscription", json={"current_period_end": until},
        headers=bearer.site(),
    )  # fmt: skip
    assert put.status_code in (200, 201), put.text


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize(
    ("product", "kind", "id_"),
    [(PASS, "pass", "week"), (PERIOD, "prepaid", "weekly")],
    ids=["pass", "prepaid"],
)
async def test_another_readers_time_causes_no_delay(
    service: httpx.AsyncClient, bearer: Bearer, clock: SetClock,
    product: dict[str, str], kind: str, id_: str,
) -> None:  # fmt: skip
    await buy(service, bearer, "1", product, "ann")
    clock.move(days=1)
    await buy(service, bearer, "2", product, "bo")
    await buy(service, bearer, "3", product, "ann")
    await buy(service, bearer, "4", product, "ann")
    assert await spans(service, bearer, "bo") == [(kind, id_, "2026-12-02")]
    assert await spans(service, bearer, "ann") == [
        (kind, id_, "2026-12-01"), (kind, id_, "2026-12-08"), (kind, id_, "2026-12-15"),
    ]  # fmt: skip
    ledger = await service.get("/v1/me/ledger", headers=bearer.reader("ann"))
    assert ledger.json()["items"] == []


@pytest.mark.usefixtures("stocked")
async def test_a_full_refund_removes_what_is_left_and_the_next_begins(
    service: httpx.AsyncClient, bearer: Bearer, clock: SetClock
) -> None:
    first = await buy(service, bearer, "1", PASS)
    clock.move(hours=1)
    await buy(service, bearer, "2", PERIOD)
    clock.move(days=1, hours=-1)
    await buy(service, bearer, "3", PERIOD)
    path = f"/v1/purchases/{first}/refunds"
    for amount, is_whole in ((499, False), (1, True)):
        refund = {"amount": amount, "reference": f"r{amount}"}
        done = await service.post(path, json=refund, headers=bearer.site())
        assert done.status_code == 201, done.text
        assert await spans(service, bearer) == [
            ("pass", "week", "2026-11-25" if is_whole else "2026-12-01"),
            ("prepaid", "weekly", "2026-12-02" if is_whole else "2026-12-08"),
            ("prepaid", "weekly", "2026-12-09" if is_whole else "2026-12-15"),
        ]  # fmt: skip


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize("product", [PASS, PERIOD], ids=["pass", "prepaid"])
async def test_fully_refunded_time_does_not_delay_later_purchases(
    service: httpx.AsyncClient, bearer: Bearer, clock: SetClock, product: dict[str, str]
) -> None:
    bought = [await buy(service, bearer, f"{n}", product) for n in range(3)]
    clock.move(days=1)
    for purchase in bought:
        refund = {"amount": 500, "reference": "r"}
        path = f"/v1/purchases/{purchase}/refunds"
        assert (await service.post(path, json=refund, headers=bearer.site())).status_code == 201
    clock.move(days=1)
    await buy(service, bearer, "new", product)
    assert "2026-12-03" in [end for _, _, end in await spans(service, bearer)]
    await put_article(service, bearer, "a")
    assert (await check(service, bearer, "a", reader_id="ann"))["reason"] == "subscribed"


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize("step", [1, -1], ids=["in_order", "swapped"])
async def test_simultaneous_passes_run_by_processor_and_reference(
    service: httpx.AsyncClient, bearer: Bearer, step: int
) -> None:
    day = {"pass_id": "day"}
    paid = [("bank", "2", day), ("bank", "3", PASS), ("cash", "1", day)]
    for processor, reference, product in paid[::step]:
        await buy(service, bearer, reference, product, processor=processor)
    assert await spans(service, bearer) == [
        ("pass", "day", "2026-11-25"), ("pass", "day", "2026-12-03"),
        ("pass", "week", "2026-12-02"),
    ]  # fmt: skip


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize(
    "end", ["9999-12-30T23:59:59", "9999-12-31T00:00:00", "9999-12-31T23:59:59"]
)
async def test_passes_wait_behind_a_complimentary_subscription_forever(
    service: httpx.AsyncClient, bearer: Bearer, database: Database, end: str
) -> None:
    await cover(service, bearer, f"{end}Z")
    for reference in ("1", "2"):
        await buy(service, bearer, reference, PASS)
    mine = (await service.get("/v1/me", headers=bearer.reader("ann"))).json()["subscriptions"]
    assert [one["phase"] for one in mine if one["kind"] == "pass"] == ["waiting", "waiting"]
    async with database.reading() as session:
        assert await audit(session) == []
    await cover(service, bearer, "2026-12-01T12:00:00Z")
    assert await spans(service, bearer) == [
        ("complimentary", None, "2026-12-01"), ("pass", "week", "2026-12-08"),
        ("pass", "week", "2026-12-15"),
    ]  # fmt: skip


@pytest.mark.usefixtures("stocked")
async def test_a_pass_waits_for_what_an_earlier_release_put_meanwhile(
    service: httpx.AsyncClient, bearer: Bearer, database: Database
) -> None:
    """It runs beside this one during an upgrade, and writes no complimentary period."""
    await cover(service, bearer, "2026-12-24T12:00:00Z")
    async with database.writing() as session:
        await session.exec(delete(ComplimentaryPeriod))
    await buy(service, bearer, "1", PASS)
    assert (await spans(service, bearer))[1] == ("pass", "week", "2026-12-31")
    async with database.reading() as session:
        assert await audit(session) == []
