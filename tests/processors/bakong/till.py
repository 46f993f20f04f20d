"""A shop that sells by KHQR in a test: what the reader, the payer, the site and time do."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import httpx

from paywall.database.engine import Database
from paywall.processors.bakong.client import BakongClient
from paywall.processors.bakong.context import BakongContext
from paywall.processors.bakong.sweeper import sweep
from paywall.settings import Settings
from tests.conftest import Bearer, SetClock
from tests.processors.bakong.bank import Bank, Payment

ACCOUNT = "river_post@bank"
RETURN_URL = "https://news.example/thanks"
PRICES: list[dict[str, int | str]] = [
    {"amount": 600, "currency": "usd"},
    {"amount": 2_400_000, "currency": "khr"},
]
PRODUCTS: dict[str, dict[str, object]] = {
    "packs/six": {"title": "Six", "credits": 6, "expires_after_days": 365},
    "passes/week": {"title": "A week", "days": 7},
    "plans/monthly": {"title": "Monthly", "interval": "month", "credits": 2},
}


class Till(NamedTuple):
    """The service, and the bank that it asks."""

    service: httpx.AsyncClient
    bearer: Bearer
    clock: SetClock
    database: Database
    bank: Bank
    client: BakongClient
    settings: Settings

    @property
    def context(self) -> BakongContext:
        return BakongContext(self.database, self.client, self.settings)

    async def stock(self) -> None:
        for path, product in PRODUCTS.items():
            await self.put(path, {**product, "prices": PRICES})

    async def put(self, path: str, product: dict[str, object]) -> None:
        put = await self.service.put(f"/v1/{path}", json=product, headers=self.bearer.site())
        assert put.status_code in (200, 201), put.text

    async def ask_to_pay(self, reader: str = "ann", **request: object) -> httpx.Response:
        body = {"return_url": RETURN_URL, "processor": "bakong", **request}
        headers = self.bearer.reader(reader)
        return await self.service.post("/v1/me/checkout", json=body, headers=headers)

    async def open(self, reader: str = "ann", **request: object) -> dict[str, Any]:
        opened = await self.ask_to_pay(reader, **(request or {"pack_id": "six"}))
        assert opened.status_code in (200, 201), opened.text
        return dict(opened.json())

    def pay(self, page: dict[str, Any], **otherwise: str) -> Payment:
        return self.bank.pay(md5_in(page), page["khqr"]["text"], self.clock.at, **otherwise)

    async def checkout(self, page: dict[str, Any], reader: str = "ann") -> dict[str, Any]:
        headers = self.bearer.reader(reader)
        answer = await self.service.get(f"/v1/me/checkout/{page['id']}", headers=headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def me(self, reader: str = "ann") -> dict[str, Any]:
        answer = await self.service.get("/v1/me", headers=self.bearer.reader(reader))
        return dict(answer.json())

    async def site_get(self, path: str) -> list[dict[str, Any]]:
        answer = await self.service.get(f"/v1/{path}", headers=self.bearer.site())
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def site_post(self, path: str, **body: object) -> httpx.Response:
        headers = self.bearer.site()
        return await self.service.post(f"/v1/{path}", json=body, headers=headers)

    async def erase(self, reader: str = "ann") -> int:
        headers = self.bearer.site()
        erased = await self.service.delete(f"/v1/subscribers/{reader}", headers=headers)
        return erased.status_code

    def move(self, **by: float) -> datetime:
        return self.clock.move(**by)

    async def sweep_for(self, days: float) -> None:
        """Time passes, and the sweeper runs every few hours."""
        until = self.clock.at + timedelta(days=days)
        while self.clock.at < until:
            self.move(hours=6)
            await sweep(self.context)


def md5_in(page: dict[str, Any]) -> str:
    """Of the code that a checkout shows: its picture has that name."""
    return str(page["khqr"]["image_url"]).rpartition("/")[2].removesuffix(".svg")
