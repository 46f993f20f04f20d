"""A server for tests that stops at once, in this loop or in a thread of its own."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

import uvicorn
from litestar.types import ASGIApp

from paywall.server.connection_limits import IDLE_SECONDS

STOP_WITHIN_SECONDS = 5
# After them an idle connection that was closed is gone.
LOOP_TURNS = 5


class PromptServer(uvicorn.Server):
    """uvicorn checks ten times a second whether to stop, and then waits for another tenth."""

    def __init__(self, app: ASGIApp, stop_within_seconds: int = STOP_WITHIN_SECONDS) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                ws="none",
                access_log=False,
                log_config=None,
                timeout_keep_alive=IDLE_SECONDS,
                timeout_graceful_shutdown=stop_within_seconds,
            )
        )
        self.is_listening = asyncio.Event()
        self._stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def stop(self) -> None:
        """From any thread, even before it has started."""
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.is_listening.set()
        if not await self.on_tick(0):
            await self._stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        for _ in range(LOOP_TURNS):
            await asyncio.sleep(0)
        with suppress(TimeoutError):
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                await self._wait_tasks_to_complete()
        for task in self.server_state.tasks:
            task.cancel()
        await self.lifespan.shutdown()


@contextmanager
def served_in_a_thread(app: ASGIApp, listener: socket.socket) -> Iterator[None]:
    """Serve on this socket inside the context."""
    server = PromptServer(app)
    thread = Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield
    finally:
        server.stop()
        thread.join()
