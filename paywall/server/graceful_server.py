"""uvicorn's server, extended so that stopping it loses no connection."""

import asyncio
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import uvicorn
from uvicorn.protocols.http.flow_control import CLOSE_HEADER

from paywall.telemetry import logger

BACKLOG = 2048


class GracefulServer(uvicorn.Server):
    """On shutdown it stops listening, and serves the connections that were accepted or queued.

    Requests that have begun or arrive soon after are answered with `Connection: close`.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.server_state.default_headers.append(CLOSE_HEADER)
        await self._serve_backlog(sockets or [])
        await super().shutdown(sockets)

    async def _serve_backlog(self, listeners: Sequence[socket.socket]) -> None:
        """Accept queued connections, which the kernel would reset when the socket closes."""
        loop = asyncio.get_running_loop()
        ours = [listener.dup() for listener in listeners]
        for server in self.servers:
            server.close()
        for listener in ours:
            with listener:
                waiting = list(_accepted(listener))
            for client in waiting:
                # The client may be gone already.
                with suppress(OSError):
                    await loop.connect_accepted_socket(self._connection, client)

    def _connection(self) -> asyncio.Protocol:
        """Create a connection's protocol, as uvicorn's `startup` does."""
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
