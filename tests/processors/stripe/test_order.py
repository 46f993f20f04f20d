"""What was fetched before is never written over what was fetched after."""

import asyncio
from collections.abc import Mapping

import pytest

from paywall.processors.stripe.client import StripeClient
from paywall.sandbox.stripe import events, portal, refunds
from paywall.sandbox.stripe.in_process_client import InProcessClient
from paywall.sandbox.stripe.stand_in import StandIn
from paywall.sandbox.stripe.subscriptions import update_subscription
from paywall.settings import Settings
from tests.processors.stripe.shop import SECRET, Shop
from tests.test_story import put_article, unlock


class Held(InProcessClient):
    """A way to Stripe on which one answer can be held back, until it is old."""

    def __init__(self, stand_in: StandIn) -> None:
        super().__init__(stand_in, timeout_seconds=1)
        self.holds: asyncio.Event | None = None
        self.is_held = asyncio.Event()

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: str | None = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        answer = await super().request_async(method, url, headers, post_data)
        holds = self.holds
        if holds is not None and "/v1/subscriptions/" in url:
            self.holds = None
            self.is_held.set()
            await holds.wait()
        return answer


@pytest.fixture
def held(stand_in: StandIn) -> Held:
    return Held(stand_in)


@pytest.fixture
def stripe_client(settings: Settings, held: Held) -> StripeClient:
    return StripeClient(settings, held)


async def test_an_older_look_never_overwrites_a_newer_one(shop: Shop, held: Held) -> None:
    await shop.buy(plan_id="monthly")
    await shop.deliver_events()
    account, subscription_id = shop.stand_in.account, shop.only("subscription")["id"]
    portal.portal_cancel(account, subscription_id)
    (cancelled,) = events.drain_deliveries(account, SECRET)
    goes_on = held.holds = asyncio.Event()
    slow = asyncio.create_task(shop.send(cancelled))
    await held.is_held.wait()
    portal.portal_resume(account, subscription_id)
    await shop.deliver_events()
    goes_on.set()
    assert (await slow).status_code == 200
    assert (await shop.me())["subscription"]["cancel_at_period_end"] is False


async def test_an_event_that_comes_late_does_not_cancel_again(shop: Shop) -> None:
    await shop.buy(plan_id="monthly")
    await shop.deliver_events()
    account, subscription_id = shop.stand_in.account, shop.only("subscription")["id"]
    portal.portal_cancel(account, subscription_id)
    portal.portal_resume(account, subscription_id)
    for delivery in reversed(events.drain_deliveries(account, SECRET)):
        assert (await shop.send(delivery)).status_code == 200
    assert (await shop.me())["subscription"]["cancel_at_period_end"] is False


async def test_an_event_has_both_its_effect_and_its_mark_or_neither(shop: Shop, held: Held) -> None:
    """The service dies while it looks: nothing was marked, so the event is taken in later."""
    await shop.buy(plan_id="monthly")
    deliveries = events.drain_deliveries(shop.stand_in.account, SECRET)
    held.holds = asyncio.Event()
    begun = next(d for d in deliveries if d.type == "customer.subscription.created")
    dying = asyncio.create_task(shop.send(begun))
    await held.is_held.wait()
    dying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dying
    for delivery in deliveries:
        assert (await shop.send(delivery)).status_code == 200
    assert (await shop.me())["unlocks_left"] == 2


@pytest.mark.parametrize("is_reported_at_once", [True, False])
async def test_a_refund_of_one_of_two_periods_begun_at_once_takes_its_credits(
    shop: Shop, *, is_reported_at_once: bool
) -> None:
    await shop.buy(plan_id="monthly")
    account, subscription = shop.stand_in.account, shop.only("subscription")
    monthly = subscription["items"]["data"][0]["price"]["id"]
    prices = [p for p in account.find_all("price", currency="usd") if p["recurring"]]
    (yearly,) = (p["id"] for p in prices if p["recurring"]["interval"] == "year")
    for price in (yearly, monthly):
        if is_reported_at_once:
            await shop.deliver_events()
        # Without proration: the periods before stay paid, with their credits.
        item = {"id": subscription["items"]["data"][0]["id"], "price": price}
        switch = {"items": [item], "proration_behavior": "none"}
        update_subscription(account, switch, subscription["id"])
    await shop.deliver_events()
    first = next(account.find_all("charge"))["id"]
    refunds.create_refund(account, {"charge": first, "amount": "300"})
    await shop.deliver_events()
    assert sorted(grant["remaining"] for grant in (await shop.me())["grants"]) == [1, 2]


@pytest.mark.parametrize("step", [1, -1], ids=["in_order", "swapped"])
async def test_what_two_refunds_take_depends_on_age_not_on_order_of_events(
    shop: Shop, step: int
) -> None:
    """The older pack gives back first, which frees a credit of the newer one."""
    for _ in range(2):
        await shop.buy(pack_id="six")
        shop.move(days=1)
    for delivery in events.drain_deliveries(shop.stand_in.account, SECRET)[::step]:
        assert (await shop.send(delivery)).status_code == 200
    for n, cost in enumerate((5, 2, 5)):
        await put_article(shop.service, shop.bearer, f"a{n}", unlock_cost=cost)
        assert (await unlock(shop.service, shop.bearer, "ann", f"a{n}")).status_code == 201
        shop.move(days=1)
    for charge in shop.stand_in.account.find_all("charge"):
        refunds.create_refund(shop.stand_in.account, {"charge": charge["id"], "amount": "100"})
    await shop.deliver_events()
    read = await shop.service.get("/v1/me/unlocks", headers=shop.bearer.reader("ann"))
    assert sorted(item["article_id"] for item in read.json()["items"]) == ["a0", "a2"]


@pytest.mark.parametrize("step", [1, -1], ids=["in_order", "swapped"])
async def test_of_packs_paid_in_one_second_the_same_one_is_used_in_any_order(
    shop: Shop, step: int
) -> None:
    """Which one it is, is chance: Stripe tells no more than the second."""
    await put_article(shop.service, shop.bearer, "a", unlock_cost=2)
    for _ in range(2):
        await shop.buy(pack_id="six")
    for delivery in events.drain_deliveries(shop.stand_in.account, SECRET)[::step]:
        assert (await shop.send(delivery)).status_code == 200
    assert (await unlock(shop.service, shop.bearer, "ann", "a")).status_code == 201
    first, _ = shop.stand_in.account.find_all("charge")
    refunds.create_refund(shop.stand_in.account, {"charge": first["id"], "amount": "200"})
    await shop.deliver_events()
    assert sorted(grant["remaining"] for grant in (await shop.me())["grants"]) == [4, 4]
