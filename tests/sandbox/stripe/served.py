"""The stand-in behind a real socket, in this process, so that a test can drive it as well."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from paywall.sandbox.site.server import address_of, listening
from paywall.sandbox.stripe.runner import StandInRunner
from paywall.sandbox.stripe.server import create_app
from paywall.sandbox.stripe.stand_in import StandIn

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


class Hold:
    """Holds back one answer to what is asked under a path, until it is old."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.is_meant = False
        self.is_held, self.goes_on = asyncio.Event(), asyncio.Event()

    def next_one(self) -> None:
        self.is_meant = True

    def around(self, app: ASGIApp) -> ASGIApp:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            async def send_late(message: Message) -> None:
                if self.is_meant and scope["path"].startswith(self.path):
                    self.is_meant = False
                    self.is_held.set()
                    await self.goes_on.wait()
                await send(message)

            await app(scope, receive, send_late)

        return answer


@asynccontextmanager
async def served(
    stand_in: StandIn, webhook_url: str | None = None, hold: Hold | None = None
) -> AsyncIterator[StandInRunner]:
    """Serve it at `stand_in.account.address`, with its events going to the webhook URL."""
    listener = listening("127.0.0.1", 0)
    stand_in.account.address = address_of(listener)
    running = StandInRunner(stand_in, webhook_url, SECRET)
    app: ASGIApp = create_app(running)
    config = uvicorn.Config(
        hold.around(app) if hold else app,
        log_config=None, access_log=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = _Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    try:
        async with asyncio.timeout(STARTED_WITHIN_SECONDS):
            await server.listens.wait()
        yield running
    finally:
        server.should_exit = True
        await serving
