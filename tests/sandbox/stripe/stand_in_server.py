"""Serves a stand-in on a socket in this process, so that a test can change it as well."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from paywall.sandbox.site.server import address_of, listening
from paywall.sandbox.stripe.runner import StandInRunner
from paywall.sandbox.stripe.server import create_app
from paywall.sandbox.stripe.stand_in import StandIn
from tests.prompt_server import PromptServer

SECRET = "whsec_test"
STARTED_WITHIN_SECONDS = 20


class HeldResponse:
    """Delays one response under a path until `release` is set, so that it is out of date."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.is_armed = False
        self.is_held, self.release = asyncio.Event(), asyncio.Event()

    def hold_next(self) -> None:
        self.is_armed = True

    def wrap(self, app: ASGIApp) -> ASGIApp:
        async def respond(scope: Scope, receive: Receive, send: Send) -> None:
            async def send_late(message: Message) -> None:
                if self.is_armed and scope["path"].startswith(self.path):
                    self.is_armed = False
                    self.is_held.set()
                    await self.release.wait()
                await send(message)

            await app(scope, receive, send_late)

        return respond


@asynccontextmanager
async def serve_stand_in(
    stand_in: StandIn, webhook_url: str | None = None, hold: HeldResponse | None = None
) -> AsyncIterator[StandInRunner]:
    """Serve it at `stand_in.account.address`, and send its events to the webhook URL."""
    listener = listening("127.0.0.1", 0)
    stand_in.account.address = address_of(listener)
    running = StandInRunner(stand_in, webhook_url, SECRET)
    app: ASGIApp = create_app(running)
    server = PromptServer(hold.wrap(app) if hold else app, stop_within_seconds=1)
    serving = asyncio.create_task(server.serve([listener]))
    try:
        async with asyncio.timeout(STARTED_WITHIN_SECONDS):
            await server.is_listening.wait()
        yield running
    finally:
        server.stop()
        await serving
