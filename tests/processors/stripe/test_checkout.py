"""What a reader buys on Stripe's page is theirs once it is paid, and once alone."""

from paywall.processors.stripe.parsing import INTENT
from paywall.sandbox.stripe import checkout as payer
from paywall.sandbox.stripe.faults import Fault
from tests.processors.stripe.shop import Shop


async def test_a_pack_that_was_paid_for_gives_its_credits(shop: Shop) -> None:
    page = await shop.buy(pack_id="six")
    assert (await shop.me())["unlocks_left"] == 0
    assert set(await shop.deliver_events()) == {200}
    assert (await shop.me())["unlocks_left"] == 6
    shown = await shop.checkout(page["id"])
    assert (shown["status"], shown["url"]) == ("paid", None)
    bought = await shop.service.get("/v1/me/purchases", headers=shop.bearer.reader("ann"))
    (purchase,) = bought.json()["items"]
    assert purchase["id"] == shown["purchase_id"]
    assert (purchase["processor"], purchase["amount_paid"]) == ("stripe", 600)


async def test_the_return_page_looks_at_stripe_where_the_webhook_is_late(shop: Shop) -> None:
    page = await shop.buy(pack_id="six")
    assert (await shop.checkout(page["id"]))["status"] == "paid"
    assert (await shop.me())["unlocks_left"] == 6
    await shop.deliver_events()
    assert (await shop.me())["unlocks_left"] == 6


async def test_a_subscription_opens_everything_until_the_end_of_what_was_paid(shop: Shop) -> None:
    page = await shop.buy(plan_id="monthly")
    await shop.deliver_events()
    assert (await shop.checkout(page["id"]))["status"] == "paid"
    mine = await shop.me()
    subscription = mine["subscription"]
    assert (subscription["kind"], subscription["status"]) == ("stripe", "active")
    assert subscription["plan_id"] == "monthly"
    assert subscription["access_until"] == "2026-12-24T12:00:00Z"
    assert subscription["next_payment"] == "2026-12-24T12:00:00Z"
    assert subscription["payment_type"] == "card"
    assert mine["unlocks_left"] == 2
    bought = await shop.service.get("/v1/me/purchases", headers=shop.bearer.reader("ann"))
    (paid,) = bought.json()["items"]
    assert (paid["pack_id"], paid["pass_id"], paid["plan_id"]) == (None, None, "monthly")


async def test_money_that_takes_days_gives_nothing_before_it_has_come(shop: Shop) -> None:
    page = await shop.buy(pack_id="six", later=True)
    await shop.deliver_events()
    assert (await shop.checkout(page["id"]))["status"] == "processing"
    assert (await shop.me())["unlocks_left"] == 0
    payer.settle_session(shop.stand_in.account, page["session_id"], paid=True)
    await shop.deliver_events()
    assert (await shop.checkout(page["id"]))["status"] == "paid"
    assert (await shop.me())["unlocks_left"] == 6


async def test_money_that_never_came_ends_the_checkout(shop: Shop) -> None:
    page = await shop.buy(pack_id="six", later=True)
    payer.settle_session(shop.stand_in.account, page["session_id"], paid=False)
    await shop.deliver_events()
    assert (await shop.checkout(page["id"]))["status"] == "expired"
    assert (await shop.me())["unlocks_left"] == 0


async def test_two_tabs_get_one_page_for_a_plan(shop: Shop) -> None:
    first, again = await shop.open(plan_id="monthly"), await shop.open(plan_id="monthly")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()


async def test_another_plan_closes_the_page_of_the_first(shop: Shop) -> None:
    first = await shop.open(plan_id="monthly")
    other = await shop.open(plan_id="yearly")
    assert other.status_code == 201, other.text
    assert (await shop.checkout(first.json()["id"]))["status"] == "expired"
    assert len(list(shop.stand_in.account.find_all("customer"))) == 1


async def test_a_plans_page_is_for_the_currency_and_terms_chosen_last(
    shop: Shop,
) -> None:
    first = await shop.open(plan_id="monthly", currency="usd")
    riel = await shop.open(plan_id="monthly", currency="khr")
    agreed = await shop.open(plan_id="monthly", currency="khr", consent=True)
    again = await shop.open(plan_id="monthly", currency="khr", consent=True)
    assert [page.status_code for page in (first, riel, agreed, again)] == [201, 201, 201, 200]
    assert again.json() == agreed.json()
    for page in (first, riel):
        assert (await shop.checkout(page.json()["id"]))["status"] == "expired"
    await shop.buy(plan_id="monthly", currency="khr", consent=True)
    await shop.deliver_events()
    assert (await shop.me())["subscriptions"][0]["price"]["currency"] == "khr"


async def test_a_subscriber_is_shown_the_portal_and_no_second_plan(shop: Shop) -> None:
    await shop.buy(plan_id="monthly")
    await shop.deliver_events()
    refused = await shop.open(plan_id="yearly")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/already_subscribed")
    portal = await shop.post("billing-portal")
    assert portal.status_code == 200, portal.text
    assert portal.json()["url"].startswith("http")


async def test_a_reader_is_sent_back_to_the_site_alone(shop: Shop) -> None:
    for address in (
        "https://evil.example/",
        "//evil.example/x",
        "/\\evil.example",
        "https:evil.example",
        "https://news.example@evil.example/",
        "https://news.example\\@evil.example/",
        "https://news.example:8443/",
        "https://news.example/\tx",
        "javascript:alert(1)",
        "",
    ):
        order = await shop.post("checkout", pack_id="six", return_url=address)
        portal = await shop.post("billing-portal", return_url=address)
        for answer in (order, portal):
            assert answer.status_code == 422, address
            assert answer.json()["errors"][0]["field"] == "return_url"


async def test_a_customer_whose_making_was_not_answered_is_found_by_its_intent(shop: Shop) -> None:
    shop.stand_in.faults.plan(Fault.SERVER_ERROR_AFTER, "POST", "/v1/customers", times=3)
    assert (await shop.open(pack_id="six")).status_code == 201
    customer = shop.only("customer")
    (key,) = customer["metadata"].values()
    assert "ann" not in str(customer)
    assert (await shop.open("bo", pack_id="six")).status_code == 201
    keys = [item["metadata"] for item in shop.stand_in.account.find_all("customer")]
    assert len(keys) == len({str(item) for item in keys}) == 2
    assert {INTENT: key} in keys


async def test_another_processors_payment_of_the_same_reference_is_another(shop: Shop) -> None:
    page = await shop.buy(pack_id="six")
    cash = {"reader_id": "bo", "processor": "cash", "reference": page["session_id"],
            "pack_id": "six", "amount_paid": 600, "currency": "usd"}  # fmt: skip
    bought = await shop.service.post("/v1/purchases", json=cash, headers=shop.bearer.site())
    assert bought.status_code == 201, bought.text
    for _ in range(2):
        assert (await shop.checkout(page["id"]))["status"] == "paid"
        assert set(await shop.deliver_events(repeat=1.0)) <= {200}
    assert [(await shop.me(reader))["unlocks_left"] for reader in ("ann", "bo")] == [6, 6]


async def test_a_head_of_a_paid_checkout_is_answered_and_records_nothing(shop: Shop) -> None:
    page = await shop.buy(pack_id="six")
    path, headers = f"/v1/me/checkout/{page['id']}", shop.bearer.reader("ann")
    assert (await shop.service.head(path, headers=headers)).status_code == 200
    assert (await shop.me())["unlocks_left"] == 0
    assert (await shop.checkout(page["id"]))["status"] == "paid"
    assert (await shop.me())["unlocks_left"] == 6
