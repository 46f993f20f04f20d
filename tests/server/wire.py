"""The running application behind real connections, within the test's own loop."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, NamedTuple, Self

import uvicorn
from uvicorn.server import ServerState

from paywall.http.edge import Edge
from paywall.server.connection import Connection
from paywall.server.graceful_server import BACKLOG
from tests.conftest import PATIENT_SECONDS, Bearer

CHECK_LINE = "POST /v1/access/check HTTP/1.1"


class Wire:
    """A port that connects to an application, and the connections that were made so far."""

    def __init__(self, edge: Edge) -> None:
        self.connections: list[Connection] = []
        self.config = uvicorn.Config(
            edge, log_config=None, access_log=False, date_header=False, server_header=False,
            proxy_headers=False, timeout_keep_alive=PATIENT_SECONDS,
        )  # fmt: skip
        self.config.load()
        self.state = ServerState()

    def connect(self) -> Connection:
        made = Connection(self.config, self.state, {}, asyncio.get_running_loop())
        self.connections.append(made)
        return made


@asynccontextmanager
async def wired(edge: Edge) -> AsyncIterator[tuple[Wire, int]]:
    """An application on a free port."""
    wire = Wire(edge)
    server = await asyncio.get_running_loop().create_server(
        wire.connect, "127.0.0.1", 0, backlog=BACKLOG
    )
    try:
        yield wire, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


def question(bearer: Bearer, body: bytes, *headers: str, line: str = CHECK_LINE) -> bytes:
    """A check in one piece."""
    token = bearer.site()["Authorization"]
    lines = [
        line,
        "Host: paywall.test",
        f"Authorization: {token}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Answer(NamedTuple):
    """A whole answer, its body decoded."""

    status: int
    headers: dict[str, str]
    body: Any


class Client:
    """Sends bytes as they are, and reads whole answers."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._writer.close()

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def is_sent(self) -> None:
        """Until the service has what was sent: its side of the loop has had its turns."""
        await self._writer.drain()
        for _ in range(5):
            await asyncio.sleep(0)

    async def is_connected(self, wire: Wire) -> None:
        """Until the last connection of `wire` is this one."""
        here = self._writer.get_extra_info("sockname")
        while not wire.connections or wire.connections[-1].client != here:  # noqa: ASYNC110 (no event)
            await asyncio.sleep(0)

    async def answer(self) -> Answer:
        """The next answer."""
        async with asyncio.timeout(PATIENT_SECONDS):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode().splitlines()
            named = [line.split(": ", 1) for line in head[1:] if line]
            headers = {name.lower(): value for name, value in named}
            body = await self._reader.readexactly(int(headers["content-length"]))
        return Answer(int(head[0].split()[1]), headers, json.loads(body))

    async def head(self) -> bytes:
        """The next answer, to a HEAD request."""
        async with asyncio.timeout(PATIENT_SECONDS):
            return await self._reader.readuntil(b"\r\n\r\n")

    async def read_to_end(self) -> bytes:
        """What comes until the service closes the connection."""
        async with asyncio.timeout(PATIENT_SECONDS):
            return await self._reader.read()
