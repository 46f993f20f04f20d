"""Subscriptions with several items: an add-on that is not in the catalogue, beside a plan."""

import pytest
from sqlmodel import select

from paywall.database.tables import StripeInvoice, StripeSubscription
from paywall.processors.stripe.context import StripeContext
from paywall.processors.stripe.reconcile import reconcile
from paywall.sandbox.stripe import events
from paywall.sandbox.stripe.catalogue import create_price
from paywall.sandbox.stripe.subscriptions import update_subscription
from paywall.settings import Settings
from tests.processors.stripe.shop import SECRET
from tests.processors.stripe.stocked import Stocked

FIRST_MONTH_ENDS = "2026-12-24T12:00:00Z"
NOW, NEXT = "always_invoice", "create_prorations"


def change_items(stocked: Stocked, proration: str, *items: dict[str, str]) -> None:
    """What the site does in Stripe's dashboard."""
    params = {"items": [*items], "proration_behavior": proration}
    update_subscription(stocked.shop.stand_in.account, params, stocked.subscription_id)


def add_on_price(stocked: Stocked, interval: str = "month") -> str:
    account = stocked.shop.stand_in.account
    product = stocked.shop.only("subscription")["items"]["data"][0]["price"]["product"]
    made = {"currency": "usd", "unit_amount": "900", "product": product,
            "recurring": {"interval": interval}}  # fmt: skip
    return str(create_price(account, made)["id"])


def add(stocked: Stocked, proration: str, interval: str = "month") -> None:
    change_items(stocked, proration, {"price": add_on_price(stocked, interval)})


def remove(stocked: Stocked, proration: str, number: int = -1) -> None:
    item = stocked.shop.only("subscription")["items"]["data"][number]
    change_items(stocked, proration, {"id": item["id"], "deleted": "true"})


@pytest.mark.parametrize("step", [1, -1], ids=["in_order", "swapped"])
@pytest.mark.parametrize("removal", [NOW, NEXT])
async def test_the_credit_of_an_add_on_leaves_the_plan(
    stocked: Stocked, removal: str, step: int
) -> None:
    """Its renewal charges for both; when the add-on is credited, the plan stays paid."""
    shop = stocked.shop
    await stocked.buy("small")
    add(stocked, "none")
    shop.move(days=31)
    shop.move(days=5)
    remove(stocked, removal)
    for delivery in events.drain_deliveries(shop.stand_in.account, SECRET)[::step]:
        assert (await shop.send(delivery)).status_code == 200
    assert await stocked.shown() == ("2027-01-24T12:00:00Z", 4)
    shop.move(days=30)
    assert await stocked.shown() == ("2027-02-24T12:00:00Z", 6)
    assert {one["refunded"] for one in await stocked.purchases()} == {0}


async def test_the_credit_of_the_plan_ends_it_beside_an_add_on(stocked: Stocked) -> None:
    """Another plan takes the place of the first one, whose item is removed."""
    shop = stocked.shop
    await stocked.buy("annual")
    add(stocked, NOW)
    await stocked.shown()
    shop.move(days=36.5)
    first = shop.only("subscription")["items"]["data"][0]
    removed = {"id": first["id"], "deleted": "true"}
    change_items(stocked, NOW, removed, {"price": stocked.prices["small"]})
    assert await stocked.shown() == ("2027-01-24T12:00:00Z", 24 - 22 + 1)


async def test_an_add_on_billed_with_its_own_year_adds_no_time(stocked: Stocked) -> None:
    """It is billed beside the next month of the plan."""
    await stocked.buy("small")
    add(stocked, NEXT, "year")
    stocked.shop.move(days=31)
    assert (await stocked.shown())[0] == "2027-01-24T12:00:00Z"
    mine = await stocked.shop.me()
    assert mine["subscription"]["plan_id"] == "small"
    assert mine["subscription"]["next_payment"] == "2027-01-24T12:00:00Z"


async def test_a_credit_of_an_unknown_item_ends_the_period(
    stocked: Stocked, settings: Settings
) -> None:
    """As recorded by an earlier release, until the invoice is fetched again."""
    shop = stocked.shop
    await stocked.buy("small")
    add(stocked, "none")
    shop.move(days=31)
    await stocked.shown()
    async with shop.database.writing() as session:
        for invoice in (await session.exec(select(StripeInvoice))).all():
            invoice.item_id = None
            session.add(invoice)
    shop.move(days=5)
    remove(stocked, NOW)
    assert (await stocked.shown())[0] is None
    async with shop.database.writing() as session:
        billing = await session.get_one(StripeSubscription, stocked.subscription_id)
        for invoice in (await session.exec(select(StripeInvoice))).all():
            await session.delete(invoice)
        billing.quantity = 7
        session.add(billing)
    await reconcile(StripeContext(shop.database, shop.stripe_client, settings))
    assert await stocked.shown() == ("2027-01-24T12:00:00Z", 4)
