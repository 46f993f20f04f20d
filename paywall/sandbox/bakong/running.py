"""Runs the stand-in for Bakong in a thread beside the service."""

import asyncio
import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path

from litestar import Litestar

from paywall.clock import FollowingClock
from paywall.sandbox.bakong.bank import StandInBank
from paywall.sandbox.bakong.server import create_app
from paywall.sandbox.site.server import address_of, listening, served
from paywall.server.sandbox_clock import fetch_time, follow_clock
from paywall.tasks import cancel_tasks

HOST = "127.0.0.1"
# So that the time machine does not end it.
TOKEN_LASTS = timedelta(days=36_500)


@contextmanager
def running_bank(folder: Path, clock_url: str) -> Iterator[str]:
    """Run a stand-in that keeps its state in this folder; yields its address.

    It follows the sandbox's clock, if there is one. The environment is set as an operator would set
    it. Raises CannotServe.
    """
    listener = listening(HOST, 0)
    address = address_of(listener)
    clock = FollowingClock()
    if clock_url:
        asyncio.run(fetch_time(clock, clock_url))
    bank = StandInBank(clock.now, address, folder / "bank.json")
    os.environ |= {
        "PAYWALL_BAKONG_ACCOUNT": "river_post@standin",
        "PAYWALL_BAKONG_MERCHANT_NAME": "The River Post",
        "PAYWALL_BAKONG_TOKEN": bank.issue_token(TOKEN_LASTS),
        "PAYWALL_BAKONG_API_BASE": address,
    }

    @asynccontextmanager
    async def follow(_app: Litestar) -> AsyncGenerator[None]:
        tasks = [asyncio.create_task(follow_clock(clock, clock_url))] if clock_url else []
        try:
            yield
        finally:
            await cancel_tasks(tasks)

    with served(create_app(bank, [follow]), listener):
        yield address
