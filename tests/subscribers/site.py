"""The site's server in a test, which calls the service with a site token."""

from typing import Any

from tests.processors.stripe.shop import Shop


class Site:
    """What the site's server does, each of which has to be done."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.number = 0

    async def ask(self, method: str, path: str, **body: object) -> dict[str, Any]:
        done = await self.shop.service.request(
            method, f"/v1/{path}", headers=self.shop.bearer.site(), json=body or None
        )
        assert done.status_code in (200, 201, 204), done.text
        return dict(done.json()) if done.content else {}

    async def sell(self, reader: str, paid: int = 300, **product: str) -> int:
        self.number += 1
        sold = {"processor": "khqr", "reference": f"k{self.number}", "currency": "usd", **product}
        purchase = await self.ask("POST", "purchases", reader_id=reader, amount_paid=paid, **sold)
        return int(purchase["id"])

    async def refund(self, purchase: int, amount: int, **fields: object) -> None:
        self.number += 1
        fields = {"amount": amount, "reference": f"r{self.number}", **fields}
        await self.ask("POST", f"purchases/{purchase}/refunds", **fields)

    async def grant(self, reader: str, amount: int, **fields: object) -> int:
        self.number += 1
        fields = {"source": "promotion", "reference": f"g{self.number}", **fields}
        return int(
            (await self.ask("POST", f"subscribers/{reader}/grants", amount=amount, **fields))["id"]
        )

    async def unlock(self, reader: str, *articles: str) -> None:
        for article in articles:
            self.shop.clock.move(seconds=1)
            done = await self.shop.post("unlocks", reader, article_id=article)
            assert done.status_code == 201, done.text
