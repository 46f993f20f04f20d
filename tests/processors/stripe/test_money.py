"""What is sold through Stripe costs the same everywhere, in whatever unit Stripe counts it."""

import logging
from typing import Any, NamedTuple

import pytest

from paywall.database.tables import Pack
from paywall.processors.stripe.catalogue import apply, differ
from paywall.processors.stripe.context import StripeContext
from paywall.processors.stripe.reconcile import reconcile
from paywall.sandbox.stripe import disputes, refunds
from paywall.sandbox.stripe.rendering import format_money
from paywall.settings import Settings
from tests.processors.stripe.shop import Shop
from tests.web.plain import account, enter


class Sold(NamedTuple):
    """A price and a part of it by ISO 4217, both as Stripe counts them, and both as written."""

    currency: str
    price: int
    part: int
    price_at_stripe: int
    part_at_stripe: int
    price_written: str
    part_written: str


SOLD = [
    Sold("isk", 1_000, 250, 100_000, 25_000, "1,000", "250"),
    Sold("ugx", 20_000, 5_000, 2_000_000, 500_000, "20,000", "5,000"),
    Sold("mga", 1_000_000, 250_000, 10_000, 2_500, "10,000", "2,500"),
    Sold("bhd", 1_500, 370, 1_500, 370, "1.500", "0.370"),
    Sold("jod", 2_000, 500, 2_000, 500, "2", "0.500"),
    Sold("kwd", 1_230, 310, 1_230, 310, "1.230", "0.310"),
    Sold("omr", 1_000, 250, 1_000, 250, "1", "0.250"),
    Sold("tnd", 12_340, 3_090, 12_340, 3_090, "12.340", "3.090"),
    Sold("lak", 2_000_050, 500_050, 2_000_050, 500_050, "20,000.50", "5,000.50"),
    Sold("jpy", 600, 150, 600, 150, "600", "150"),
    Sold("khr", 1_600_000, 400_000, 1_600_000, 400_000, "16,000", "4,000"),
    Sold("usd", 650, 175, 650, 175, "6.50", "1.75"),
]
each_currency = pytest.mark.parametrize("sold", SOLD, ids=[sold.currency for sold in SOLD])


async def put(shop: Shop, path: str, *prices: dict[str, Any], **product: object) -> Any:
    return await shop.service.put(
        f"/v1/{path}", json={"prices": prices, **product}, headers=shop.bearer.site()
    )


async def sell(shop: Shop, sold: Sold) -> None:
    """A pack of four credits and a month, at this price."""
    price = {"amount": sold.price, "currency": sold.currency}
    month = {"title": "Month", "interval": "month", "credits": 4}
    for made in (
        await put(shop, "packs/four", price, title="Four", credits=4),
        await put(shop, "plans/month", price, **month),
    ):
        assert made.status_code == 201, made.text
    await apply(shop.database, shop.stripe_client, await differ(shop.database, shop.stripe_client))


async def paid(shop: Shop) -> dict[str, Any]:
    answer = await shop.service.get("/v1/me/purchases", headers=shop.bearer.reader("ann"))
    (purchase,) = answer.json()["items"]
    return dict(purchase)


def give_back(shop: Shop, amount: int | None = None) -> None:
    """The site's staff refund an amount, by default what is left, in Stripe's dashboard."""
    given = {} if amount is None else {"amount": str(amount)}
    refunds.create_refund(shop.stand_in.account, {"charge": shop.only("charge")["id"], **given})


@each_currency
@pytest.mark.parametrize("product", ["pack", "plan"])
async def test_a_payment_is_recorded_as_iso_counts_it_and_taken_back_so(
    shop: Shop, sold: Sold, product: str
) -> None:
    await sell(shop, sold)
    wanted = {"pack_id": "four"} if product == "pack" else {"plan_id": "month"}
    opened = await shop.open(currency=sold.currency, **wanted)
    shop.pay(opened.json()["url"].rpartition("/")[2])
    assert shop.only("charge")["amount"] == sold.price_at_stripe
    await shop.deliver_events()
    bought = await paid(shop)
    assert (bought["amount_paid"], bought["currency"]) == (sold.price, sold.currency)
    assert (await shop.me())["unlocks_left"] == 4
    give_back(shop, sold.part_at_stripe)
    await shop.deliver_events()
    assert (await paid(shop))["refunded"] == sold.part
    assert (await shop.me())["unlocks_left"] == 4 - sold.part * 4 // sold.price
    give_back(shop)
    await shop.deliver_events()
    assert (await paid(shop))["refunded"] == sold.price
    assert (await shop.me())["unlocks_left"] == 0


