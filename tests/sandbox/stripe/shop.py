"""A shop on the stand-in, which the tests use through the real SDK."""

from datetime import UTC, datetime
from typing import Literal, NamedTuple

import stripe
from stripe import Charge, Invoice, Subscription
from stripe.checkout import Session
from stripe.params import SubscriptionUpdateParams
from stripe.params.checkout import SessionCreateParams

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.checkout import pay_session
from paywall.sandbox.stripe.customers import Card
from paywall.sandbox.stripe.in_process_client import InProcessClient
from paywall.sandbox.stripe.stand_in import StandIn

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR, DAY = 3600, 86_400
SITE = "https://news.example"
TIMEOUT_SECONDS = 0.01


class PriceIds(NamedTuple):
    """The ids of the shop's prices."""

    pack: str
    gold: str
    diamond: str
    yearly: str


def client_of(stand_in: StandIn, key: str = "sk_test_shop") -> stripe.StripeClient:
    """The real SDK, connected to a stand-in in this process."""
    return stripe.StripeClient(
        key, http_client=InProcessClient(stand_in, TIMEOUT_SECONDS), max_network_retries=2
    )


class Shop:
    """A seller with four prices and one customer; `account` is the state in Stripe."""

    def __init__(self, stand_in: StandIn) -> None:
        self.stand_in = stand_in
        self.stripe = client_of(stand_in).v1
        self.prices = PriceIds("", "", "", "")
        self.customer = ""

    @property
    def account(self) -> StandInAccount:
        return self.stand_in.account

    async def open(self) -> None:
        self.prices = PriceIds(
            pack=await self._price("Ten credits", 500),
            gold=await self._price("Gold", 900, "month"),
            diamond=await self._price("Diamond", 1900, "month"),
            yearly=await self._price("Gold, a year", 9000, "year"),
        )
        self.customer = (await self.stripe.customers.create_async({})).id

    async def _price(
        self, name: str, amount: int, interval: Literal["month", "year"] | None = None
    ) -> str:
        params: stripe.params.PriceCreateParams = {
            "product_data": {"name": name}, "unit_amount": amount, "currency": "usd",
        }  # fmt: skip
        if interval:
            params["recurring"] = {"interval": interval}
        return (await self.stripe.prices.create_async(params)).id

    async def session(self, price: str, **more: object) -> str:
        """An open Checkout session for this price."""
        params: SessionCreateParams = {
            "mode": "payment" if price == self.prices.pack else "subscription",
            "customer": self.customer,
            "line_items": [{"price": price, "quantity": 1}],
            "success_url": f"{SITE}/paid",
            **more,  # type: ignore[typeddict-item]  # the SDK contract checks it
        }
        return (await self.stripe.checkout.sessions.create_async(params)).id

    async def buy_pack(self, **more: object) -> Charge:
        """Buy a pack; returns its charge."""
        session = await self.pay(await self.session(self.prices.pack, **more))
        (charge,) = (
            await self.stripe.charges.list_async({"payment_intent": str(session.payment_intent)})
        ).data
        return charge

    async def pay(self, session_id: str, card: Card = Card.PAYS) -> Session:
        pay_session(self.account, session_id, card)
        return await self.stripe.checkout.sessions.retrieve_async(session_id)

    async def subscribe(
        self, price: str = "", card: Card = Card.PAYS, **more: object
    ) -> Subscription:
        """Subscribe through Checkout."""
        session = await self.pay(await self.session(price or self.prices.gold, **more), card)
        return await self.subscription(str(session.subscription))

    async def subscription(self, subscription_id: str) -> Subscription:
        return await self.stripe.subscriptions.retrieve_async(subscription_id)

    async def change(self, subscription_id: str, **change: object) -> Subscription:
        params: SubscriptionUpdateParams = {**change}  # type: ignore[typeddict-item]  # as above
        return await self.stripe.subscriptions.update_async(subscription_id, params)

    async def invoices(self, subscription_id: str) -> list[Invoice]:
        """The invoices of a subscription, newest first."""
        return (await self.stripe.invoices.list_async({"subscription": subscription_id})).data

    def event_types(self, *types: str) -> list[str]:
        """The types of all events so far, in order; only those of `types` where given."""
        return [
            event["type"]
            for event in self.account.find_all("event")
            if not types or event["type"] in types
        ]
