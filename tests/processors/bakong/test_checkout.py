"""A reader gets one code for what they want, whatever else happens to the catalogue."""

import asyncio

from sqlmodel import select

from paywall.database.tables import KhqrCode
from tests.processors.bakong.khqr_parser import parse
from tests.processors.bakong.till import ACCOUNT, PRICES, PRODUCTS, Till, md5_in


async def test_a_code_asks_for_the_price_of_the_product(till: Till) -> None:
    opened = await till.ask_to_pay(pack_id="six", currency="khr")
    assert opened.status_code == 201, opened.text
    page = opened.json()
    khqr, fields = page["khqr"], parse(page["khqr"]["text"])
    assert (fields["29.00"], fields["53"], fields["54"]) == (ACCOUNT, "116", "24000")
    assert (khqr["amount"], khqr["currency"]) == (2_400_000, "khr")
    assert khqr["deep_link"] == "https://bank.example/pay"
    assert page["processor"] == "bakong"
    assert page["url"] == f"/account/khqr/{page['id']}"
    shown = await till.checkout(page)
    assert (shown["status"], shown["url"]) == ("open", page["url"])
    assert shown["khqr"] == {**khqr, "answered_at": shown["khqr"]["answered_at"]}


async def test_the_same_request_gets_the_open_code_again(till: Till) -> None:
    first = await till.ask_to_pay(pack_id="six")
    again = await till.ask_to_pay(pack_id="six")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    other = [
        await till.open(pack_id="six", currency="khr"),
        await till.open(pass_id="week"),
        await till.open(pack_id="six", return_url="https://news.example/other"),
        await till.open(pack_id="six", consent=True),
        await till.open("bo", pack_id="six"),
    ]
    assert len({page["id"] for page in [first.json(), *other]}) == 6
    assert len({page["khqr"]["text"] for page in [first.json(), *other]}) == 6
    till.move(minutes=10)
    assert (await till.ask_to_pay(pack_id="six")).status_code == 201


async def test_ten_tabs_get_one_code(till: Till) -> None:
    answers = await asyncio.gather(*(till.ask_to_pay(pack_id="six") for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    assert len({answer.json()["khqr"]["text"] for answer in answers}) == 1


async def test_a_code_is_shown_while_the_bank_is_silent(till: Till) -> None:
    till.bank.is_down = True
    page = await till.open()
    assert page["khqr"]["deep_link"] is None
    shown = await till.checkout(page)
    assert (shown["status"], shown["khqr"]["answered_at"]) == ("open", None)


async def test_what_khqr_cannot_express_is_refused_with_the_fix(till: Till) -> None:
    prices = [{"amount": 905, "currency": "eur"}, {"amount": 2_400_050, "currency": "khr"}]
    odd = {"title": "Odd", "credits": 1, "prices": prices}
    refused = await till.service.put("/v1/packs/odd", json=odd, headers=till.bearer.site())
    assert refused.json()["errors"][0]["field"] == "prices[1].amount"
    assert "use 2400000 or 2400100" in refused.json()["detail"]
    await till.put("packs/odd", {**odd, "prices": prices[:1]})
    for request, said in (
        ({"pack_id": "odd"}, "Bakong takes riel and dollars"),
        ({"pack_id": "odd", "currency": "usd"}, "no price in this currency"),
    ):
        refused = await till.ask_to_pay(**request)
        assert refused.json()["type"] == "/problems/not_on_sale"
        assert said in refused.json()["detail"]
    offers = (await till.service.get("/v1/offers")).json()
    assert {
        (pack["id"], price["currency"]): price["processors"]
        for pack in offers["packs"]
        for price in pack["prices"]
    } == {("six", "usd"): ["bakong"], ("six", "khr"): ["bakong"], ("odd", "eur"): []}


async def test_bakong_is_chosen_where_stripe_is_not_set_up(till: Till) -> None:
    chosen = await till.ask_to_pay(pack_id="six", processor=None)
    assert chosen.json()["processor"] == "bakong"
    refused = await till.ask_to_pay(pack_id="six", processor="stripe")
    assert refused.json()["type"] == "/problems/stripe_off"


async def test_a_changed_catalogue_changes_nothing_that_was_sold(till: Till) -> None:
    page = await till.open(pass_id="week")
    pack = await till.open("bo", pack_id="six")
    await till.put("passes/week", {**PRODUCTS["passes/week"], "days": 1, "prices": PRICES})
    assert (await till.open(pass_id="week"))["id"] != page["id"]
    await till.service.delete("/v1/packs/six", headers=till.bearer.site())
    till.pay(page)
    till.pay(pack)
    assert (await till.checkout(page))["status"] == "paid"
    assert (await till.checkout(pack, "bo"))["status"] == "paid"
    (bought,) = (await till.me())["subscriptions"]
    assert bought["access_until"] == "2026-12-01T12:00:00Z"
    assert (await till.me("bo"))["unlocks_left"] == 6


async def test_the_picture_is_public_cacheable_and_dark_mode_safe(till: Till) -> None:
    page = await till.open()
    picture = await till.service.get(page["khqr"]["image_url"])
    assert picture.status_code == 200
    assert picture.headers["content-type"] == "image/svg+xml"
    assert picture.headers["cache-control"] == "private, max-age=86400, immutable"
    assert '"#fff"' in picture.text
    assert '"#000"' in picture.text
    for unknown in (f"{'0' * 32}.svg", md5_in(page), "x.svg"):
        assert (await till.service.get(f"/v1/khqr/{unknown}")).status_code in (404, 422)


async def test_the_service_alone_records_payments_by_bakong(till: Till) -> None:
    bought = {"reader_id": "ann", "reference": "1", "pack_id": "six", "amount_paid": 600}
    refused = await till.site_post("purchases", processor="bakong", currency="usd", **bought)
    assert refused.status_code == 422
    assert "recorded by the service" in refused.json()["detail"]
    own = await till.site_post("purchases", processor="khqr", currency="usd", **bought)
    assert own.status_code == 201


async def test_no_bill_number_is_used_twice(till: Till) -> None:
    for reader in ("ann", "bo"):
        await till.open(reader)
    async with till.database.reading() as session:
        codes = (await session.exec(select(KhqrCode))).all()
    assert {parse(code.text)["62.01"] for code in codes} == {code.bill_number for code in codes}
    assert len({code.bill_number for code in codes}) == 2