@each_currency
async def test_every_page_and_receipt_shows_the_price_that_stripe_shows(
    shop: Shop, sold: Sold
) -> None:
    await sell(shop, sold)
    await shop.buy(currency=sold.currency, pack_id="four")
    give_back(shop, sold.part_at_stripe)
    await shop.deliver_events()
    shown = format_money(shop.only("charge")["amount"], sold.currency)
    assert float(shown.split()[0].replace(",", "")) == float(sold.price_written.replace(",", ""))
    await enter(shop.service, shop.bearer, "ann", name="Ann")
    page = await account(shop.service)
    number = (await paid(shop))["id"]
    receipt = await shop.service.get(f"/account/receipts/payment-{number}")
    for text in (page, receipt.text):
        assert sold.price_written in text
        assert sold.part_written in text
    exported = await shop.service.get("/v1/subscribers/ann/export", headers=shop.bearer.site())
    assert f"Paid {sold.price_written} {sold.currency.upper()}" in exported.text
    assert f"{sold.part_written} {sold.currency.upper()}" in exported.text


@each_currency
async def test_a_dispute_takes_back_its_amount_as_iso_counts_it(shop: Shop, sold: Sold) -> None:
    await sell(shop, sold)
    await shop.buy(currency=sold.currency, pack_id="four")
    charge = shop.only("charge")["id"]
    disputes.open_dispute(shop.stand_in.account, charge, amount=sold.part_at_stripe)
    await shop.deliver_events()
    assert (await shop.me())["unlocks_left"] == 4 - sold.part * 4 // sold.price


@pytest.mark.parametrize(
    ("amount", "currency", "fix"),
    [(1_000_050, "mga", "use 1000000 or 1000100"), (1_234, "KWD", "use 1230 or 1240")],
)
async def test_a_price_that_stripe_cannot_charge_is_refused_by_its_field(
    shop: Shop, amount: int, currency: str, fix: str
) -> None:
    fitting = {"amount": 600, "currency": "usd"}
    price = {"amount": amount, "currency": currency}
    refused = await put(shop, "packs/odd", fitting, price, title="Odd", credits=1)
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert error["field"] == "prices[1].amount"
    assert error["detail"].endswith(fix)


async def test_a_checkout_names_the_price_that_stripe_cannot_charge(shop: Shop) -> None:
    """It was put into the catalogue before this service sold through Stripe."""
    async with shop.database.writing() as session:
        pack = await session.get_one(Pack, "six")
        pack.prices = [{"amount": 150, "currency": "mga"}]
        session.add(pack)
    await apply(shop.database, shop.stripe_client, await differ(shop.database, shop.stripe_client))
    refused = await shop.open(pack_id="six")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not_on_sale")
    assert refused.json()["detail"] == (
        "Stripe takes MGA only in multiples of 100 (1 MGA), and 150 (1.50 MGA) is none: use 100"
        " or 200. Change it in the catalogue, and run `paywall catalogue sync`."
    )


async def test_an_amount_that_is_no_whole_krona_is_refused_and_reported(
    shop: Shop, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """It holds up nothing else, and is recorded once it was corrected."""
    await sell(shop, SOLD[0])
    page = await shop.buy(currency="isk", pack_id="four")
    session = shop.stand_in.account.find("checkout.session", page["session_id"])
    session["amount_total"] += 50
    await shop.buy("bo", currency="isk", pack_id="four")
    with caplog.at_level(logging.ERROR):
        assert 503 in await shop.deliver_events()
    assert "stripe states an inexact amount" in caplog.text
    answer = await shop.service.get(
        f"/v1/me/checkout/{page['id']}", headers=shop.bearer.reader("ann")
    )
    assert answer.status_code == 503
    assert f"100050 isk as amount_total of the Checkout session {session['id']}" in answer.text
    assert [(await shop.me(reader))["unlocks_left"] for reader in ("ann", "bo")] == [0, 4]
    context = StripeContext(shop.database, shop.stripe_client, settings)
    await reconcile(context)
    session["amount_total"] -= 50
    await reconcile(context)
    assert (await paid(shop))["amount_paid"] == 1_000


async def test_an_invoice_of_no_whole_krona_holds_up_no_other_reader(
    shop: Shop, settings: Settings
) -> None:
    await sell(shop, SOLD[0])
    await shop.buy(currency="isk", plan_id="month")
    invoice = shop.only("invoice")
    invoice["amount_paid"] += 50
    await shop.buy("bo", currency="isk", plan_id="month")
    context = StripeContext(shop.database, shop.stripe_client, settings)
    await reconcile(context)
    assert [(await shop.me(reader))["unlocks_left"] for reader in ("ann", "bo")] == [0, 4]
    invoice["amount_paid"] -= 50
    await reconcile(context)
    assert (await paid(shop))["amount_paid"] == 1_000
