"""uvicorn's server, which loses no connection when it stops."""

import asyncio
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import uvicorn
from uvicorn.protocols.http.flow_control import CLOSE_HEADER

from paywall.telemetry import logger

BACKLOG = 2048


class Server(uvicorn.Server):
    """Stops listening, serves what was connected by then, and ends.

    What has begun and what comes soon after is answered with `Connection: close`.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.server_state.default_headers.append(CLOSE_HEADER)
        await self._serve_backlog(sockets or [])
        await super().shutdown(sockets)

    async def _serve_backlog(self, listeners: Sequence[socket.socket]) -> None:
        """Accept what waits: the kernel resets it when nobody listens any more."""
        loop = asyncio.get_running_loop()
        ours = [listener.dup() for listener in listeners]
        for server in self.servers:
            server.close()
        for listener in ours:
            with listener:
                waiting = list(_accepted(listener))
            for client in waiting:
                # It may be gone already.
                with suppress(OSError):
                    await loop.connect_accepted_socket(self._connection, client)

    def _connection(self) -> asyncio.Protocol:
        """A connection, as `startup` makes them."""
        made: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        state = self.server_state
        return made(config=self.config, server_state=state, app_state=self.lifespan.state)


def _accepted(listener: socket.socket) -> Iterator[socket.socket]:
    listener.setblocking(False)
    for _ in range(BACKLOG):
        try:
            client, _ = listener.accept()
        except BlockingIOError:
            return
        except OSError as error:
            logger.warning("a connection could not be accepted", exc_info=error)
            return
        yield client
