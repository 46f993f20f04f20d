"""Erasing ends billing first; merging keeps both customers."""

from paywall.sandbox.stripe.checkout import settle_session
from paywall.sandbox.stripe.customers import Card, set_card
from paywall.sandbox.stripe.faults import Fault
from tests.processors.stripe.shop import Shop
from tests.subscribers.dump import dumped


async def erase(shop: Shop, reader: str = "ann") -> int:
    gone = await shop.service.delete(f"/v1/subscribers/{reader}", headers=shop.bearer.site())
    return gone.status_code


async def test_erasing_ends_billing_and_open_checkouts(shop: Shop) -> None:
    await shop.buy(plan_id="monthly")
    await shop.deliver_events()
    pack = await shop.open(pack_id="six")
    assert await erase(shop) == 204
    assert shop.only("subscription")["status"] == "canceled"
    session_id = pack.json()["url"].rpartition("/")[2]
    session = shop.stand_in.account.find("checkout.session", session_id)
    assert session["status"] == "expired"
    before = await shop.me()
    assert set(await shop.deliver_events()) == {200}
    assert await shop.me() == before
    assert before["subscriptions"] == []


async def test_nothing_is_erased_where_stripe_does_not_confirm(shop: Shop) -> None:
    await shop.buy(plan_id="monthly")
    await shop.deliver_events()
    shop.stand_in.faults.plan(Fault.SERVER_ERROR_BEFORE, "DELETE", r"/v1/subscriptions/.*", times=3)
    assert await erase(shop) == 503
    assert (await shop.me())["subscription"]["status"] == "active"
    assert await erase(shop) == 204


async def test_nothing_is_erased_while_a_payment_is_on_its_way(shop: Shop) -> None:
    await shop.buy(pack_id="six", later=True)
    assert await erase(shop) == 409


async def test_a_plan_whose_first_transfer_bounced_is_no_pending_payment(shop: Shop) -> None:
    page = await shop.buy(plan_id="monthly", later=True)
    assert set(await shop.deliver_events()) == {200}
    assert (await shop.checkout(page["id"]))["status"] == "processing"
    assert await erase(shop) == 409
    settle_session(shop.stand_in.account, page["session_id"], paid=False)
    assert set(await shop.deliver_events()) == {200}
    assert (await shop.checkout(page["id"]))["status"] == "expired"
    assert await erase(shop) == 204
    assert shop.only("subscription")["status"] == "canceled"


async def test_a_plan_paid_after_its_first_transfer_bounced_is_paid(shop: Shop) -> None:
    page = await shop.buy(plan_id="monthly", later=True)
    settle_session(shop.stand_in.account, page["session_id"], paid=False)
    assert set(await shop.deliver_events()) == {200}
    set_card(shop.stand_in.account, shop.only("customer")["id"], Card.PAYS)
    shop.move(days=4)
    assert set(await shop.deliver_events()) == {200}
    assert (await shop.checkout(page["id"]))["status"] == "paid"


async def test_what_was_paid_meanwhile_is_recorded_first(shop: Shop) -> None:
    await shop.buy(pack_id="six")
    assert await erase(shop) == 204
    everybody = await shop.service.get("/v1/purchases", headers=shop.bearer.site())
    (purchase,) = everybody.json()["items"]
    assert purchase["amount_paid"] == 600
    assert purchase["reader_id"].startswith("erased_")


async def test_a_dump_has_neither_reader_nor_customer(shop: Shop, database_url: str) -> None:
    await shop.buy("sophea", plan_id="monthly")
    await shop.deliver_events()
    await shop.open("sophea", pack_id="six")
    assert await erase(shop, "sophea") == 204
    customer_id, subscription_id = shop.only("customer")["id"], shop.only("subscription")["id"]
    dump = dumped(database_url)
    for text in ("sophea", customer_id, subscription_id):
        assert text not in dump
    # That of the expired session has the reader's id, encrypted.
    await shop.deliver_events()
    assert "sophea" not in dumped(database_url)


async def test_events_of_a_merged_reader_reach_the_one_who_stays(shop: Shop) -> None:
    await shop.buy(plan_id="monthly")
    await shop.buy("bo", pack_id="six")
    merged = await shop.service.post(
        "/v1/subscribers/ann/merge", json={"into": "bo"}, headers=shop.bearer.site()
    )
    assert merged.status_code == 200, merged.text
    await shop.deliver_events()
    mine = await shop.me("bo")
    assert mine["unlocks_left"] == 8
    assert mine["subscription"]["status"] == "active"


async def test_of_two_open_plan_checkouts_the_moved_one_is_closed(shop: Shop) -> None:
    await shop.open("ann", plan_id="monthly")
    stays = await shop.open("bo", plan_id="monthly")
    merged = await shop.service.post(
        "/v1/subscribers/ann/merge", json={"into": "bo"}, headers=shop.bearer.site()
    )
    assert merged.status_code == 200, merged.text
    open_ones = list(shop.stand_in.account.find_all("checkout.session", status="open"))
    assert [one["url"] for one in open_ones] == [stays.json()["url"]]
