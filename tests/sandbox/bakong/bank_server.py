"""Serves a stand-in bank on a socket in this process, so that a test can change it as well."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from paywall.processors.bakong.khqr import CodeTerms, Merchant, build_code
from paywall.sandbox.bakong.bank import StandInBank
from paywall.sandbox.bakong.server import create_app
from paywall.sandbox.site.server import address_of, listening
from paywall.settings import Settings
from tests.prompt_server import PromptServer

STARTED_WITHIN_SECONDS = 20
NOW = datetime(2026, 12, 1, 8, 30, tzinfo=UTC)
MERCHANT = Merchant("river_post@standin", "The River Post", "Phnom Penh", None, None)


def code(bill_number: str = "RP1", amount: int = 400_000, currency: str = "khr") -> str:
    """The text of a code that is open for ten minutes from NOW."""
    until = NOW + timedelta(minutes=10)
    return build_code(MERCHANT, CodeTerms(amount, currency, bill_number, NOW, until))


@asynccontextmanager
async def serve_bank(bank: StandInBank) -> AsyncIterator[StandInBank]:
    """Serve it at `bank.address`."""
    listener = listening("127.0.0.1", 0)
    bank.address = address_of(listener)
    server = PromptServer(create_app(bank), stop_within_seconds=1)
    serving = asyncio.create_task(server.serve([listener]))
    try:
        async with asyncio.timeout(STARTED_WITHIN_SECONDS):
            await server.is_listening.wait()
        yield bank
    finally:
        server.stop()
        await serving


def settings_for(bank: StandInBank, **changes: object) -> Settings:
    """A service that sells through this bank."""
    values: dict[str, object] = {
        "bakong_account": "river_post@standin",
        "bakong_merchant_name": "The River Post",
        "bakong_token": bank.issue_token(),
        "bakong_api_base": bank.address,
    }
    return Settings(**(values | changes))  # type: ignore[arg-type]  # as a file has them
