"""A service that sells by a stand-in for Stripe, through the real SDK."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from paywall.app import create_app
from paywall.database.engine import Database
from paywall.http.edge import Edge
from paywall.processors.stripe import reconcile
from paywall.processors.stripe.client import StripeClient
from paywall.sandbox.stripe.in_process_client import InProcessClient
from paywall.sandbox.stripe.stand_in import StandIn
from paywall.settings import Settings
from tests.conftest import PATIENT_SECONDS, START, Bearer, SetClock, running
from tests.processors.stripe.shop import SECRET, Shop
from tests.processors.stripe.stocked import Stocked, stock_plans
from tests.router import router_of
from tests.sandbox.stripe.sdk_contract import SdkContract


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(
        database_url=database_url,
        data_dir=str(tmp_path),
        request_timeout_seconds=PATIENT_SECONDS,
        allowed_origins=["https://news.example"],
        stripe_secret_key="sk_test_standin",
        stripe_webhook_secrets=["whsec_of_before", SECRET],
    )


@pytest.fixture(autouse=True)
def _reconciled_when_a_test_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not in the middle of one that takes long."""
    monkeypatch.setattr(reconcile, "BEGINS_AFTER_SECONDS", 3600)


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    contract = SdkContract()
    yield StandIn(START, inspector=contract)
    contract.assert_no_breaches()


@pytest.fixture
def stripe_client(settings: Settings, stand_in: StandIn) -> StripeClient:
    return StripeClient(settings, InProcessClient(stand_in, timeout_seconds=0.05))


@pytest.fixture
async def edge(
    settings: Settings, clock: SetClock, stripe_client: StripeClient
) -> AsyncIterator[Edge]:
    app = create_app(settings, clock, stripe_client)
    async with running(app):
        yield app


@pytest.fixture
async def shop(
    service: httpx.AsyncClient,
    bearer: Bearer,
    clock: SetClock,
    stand_in: StandIn,
    edge: Edge,
    stripe_client: StripeClient,
) -> Shop:
    """A pack, a pass and two plans, with their prices in Stripe."""
    database: Database = router_of(edge).state.database
    shop = Shop(service, bearer, clock, stand_in, database, stripe_client)
    await shop.stock()
    return shop


@pytest.fixture
async def stocked(shop: Shop) -> Stocked:
    return await stock_plans(shop)
