"""A service that sells by KHQR, and a bank that it asks through its real client."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from paywall.app import create_app
from paywall.database.engine import Database
from paywall.http.edge import Edge
from paywall.processors.bakong import sweeper
from paywall.processors.bakong.client import BakongClient
from paywall.sandbox.bakong.bank import StandInBank
from paywall.settings import Settings
from tests.conftest import PATIENT_SECONDS, Bearer, SetClock, running
from tests.processors.bakong.bank import Bank
from tests.processors.bakong.till import ACCOUNT, Till
from tests.router import router_of
from tests.sandbox.bakong.bank_server import NOW, serve_bank, settings_for


def settings_of(address: str, folder: Path) -> Settings:
    return Settings(
        database_url=address,
        data_dir=str(folder),
        request_timeout_seconds=PATIENT_SECONDS,
        allowed_origins=["https://news.example"],
        bakong_account=ACCOUNT,
        bakong_merchant_name="River Post",
        bakong_token="standin-token",
        bakong_api_base="http://bank.test",
        withdrawal_days=14,
    )


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return settings_of(database_url, tmp_path)


@pytest.fixture(autouse=True)
def _swept_when_a_test_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeper, "EVERY_SECONDS", 3600)


@pytest.fixture
def bank() -> Bank:
    return Bank()


@pytest.fixture
def bakong_client(settings: Settings, bank: Bank) -> BakongClient:
    return BakongClient(settings, bank)


@pytest.fixture
async def edge(
    settings: Settings, clock: SetClock, bakong_client: BakongClient
) -> AsyncIterator[Edge]:
    app = create_app(settings, clock, bakong_client=bakong_client)
    async with running(app):
        yield app


@pytest.fixture
async def till(
    service: httpx.AsyncClient,
    bearer: Bearer,
    clock: SetClock,
    edge: Edge,
    bank: Bank,
    bakong_client: BakongClient,
    settings: Settings,
) -> Till:
    """A pack, a pass and a plan, in riel and dollars."""
    database: Database = router_of(edge).state.database
    made = Till(service, bearer, clock, database, bank, bakong_client, settings)
    await made.stock()
    return made


@pytest.fixture
async def stand_in() -> AsyncIterator[StandInBank]:
    """The sandbox's bank over HTTP, at a fixed time."""
    async with serve_bank(StandInBank(lambda: NOW)) as serving:
        yield serving


@pytest.fixture
async def client(stand_in: StandInBank) -> AsyncIterator[BakongClient]:
    """Of the sandbox's bank."""
    client = BakongClient(settings_for(stand_in))
    yield client
    await client.close()
