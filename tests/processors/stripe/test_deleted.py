"""What somebody deleted in Stripe's dashboard is told of, and never stands in a reader's way."""

from paywall.sandbox.stripe import refunds
from paywall.sandbox.stripe.customer_deletion import delete_customer
from tests.processors.stripe.shop import Shop


async def deleted(shop: Shop, **bought: str) -> str:
    """The id of ann's customer, who bought this before it was deleted."""
    await shop.open(**bought)
    shop.pay(shop.only("checkout.session")["id"])
    await shop.deliver_events()
    customer_id: str = shop.only("customer")["id"]
    delete_customer(shop.stand_in.account, customer_id)
    return customer_id


async def test_whose_customer_was_deleted_can_buy_again(shop: Shop) -> None:
    old = await deleted(shop, pack_id="six")
    again = await shop.buy(pack_id="six")
    assert shop.only("customer")["id"] != old
    assert set(await shop.deliver_events()) == {200}
    assert (await shop.checkout(again["id"]))["status"] == "paid"
    assert (await shop.me())["unlocks_left"] == 12


async def test_what_a_deleted_customer_paid_can_still_be_refunded(shop: Shop) -> None:
    await deleted(shop, pack_id="six")
    charge = shop.only("charge")
    await shop.buy(pack_id="six")
    refunds.create_refund(shop.stand_in.account, {"charge": charge["id"]})
    await shop.deliver_events()
    assert (await shop.me())["unlocks_left"] == 6


async def test_two_tabs_of_whose_customer_was_deleted_make_one_new_customer(shop: Shop) -> None:
    await deleted(shop, plan_id="monthly")
    await shop.deliver_events()
    opened = await shop.open(plan_id="monthly")
    again = await shop.open(plan_id="monthly")
    assert (opened.status_code, again.status_code) == (201, 200), opened.text
    assert opened.json() == again.json()
    assert shop.only("customer")


async def test_the_portal_of_a_deleted_customer_opens_after_the_next_checkout(
    shop: Shop,
) -> None:
    await deleted(shop, pack_id="six")
    refused = await shop.post("billing-portal")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/no_billing")
    await shop.open(pack_id="six")
    assert (await shop.post("billing-portal")).status_code == 200


async def test_what_ended_with_its_customer_is_cancelled_already(shop: Shop) -> None:
    await deleted(shop, plan_id="monthly")
    done = await shop.post("subscription/cancel", when="period_end")
    assert done.status_code == 200, done.text
    assert done.json()["access_until"] == "2026-12-24T12:00:00Z"
    mine = (await shop.me())["subscription"]
    assert (mine["status"], mine["next_payment"]) == ("canceled", None)
    resumed = await shop.post("subscription/resume", subscription_id=mine["id"])
    assert (resumed.status_code, resumed.json()["type"]) == (409, "/problems/subscription_ended")


async def test_a_subscription_unknown_to_stripe_is_refused_and_unchanged(
    shop: Shop,
) -> None:
    """As after test data were deleted: nothing is recorded that Stripe did not say."""
    await shop.buy(plan_id="monthly")
    await shop.deliver_events()
    before = (await shop.me())["subscription"]
    shop.stand_in.account.objects["subscription"].clear()
    for verb, fields in (("cancel", {"when": "now"}), ("resume", {})):
        refused = await shop.post(f"subscription/{verb}", **fields)
        assert (refused.status_code, refused.json()["type"]) == (502, "/problems/stripe_refused")
    assert (await shop.me())["subscription"] == before


async def test_a_checkout_whose_page_is_unknown_to_stripe_is_unchanged(
    shop: Shop,
) -> None:
    opened = (await shop.open(pack_id="six")).json()
    shop.stand_in.account.objects["checkout.session"].clear()
    shown = await shop.checkout(opened["id"])
    assert (shown["status"], shown["url"]) == ("open", opened["url"])
