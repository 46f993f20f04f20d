"""The stand-in behind a real socket, in this process, so that a test can drive it as well."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from paywall.sandbox.stripe.running import Running
from paywall.sandbox.stripe.server import create_app
from paywall.sandbox.stripe.standin import StandIn
from tests.postgres import free_port

SECRET = "whsec_test"
STARTED_WITHIN_SECONDS = 20


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()


@asynccontextmanager
async def served(stand_in: StandIn, webhook_url: str | None = None) -> AsyncIterator[Running]:
    """Serve it at `stand_in.account.address`, with its events going to the webhook URL."""
    port = free_port()
    stand_in.account.address = f"http://127.0.0.1:{port}"
    running = Running(stand_in, webhook_url, SECRET)
    config = uvicorn.Config(
        create_app(running), host="127.0.0.1", port=port,
        log_config=None, access_log=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = _Server(config)
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(STARTED_WITHIN_SECONDS):
        await server.listens.wait()
    try:
        yield running
    finally:
        server.should_exit = True
        await serving
