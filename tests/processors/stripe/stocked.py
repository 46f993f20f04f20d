"""A shop with plans of different prices, credits and intervals, to switch between."""

from typing import Any, NamedTuple

from paywall.processors.stripe.catalogue import apply, differ
from paywall.sandbox.stripe.portal import portal_switch
from paywall.sandbox.stripe.subscriptions import update_subscription
from paywall.subscribers.audit import audit
from tests.processors.stripe.shop import Shop

PLANS: dict[str, tuple[int, str, int]] = {
    "small": (600, "month", 2),
    "large": (1800, "month", 6),
    "annual": (6000, "year", 24),
}


class Stocked(NamedTuple):
    """A shop with the plans above, and the ids of their prices."""

    shop: Shop
    prices: dict[str, str]

    @property
    def subscription_id(self) -> str:
        return str(self.shop.only("subscription")["id"])

    async def buy(self, plan_id: str) -> None:
        await self.shop.buy(plan_id=plan_id)
        assert set(await self.shop.deliver_events()) == {200}

    def switch(self, plan_id: str) -> None:
        portal_switch(self.shop.stand_in.account, self.subscription_id, self.prices[plan_id])

    def change(self, proration: str, **item: str) -> None:
        """What the site does in Stripe's dashboard."""
        item_id = self.shop.only("subscription")["items"]["data"][0]["id"]
        params = {"items": [{"id": item_id, **item}], "proration_behavior": proration}
        update_subscription(self.shop.stand_in.account, params, self.subscription_id)

    async def shown(self) -> tuple[str, int]:
        """The end of access and the credits left, after all events have arrived."""
        assert set(await self.shop.deliver_events()) <= {200}
        mine = await self.shop.me()
        async with self.shop.database.reading() as session:
            assert await audit(session) == []
        return mine["subscription"]["access_until"], mine["unlocks_left"]

    async def purchases(self) -> list[dict[str, Any]]:
        bought = await self.shop.service.get(
            "/v1/me/purchases", headers=self.shop.bearer.reader("ann")
        )
        return list(bought.json()["items"])


async def stock_plans(shop: Shop) -> Stocked:
    for plan_id, (amount, interval, credits_) in PLANS.items():
        plan = {
            "title": plan_id, "interval": interval, "credits": credits_,
            "credits_expire": "never", "prices": [{"amount": amount, "currency": "usd"}],
        }  # fmt: skip
        put = await shop.service.put(f"/v1/plans/{plan_id}", json=plan, headers=shop.bearer.site())
        assert put.status_code == 201, put.text
    await apply(shop.database, shop.stripe_client, await differ(shop.database, shop.stripe_client))
    prices = {
        plan_id: next(
            price["id"]
            for price in shop.stand_in.account.find_all("price", unit_amount=amount)
            if (price["recurring"] or {}).get("interval") == interval
            and shop.stand_in.account.find("product", price["product"])["name"] == plan_id
        )
        for plan_id, (amount, interval, _) in PLANS.items()
    }
    return Stocked(shop, prices)
