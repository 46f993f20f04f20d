"""A subscription to several of its plan shows what all of them cost."""

from typing import Any

from paywall.processors.stripe.context import StripeContext
from paywall.processors.stripe.drift import Drift
from paywall.processors.stripe.reconcile import reconcile
from paywall.sandbox.stripe.subscriptions import set_quantity
from paywall.settings import Settings
from tests.processors.stripe.shop import Shop
from tests.processors.stripe.test_export import export
from tests.web.plain import account, enter

OF_THREE = {"amount": 1_800, "currency": "usd"}


async def billing(shop: Shop) -> dict[str, Any]:
    """How the export says that the only subscription is billed."""
    (subscription,) = (await export(shop))["subscriptions"]["subscriptions"]
    assert subscription["price"] == subscription["billing"]["price"]
    return dict(subscription["billing"])


async def test_three_of_a_plan_show_the_price_of_three(shop: Shop) -> None:
    await shop.buy(plan_id="monthly")
    set_quantity(shop.stand_in.account, shop.only("subscription")["id"], 3)
    assert set(await shop.deliver_events()) == {200}
    assert (await shop.me())["subscription"]["price"] == OF_THREE
    await enter(shop.service, shop.bearer, "ann")
    # Of the running period, two of the three are still to be paid.
    assert "You will then be charged $30" in await account(shop.service)
    shown = await billing(shop)
    assert (shown["price"], shown["quantity"]) == (OF_THREE, 3)
    assert shown["what"] == "Costs 18 USD a period, before any discount."
    cancelled = await shop.post("subscription/cancel", when="period_end")
    assert cancelled.status_code == 200, cancelled.text
    assert "If you resume it, you will then be charged $30" in await account(shop.service)
    assert (await shop.post("subscription/resume")).json()["price"] == OF_THREE
    shop.move(days=31)
    assert set(await shop.deliver_events()) == {200}
    assert (await shop.me())["subscription"]["price"] == OF_THREE


async def test_one_again_shows_the_price_of_one(shop: Shop) -> None:
    await shop.buy(plan_id="monthly")
    for quantity in (3, 1):
        set_quantity(shop.stand_in.account, shop.only("subscription")["id"], quantity)
        assert set(await shop.deliver_events()) == {200}
        price = {"amount": 600 * quantity, "currency": "usd"}
        assert (await shop.me())["subscription"]["price"] == price
    assert (await billing(shop))["quantity"] == 1


async def test_a_missed_quantity_is_drift(shop: Shop, settings: Settings) -> None:
    await shop.buy(plan_id="monthly")
    assert set(await shop.deliver_events()) == {200}
    context = StripeContext(shop.database, shop.stripe_client, settings)
    assert await reconcile(context) == Drift()
    # Without an event, as after more days than Stripe lists events for.
    shop.only("subscription")["items"]["data"][0]["quantity"] = 3
    assert await reconcile(context) == Drift(subscriptions=1)
    assert (await shop.me())["subscription"]["price"] == OF_THREE
    assert await reconcile(context) == Drift()
