"""Linking a subscription that began in Stripe without this service."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlmodel import SQLModel, select

from paywall.database.tables import StripeCustomer, StripeInvoice, Subscription
from paywall.problems import REFERENCE_CONFLICT, SUBSCRIPTION_UNKNOWN, UNAVAILABLE, Problem
from paywall.processors.stripe.api_errors import Missing
from paywall.processors.stripe.context import StripeContext
from paywall.processors.stripe.link import link_subscription
from paywall.processors.stripe.reconcile import reconcile
from paywall.rules.enums import UpsertOutcome
from paywall.sandbox.stripe.faults import Fault
from paywall.sandbox.stripe.subscriptions import cancel_subscription
from paywall.settings import Settings
from tests.processors.stripe.old_subscriptions import begin_old_subscription
from tests.processors.stripe.shop import Shop


@pytest.fixture
def context(shop: Shop, settings: Settings) -> StripeContext:
    return StripeContext(shop.database, shop.stripe_client, settings)


async def differing(context: StripeContext) -> int:
    """How many subscriptions are not recorded as they are in Stripe."""
    drift = await reconcile(context)
    assert drift is not None
    return drift.subscriptions


async def count(shop: Shop, table: type[SQLModel]) -> int:
    async with shop.database.reading() as session:
        return len((await session.exec(select(table))).all())


async def test_an_old_subscription_is_mirrored_at_any_price(
    shop: Shop, context: StripeContext
) -> None:
    old = begin_old_subscription(shop.stand_in.account)
    shop.move(days=40)
    linked = await link_subscription(context, "ann", old.id)
    assert (linked.outcome, linked.has_known_price) == (UpsertOutcome.CREATED, False)
    assert linked.subscription.paid_through == datetime(2027, 1, 24, 12, tzinfo=UTC)
    assert await count(shop, StripeInvoice) == 2
    mine = (await shop.me())["subscription"]
    assert (mine["id"], mine["access_until"]) == (old.id, "2027-01-24T12:00:00Z")
    assert await differing(context) == 0
    shop.move(days=30)
    assert set(await shop.deliver_events()) == {200}
    assert (await shop.me())["subscription"]["access_until"] == "2027-02-24T12:00:00Z"


async def test_linking_again_asks_nothing_and_changes_nothing(
    shop: Shop, context: StripeContext
) -> None:
    old = begin_old_subscription(shop.stand_in.account)
    await link_subscription(context, "ann", old.id)
    shop.stand_in.faults.plan(Fault.SERVER_ERROR_BEFORE, "GET", r"/v1/.*", times=9)
    again = await link_subscription(context, "ann", old.id)
    assert again.outcome is UpsertOutcome.UNCHANGED
    assert await count(shop, Subscription) == 1


async def test_a_subscription_of_the_catalogue_has_its_plan(
    shop: Shop, context: StripeContext
) -> None:
    prices = shop.stand_in.account.find_all("price", currency="usd")
    price_id = next(
        str(price["id"])
        for price in prices
        if price["recurring"] and price["recurring"]["interval"] == "year"
    )
    old = begin_old_subscription(shop.stand_in.account, price_id)
    linked = await link_subscription(context, "ann", old.id)
    assert (linked.has_known_price, linked.subscription.plan_id) == (True, "yearly")


async def test_what_stripe_has_cancelled_opens_what_was_paid(
    shop: Shop, context: StripeContext
) -> None:
    old = begin_old_subscription(shop.stand_in.account)
    cancel_subscription(shop.stand_in.account, {}, old.id)
    await link_subscription(context, "ann", old.id)
    mine = (await shop.me())["subscription"]
    assert (mine["status"], mine["access_until"]) == ("canceled", "2026-12-24T12:00:00Z")


async def test_another_readers_subscription_or_customer_is_refused(
    shop: Shop, context: StripeContext
) -> None:
    old = begin_old_subscription(shop.stand_in.account)
    await link_subscription(context, "ann", old.id)
    with pytest.raises(Problem) as refused:
        await link_subscription(context, "bo", old.id)
    assert refused.value.kind is REFERENCE_CONFLICT
    await shop.buy("cy", plan_id="monthly")
    subscription_id = [*shop.stand_in.account.find_all("subscription")][-1]["id"]
    with pytest.raises(Problem) as of_customer:
        await link_subscription(context, "bo", subscription_id)
    assert of_customer.value.kind is REFERENCE_CONFLICT
    assert (await shop.me("bo"))["subscriptions"] == []


async def test_nothing_is_recorded_unless_stripe_confirms(
    shop: Shop, context: StripeContext
) -> None:
    with pytest.raises(Missing):
        await link_subscription(context, "ann", "sub_unknown")
    old = begin_old_subscription(shop.stand_in.account)
    shop.stand_in.faults.plan(Fault.SERVER_ERROR_BEFORE, "GET", r"/v1/invoices.*", times=3)
    with pytest.raises(Problem) as unconfirmed:
        await link_subscription(context, "ann", old.id)
    assert unconfirmed.value.kind is UNAVAILABLE
    for table in (Subscription, StripeCustomer):
        assert await count(shop, table) == 0
    await link_subscription(context, "ann", old.id)


async def test_an_erased_readers_subscription_is_refused(
    shop: Shop, context: StripeContext
) -> None:
    old = begin_old_subscription(shop.stand_in.account)
    await link_subscription(context, "ann", old.id)
    await shop.service.delete("/v1/subscribers/ann", headers=shop.bearer.site())
    with pytest.raises(Problem) as refused:
        await link_subscription(context, "ann", old.id)
    assert refused.value.kind is SUBSCRIPTION_UNKNOWN


async def test_linking_many_times_at_once_links_once(shop: Shop, context: StripeContext) -> None:
    old = begin_old_subscription(shop.stand_in.account)
    linking = [link_subscription(context, "ann", old.id) for _ in range(5)]
    linked = await asyncio.gather(*linking)
    assert {one.subscription.id for one in linked} == {old.id}
    assert await count(shop, StripeInvoice) == 1
    assert await differing(context) == 0
