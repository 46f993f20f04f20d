"""What holds for two workers in one process holds for two processes beside a Stripe over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from random import Random

import httpx
import pytest
from litestar import Litestar
from litestar.datastructures import State

from paywall.database import Database
from paywall.gateway import Gateway
from paywall.sandbox.stripe.standin import StandIn
from paywall.settings import Settings
from paywall.subscribers.audit import audit
from paywall.tokens.verify import Verifier
from tests.conftest import Bearer, SetClock
from tests.payments.stripe.histories import Played, history
from tests.payments.stripe.shop import SECRET, Shop
from tests.payments.stripe.stage import furnish
from tests.payments.stripe.truth import as_recorded, in_stripe
from tests.processes import Served, serving
from tests.sandbox.stripe.sdk_contract import SdkContract
from tests.sandbox.stripe.served import served

FIRST, HISTORIES = 9000, 2
ASKED_AGAIN_SECONDS = 0.1
TRIES_MAX = 300
FOLLOWING = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED)
"""To a process that has not looked at the moved clock yet, what comes is from the future."""


class Patient(httpx.AsyncHTTPTransport):
    """Asks again until the process has the time of Stripe, as Stripe itself delivers again."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        for _ in range(TRIES_MAX):
            if answer.status_code not in FOLLOWING:
                break
            await answer.aread()
            await asyncio.sleep(ASKED_AGAIN_SECONDS)
            answer = await super().handle_async_request(request)
        return answer


@asynccontextmanager
async def two_processes(address: str, folder: Path, chance: Random) -> AsyncIterator[Played]:
    """Two services on one PostgreSQL, with a stand-in whose events the test delivers."""
    contract = SdkContract()
    stand_in = StandIn(datetime.now(UTC), inspector=contract)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(served(stand_in))
        bank = stand_in.account.address
        settings = Settings(
            database_url=address,
            data_dir=str(folder),
            stripe_secret_key="sk_test_standin",
            stripe_webhook_secrets=[SECRET],
            stripe_api_base=bank,
        )
        processes = []
        for _ in range(2):
            process = serving(
                folder,
                database_url=address,
                data_dir=str(folder),
                allowed_origins="https://news.example",
                stripe_secret_key="sk_test_standin",
                stripe_webhook_secrets=SECRET,
                stripe_api_base=bank,
                sandbox_clock_url=f"{bank}/clock",
            )
            processes.append(await asyncio.to_thread(stack.enter_context, process))
        shops = [await _shop(stack, process, settings, stand_in) for process in processes]
        await furnish(shops[0])
        yield Played(shops, settings, chance)
    contract.hold()


async def _shop(
    stack: AsyncExitStack, process: Served, settings: Settings, stand_in: StandIn
) -> Shop:
    clock = SetClock(stand_in.account.at)
    client = httpx.AsyncClient(transport=Patient(), base_url=process.address, timeout=30)
    service = await stack.enter_async_context(client)
    bearer = Bearer(Litestar(state=State({"verifier": Verifier(settings, clock)})), clock)
    database, gateway = Database(settings, clock), Gateway(settings)
    stack.push_async_callback(database.close)
    stack.push_async_callback(gateway.close)
    return Shop(service, bearer, clock, stand_in, database, gateway)


@pytest.mark.slow
@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
@pytest.mark.parametrize("seed", range(FIRST, FIRST + HISTORIES))
async def test_two_processes_end_as_stripe_has_it(
    seed: int, database_url: str, tmp_path: Path
) -> None:
    async with two_processes(database_url, tmp_path, Random(seed)) as played:
        await played.play(history(seed))
        await played.settle()
        async with played.shop.database.reading() as session:
            assert await audit(session) == []
            assert await as_recorded(session) == in_stripe(played.account)
