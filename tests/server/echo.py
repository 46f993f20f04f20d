"""A connection of the service with an application behind it that says what it was asked."""

import asyncio
from collections.abc import Sequence
from typing import Any, Self

import uvicorn
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send
from uvicorn.server import ServerState

from paywall.server.connection import CHECK_LINE, Connection
from paywall.server.connection_limits import ConnectionLimits
from paywall.server.messages import Head
from tests.server.framing import Read

# Of the loop, in which something happens if anything is still to happen.
TURNS = 6

BODY_WITHIN_SECONDS = 2.0
CONFIG = uvicorn.Config(lambda *_: None, log_config=None, access_log=False, ws="none")
CONFIG.load()


class Echo:
    """An ASGI application and its fast path: both note each request and answer with its body."""

    def __init__(self, connections_max: int = 1_000) -> None:
        self.requests: list[Read] = []
        self.connections = ConnectionLimits(
            connections_max, body_within_seconds=BODY_WITHIN_SECONDS
        )
        self.reads_bodies = True
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    @property
    def check(self) -> Self:
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == ScopeType.HTTP
        body, more = b"", self.reads_bodies
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            assert message["type"] == "http.request"
            body += message["body"]
            more = message["more_body"]
        await self.may_answer.wait()
        query = scope["query_string"]
        target = scope["raw_path"] + (b"?" + query if query else b"")
        self.requests.append(Read(scope["method"].encode(), target, body))
        length = str(len(body)).encode()
        headers = [(b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    def take(self, _head: Head, body: bytes, reply: Any) -> bool:
        method, target, _ = CHECK_LINE.split(b" ")
        self.requests.append(Read(method, target, body))
        answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        if self.may_answer.is_set():
            asyncio.get_running_loop().call_soon(reply, answer)
        return True


class Recorded(asyncio.Transport):
    """Keeps what is written; reads on only while it is not paused."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self.written = b""
        self.unsent_bytes = 0
        self.is_paused = False
        self.is_aborted = False
        self.has_failed = False
        self._is_closing = False
        self._connection = connection

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self._is_closing
        assert not self.has_failed
        self.written += data

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            asyncio.get_running_loop().call_soon(self._connection.connection_lost, None)

    def write_eof(self) -> None:
        self.has_failed = True

    def abort(self) -> None:
        self.is_aborted = True
        self.close()

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False

    def get_write_buffer_size(self) -> int:
        return self.unsent_bytes


class Conversation:
    """One connection, and what was said on it."""

    def __init__(self, echo: Echo | None = None) -> None:
        self.echo = echo or Echo()
        CONFIG.loaded_app = self.echo
        self.connection = Connection(CONFIG, ServerState(), {}, asyncio.get_running_loop())
        self.transport = Recorded(self.connection)
        self.connection.connection_made(self.transport)

    async def receive(self, *pieces: bytes) -> None:
        """Let these bytes come, each when the one before was dealt with."""
        for piece in pieces:
            if self.transport.is_closing():
                return
            assert not self.transport.is_paused
            if piece:
                self.connection.data_received(piece)
            await self._run_until_idle()

    async def _run_until_idle(self) -> None:
        """Until nothing happens any more."""
        while True:
            before = len(self.transport.written), len(self.echo.requests)
            for _ in range(TURNS):
                await asyncio.sleep(0)
            if before == (len(self.transport.written), len(self.echo.requests)):
                return

    @property
    def is_over(self) -> bool:
        """Whether the client is told that there are no further answers."""
        return self.transport.has_failed or self.transport.is_closing()

    def answers(self) -> Sequence[tuple[int, bytes]]:
        """Status and body of each answer that was written."""
        answers: list[tuple[int, bytes]] = []
        rest = self.transport.written
        while rest:
            head, _, rest = rest.partition(b"\r\n\r\n")
            lines = head.lower().split(b"\r\n")
            (length,) = [
                int(it.split(b":")[1]) for it in lines if it.startswith(b"content-length:")
            ]
            answers.append((int(lines[0].split()[1]), rest[:length]))
            rest = rest[length:]
        return answers

    async def close(self) -> None:
        self.transport.close()
        await self._run_until_idle()
