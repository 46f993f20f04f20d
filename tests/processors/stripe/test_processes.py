"""What holds for two workers in one process holds for two processes beside a Stripe over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from litestar import Litestar
from litestar.datastructures import State

from paywall.database.engine import Database
from paywall.processors.stripe.client import StripeClient
from paywall.sandbox.stripe import events, portal
from paywall.sandbox.stripe.stand_in import StandIn
from paywall.settings import Settings
from paywall.tokens.verify import Verifier
from tests.conftest import Bearer, SetClock
from tests.processes import Served, serving
from tests.processors.stripe.shop import SECRET, Shop
from tests.sandbox.stripe.sdk_contract import SdkContract
from tests.sandbox.stripe.stand_in_server import HeldResponse, serve_stand_in


@asynccontextmanager
async def two_processes(
    address: str, folder: Path, hold: HeldResponse
) -> AsyncIterator[Sequence[Shop]]:
    """Two services on one PostgreSQL, with a stand-in whose events the test delivers."""
    contract = SdkContract()
    stand_in = StandIn(datetime.now(UTC), inspector=contract)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serve_stand_in(stand_in, hold=hold))
        settings = Settings(
            database_url=address,
            data_dir=str(folder),
            stripe_secret_key="sk_test_standin",
            stripe_webhook_secrets=[SECRET],
            stripe_api_base=stand_in.account.address,
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
                stripe_api_base=stand_in.account.address,
            )
            processes.append(await asyncio.to_thread(stack.enter_context, process))
        shops = [await _shop(stack, process, settings, stand_in) for process in processes]
        await shops[0].stock()
        yield shops
    contract.assert_no_breaches()


async def _shop(
    stack: AsyncExitStack, process: Served, settings: Settings, stand_in: StandIn
) -> Shop:
    clock = SetClock(stand_in.account.at)
    client = httpx.AsyncClient(base_url=process.address, timeout=30)
    service = await stack.enter_async_context(client)
    bearer = Bearer(Litestar(state=State({"verifier": Verifier(settings, clock)})), clock)
    database, stripe_client = Database(settings, clock), StripeClient(settings)
    stack.push_async_callback(database.close)
    stack.push_async_callback(stripe_client.close)
    return Shop(service, bearer, clock, stand_in, database, stripe_client)


@pytest.mark.slow
@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_a_process_never_overwrites_what_another_fetched_later(
    database_url: str, tmp_path: Path
) -> None:
    hold = HeldResponse("/v1/subscriptions/")
    async with two_processes(database_url, tmp_path, hold) as (one, other):
        await one.buy(plan_id="monthly")
        await one.deliver_events()
        account, subscription_id = one.stand_in.account, one.only("subscription")["id"]
        portal.portal_cancel(account, subscription_id)
        (cancelled,) = events.drain_deliveries(account, SECRET)
        hold.hold_next()
        slow = asyncio.create_task(one.send(cancelled))
        await hold.is_held.wait()
        portal.portal_resume(account, subscription_id)
        assert await other.deliver_events() == [200]
        hold.release.set()
        assert (await slow).status_code == 200
        assert (await other.me())["subscription"]["cancel_at_period_end"] is False
