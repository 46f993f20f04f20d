"""A shop in a test: what the site, the reader, the payer and the bank do, in a word each."""

from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

import httpx

from paywall.database.engine import Database
from paywall.processors.stripe.catalogue import apply, differ
from paywall.processors.stripe.client import StripeClient
from paywall.sandbox.stripe import checkout, events
from paywall.sandbox.stripe.customers import Card
from paywall.sandbox.stripe.stand_in import StandIn
from tests.conftest import Bearer, SetClock

SECRET = "whsec_standin"
RETURN_URL = "https://news.example/thanks"
PRICES: list[dict[str, int | str]] = [
    {"amount": 600, "currency": "usd"},
    {"amount": 2_400_000, "currency": "khr"},
]
PRODUCTS: dict[str, dict[str, object]] = {
    "packs/six": {"title": "Six", "credits": 6, "expires_after_days": 365},
    "passes/week": {"title": "A week", "days": 7},
    "plans/monthly": {"title": "Monthly", "interval": "month", "credits": 2},
    "plans/yearly": {"title": "Yearly", "interval": "year"},
    "plans/tried": {"title": "Tried", "interval": "month", "credits": 2, "trial_days": 7},
}
DAY = 86_400


class Shop(NamedTuple):
    """The service, the stand-in that it sells through, and the time that both have."""

    service: httpx.AsyncClient
    bearer: Bearer
    clock: SetClock
    stand_in: StandIn
    database: Database
    stripe_client: StripeClient

    async def stock(self, prices: Sequence[dict[str, int | str]] = PRICES) -> None:
        for path, product in PRODUCTS.items():
            put = await self.service.put(
                f"/v1/{path}", json={**product, "prices": prices}, headers=self.bearer.site()
            )
            assert put.status_code == 201, put.text
        await apply(
            self.database, self.stripe_client, await differ(self.database, self.stripe_client)
        )

    async def post(
        self, path: str, reader: str = "ann", *, key: str | None = None, **body: object
    ) -> httpx.Response:
        headers = self.bearer.reader(reader) | ({"Idempotency-Key": key} if key else {})
        return await self.service.post(f"/v1/me/{path}", json=body, headers=headers)

    async def open(self, reader: str = "ann", **request: object) -> httpx.Response:
        body = {"return_url": RETURN_URL, **request}
        headers = self.bearer.reader(reader)
        return await self.service.post("/v1/me/checkout", json=body, headers=headers)

    async def checkout(self, checkout_id: str, reader: str = "ann") -> dict[str, Any]:
        answer = await self.service.get(
            f"/v1/me/checkout/{checkout_id}", headers=self.bearer.reader(reader)
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def me(self, reader: str = "ann") -> dict[str, Any]:
        answer = await self.service.get("/v1/me", headers=self.bearer.reader(reader))
        return dict(answer.json())

    async def buy(
        self, reader: str = "ann", card: Card = Card.PAYS, *, later: bool = False,
        code: str | None = None, **request: object,
    ) -> dict[str, Any]:  # fmt: skip
        """Open a checkout and pay; nothing is delivered yet. The checkout's page."""
        opened = await self.open(reader, **request)
        assert opened.status_code in (200, 201), opened.text
        page = dict(opened.json())
        session_id = page["url"].rpartition("/")[2]
        checkout.pay_session(self.stand_in.account, session_id, card, later=later, code=code)
        return {**page, "session_id": session_id}

    def pay(self, session_id: str) -> None:
        checkout.pay_session(self.stand_in.account, session_id)

    def move(self, days: float) -> None:
        """Time passes, for Stripe and for the service."""
        self.stand_in.advance(int(days * DAY))
        self.clock.at = self.stand_in.account.at

    async def deliver_events(
        self, shuffle: Random | None = None, repeat: float = 0, drop: float = 0
    ) -> list[int]:
        """Stripe delivers what it has; the statuses that it gets."""
        deliveries = events.drain_deliveries(
            self.stand_in.account, SECRET, shuffle=shuffle, repeat=repeat, drop=drop
        )
        return [(await self.send(item)).status_code for item in deliveries]

    async def send(self, delivery: events.WebhookDelivery) -> httpx.Response:
        return await self.service.post(
            "/v1/webhooks/stripe", content=delivery.payload, headers=delivery.headers
        )

    def only(self, kind: str) -> dict[str, Any]:
        """The one object of a kind in Stripe."""
        (thing,) = self.stand_in.account.find_all(kind)
        return thing
