"""What a webhook did not tell is made up for, and told as drift."""

from sqlmodel import select, update

from paywall.database.tables import StripeSubscription
from paywall.processors.stripe.context import StripeContext
from paywall.processors.stripe.drift import Drift
from paywall.processors.stripe.reconcile import reconcile
from paywall.sandbox.stripe.customers import Card, set_card
from paywall.settings import Settings
from tests.conftest import START
from tests.processors.stripe.shop import Shop


def context(shop: Shop, settings: Settings) -> StripeContext:
    return StripeContext(shop.database, shop.stripe_client, settings)


async def test_missed_webhooks_are_made_up_for(shop: Shop, settings: Settings) -> None:
    await shop.buy(pack_id="six")
    await shop.buy(plan_id="monthly")
    shop.move(days=3)
    await shop.deliver_events(drop=1)
    assert (await shop.me())["unlocks_left"] == 0
    drift = await reconcile(context(shop, settings))
    assert drift is not None
    assert drift.events > 0
    mine = await shop.me()
    assert mine["unlocks_left"] == 8
    assert mine["subscription"]["access_until"] == "2026-12-24T12:00:00Z"
    assert await reconcile(context(shop, settings)) == Drift()


async def test_weeks_beyond_stripes_list_of_events_are_made_up_for(
    shop: Shop, settings: Settings
) -> None:
    await shop.buy(plan_id="monthly")
    page = await shop.buy("bo", pack_id="six")
    await shop.deliver_events(drop=1)
    shop.move(days=95)
    await shop.deliver_events(drop=1)
    drift = await reconcile(context(shop, settings))
    assert drift is not None
    assert drift.subscriptions == 1
    assert (await shop.me())["subscription"]["access_until"] == "2027-03-24T12:00:00Z"
    bought = await shop.service.get("/v1/me/purchases", headers=shop.bearer.reader("ann"))
    assert len(bought.json()["items"]) == 4
    assert (await shop.checkout(page["id"], "bo"))["status"] == "paid"
    assert await reconcile(context(shop, settings)) == Drift()


async def test_a_trials_start_is_added_to_rows_of_an_older_version(
    shop: Shop, settings: Settings
) -> None:
    await shop.buy(plan_id="tried")
    await shop.deliver_events()
    assert await reconcile(context(shop, settings)) == Drift()
    async with shop.database.writing() as session:
        await session.exec(update(StripeSubscription).values(trial_starts_at=None))
    assert await reconcile(context(shop, settings)) == Drift(subscriptions=1)
    async with shop.database.reading() as session:
        recorded = (await session.exec(select(StripeSubscription.trial_starts_at))).all()
    assert recorded == [START]


async def test_an_invoice_that_waits_for_its_payment_is_no_drift(
    shop: Shop, settings: Settings
) -> None:
    await shop.buy(plan_id="monthly")
    set_card(shop.stand_in.account, shop.only("customer")["id"], Card.DECLINES)
    shop.move(days=30.5)
    await shop.deliver_events()
    assert (await shop.me())["subscription"]["status"] == "past_due"
    for _ in range(2):
        assert await reconcile(context(shop, settings)) == Drift()
