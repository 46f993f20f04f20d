"""Start the service once for many histories, and restore its initial state before each.

Restoring writes the initial rows into the database, copies the initial Stripe account, and sets
the clock to the start.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import httpx
import sqlalchemy as sa
from sqlmodel import SQLModel

from paywall.app import create_app
from paywall.database.engine import Database
from paywall.processors.stripe.client import StripeClient
from paywall.sandbox.stripe.catalogue import create_coupon, create_price
from paywall.sandbox.stripe.in_process_client import InProcessClient
from paywall.sandbox.stripe.stand_in import StandIn
from paywall.settings import Settings
from tests.conftest import PATIENT_SECONDS, START, Bearer, SetClock, running
from tests.processors.stripe.histories import TURNS, Played
from tests.processors.stripe.shop import SECRET, Shop
from tests.router import router_of
from tests.sandbox.stripe.sdk_contract import SdkContract
from tests.test_story import put_article, unlock

REQUESTS: dict[str, list[dict[str, str]]] = {
    "ann": [
        {"pack_id": "six"},
        {"pack_id": "six", "currency": "isk"},
        {"plan_id": "monthly", "currency": "kwd"},
        {"pass_id": "week"},
        {"pass_id": "week", "currency": "ugx"},
        {"pass_id": "week", "currency": "mga"},
    ],
    "bo": [{"pack_id": "six", "currency": "mga"}, {"plan_id": "tried", "currency": "isk"}],
}
# In units that are ISO 4217's, and in units that Stripe has for itself.
PRICES: list[dict[str, int | str]] = [
    {"amount": 600, "currency": "usd"},
    {"amount": 905, "currency": "isk"},
    {"amount": 20_007, "currency": "ugx"},
    {"amount": 1_000_300, "currency": "mga"},
    {"amount": 1_850, "currency": "kwd"},
]
Rows = dict[str, Sequence[dict[str, Any]]]


class Unsteady(InProcessClient):
    """A Stripe client that delays responses at random, so that newer ones can arrive first."""

    chance: Random | None = None

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: str | None = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        answer = await super().request_async(method, url, headers, post_data)
        if self.chance is not None:
            for _ in range(self.chance.choice(TURNS)):
                await asyncio.sleep(0)
        return answer


class Stage:
    """The services on one database (two on PostgreSQL) and their initial state."""

    def __init__(self, settings: Settings, shops: list[Shop], wires: list[Unsteady]) -> None:
        self.settings, self.shops, self.wires = settings, shops, wires
        self.stand_in = shops[0].stand_in
        self.rows: Rows = {}

    async def set_up(self) -> None:
        """Create the initial state and save it."""
        await furnish(self.shops[0])
        self.rows = await _all_rows(self.shops[0].database)

    @asynccontextmanager
    async def anew(self, chance: Random | None) -> AsyncIterator[Played]:
        """Restore the initial state for one run; then check Stripe's types against the SDK."""
        await _put_back(self.shops[0].database, self.rows)
        stand_in, contract = deepcopy(self.stand_in), SdkContract()
        stand_in.inspector, stand_in.account.on_output = contract, contract.response
        for shop, wire in zip(self.shops, self.wires, strict=True):
            wire.stand_in, wire.chance, shop.clock.at = stand_in, chance, START
        shops = [shop._replace(stand_in=stand_in) for shop in self.shops]
        yield Played(shops, self.settings, chance)
        contract.assert_no_breaches()


async def furnish(shop: Shop) -> None:
    """Create a catalogue, articles and open checkouts; give each reader a pack and an unlock.

    Of each currency there is a price of an add-on too, which is not in the catalogue.
    """
    create_coupon(shop.stand_in.account, {"id": "FREE", "percent_off": "100"})
    await shop.stock(PRICES)
    for price in list(shop.stand_in.account.find_all("price")):
        if (price["recurring"] or {}).get("interval") == "year":
            add_on = {name: price[name] for name in ("currency", "product")}
            add_on |= {"unit_amount": str(price["unit_amount"]), "recurring": {"interval": "month"}}
            create_price(shop.stand_in.account, add_on)
    for n in range(5):
        await put_article(shop.service, shop.bearer, f"a{n}", unlock_cost=1 + n % 2)
    for reader, requests in REQUESTS.items():
        await shop.buy(reader, pack_id="six")
        for request in requests:
            opened = await shop.open(reader, **request)
            assert opened.status_code == 201, opened.text
    assert set(await shop.deliver_events()) == {200}
    for reader in REQUESTS:
        assert (await unlock(shop.service, shop.bearer, reader, "a1")).status_code == 201


async def _all_rows(database: Database) -> Rows:
    async with database.reading() as session:
        connection = await session.connection()
        return {
            table.name: [
                dict(row) for row in (await connection.execute(sa.select(table))).mappings()
            ]
            for table in SQLModel.metadata.sorted_tables
        }


async def _put_back(database: Database, rows: Rows) -> None:
    async with database.writing() as session:
        connection = await session.connection()
        for table in reversed(SQLModel.metadata.sorted_tables):
            await connection.execute(sa.delete(table))
        for table in SQLModel.metadata.sorted_tables:
            if rows[table.name]:
                await connection.execute(sa.insert(table), rows[table.name])


@asynccontextmanager
async def stage(address: str, folder: Path) -> AsyncIterator[Stage]:
    """Start the services; check requests to Stripe and its responses against the SDK's types."""
    settings = Settings(
        database_url=address,
        data_dir=str(folder),
        request_timeout_seconds=PATIENT_SECONDS,
        allowed_origins=["https://news.example"],
        stripe_secret_key="sk_test_standin",
        stripe_webhook_secrets=[SECRET],
    )
    contract, clock = SdkContract(), SetClock()
    stand_in = StandIn(START, inspector=contract)
    async with AsyncExitStack() as stack:
        shops, wires = [], []
        for _ in range(1 if settings.is_sqlite else 2):
            wire = Unsteady(stand_in, timeout_seconds=0.05)
            stripe_client = StripeClient(settings, wire)
            edge = create_app(settings, clock, stripe_client)
            await stack.enter_async_context(running(edge))
            transport = httpx.ASGITransport(edge)  # type: ignore[arg-type]  # looser types
            client = httpx.AsyncClient(transport=transport, base_url="http://paywall.test")
            service = await stack.enter_async_context(client)
            app = router_of(edge)
            database: Database = app.state.database
            shops.append(
                Shop(service, Bearer(app, clock), clock, stand_in, database, stripe_client)
            )
            wires.append(wire)
        made = Stage(settings, shops, wires)
        await made.set_up()
        yield made
    contract.assert_no_breaches()
