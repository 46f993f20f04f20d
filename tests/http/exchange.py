"""Requests as bytes, through a real connection to the whole application, in this process."""

import asyncio
from typing import NamedTuple

import uvicorn
from uvicorn.server import ServerState

from paywall.http.edge import Edge
from paywall.server.connection import Connection
from tests.conftest import PATIENT_SECONDS
from tests.server.echo import Recorded

# What comes at once, as from a socket.
PIECE_BYTES = 64 * 1024
HEAD_END = b"\r\n\r\n"


class Answer(NamedTuple):
    """The first answer on a connection."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class _Transport(Recorded):
    """Says when something was written, or the end."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.changed = asyncio.Event()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        super().write(data)
        self.changed.set()

    def close(self) -> None:
        super().close()
        self.changed.set()

    def resume_reading(self) -> None:
        super().resume_reading()
        self.changed.set()

    async def wait(self) -> None:
        async with asyncio.timeout(PATIENT_SECONDS):
            await self.changed.wait()
        self.changed.clear()

    @property
    def answer(self) -> Answer | None:
        """The answer, once it is whole."""
        head, end, rest = self.written.partition(HEAD_END)
        if not end:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (it.partition(": ") for it in lines)}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return None
        return Answer(int(first.split()[1]), headers, rest[:length])


class Exchange:
    """Asks one application, by a new connection each time."""

    def __init__(self, edge: Edge) -> None:
        self._config = uvicorn.Config(
            edge, log_config=None, access_log=False, date_header=False, server_header=False,
            proxy_headers=False, ws="none",
        )  # fmt: skip
        self._config.load()

    async def ask(self, stream: bytes) -> Answer:
        connection = Connection(self._config, ServerState(), {}, asyncio.get_running_loop())
        transport = _Transport(connection)
        connection.connection_made(transport)
        for start in range(0, len(stream), PIECE_BYTES):
            connection.data_received(stream[start : start + PIECE_BYTES])
            await asyncio.sleep(0)
            while transport.is_paused and transport.answer is None:
                await transport.wait()
            if transport.answer is not None or transport.is_closing():
                break
        while (answer := transport.answer) is None:
            await transport.wait()
        transport.close()
        await asyncio.sleep(0)
        return answer


def request(line: str, *headers: bytes, body: bytes | None = None) -> bytes:
    """A request with a body of a known length, where it has any."""
    length = [] if body is None else [b"Content-Length: %d" % len(body)]
    lines = [f"{line} HTTP/1.1".encode(), b"Host: paywall.test", *headers, *length]
    return b"\r\n".join(lines) + HEAD_END + (body or b"")


def chunked(line: str, *headers: bytes, body: bytes, chunks: int, trailers: bytes = b"") -> bytes:
    """The same with a body in so many chunks of nearly the same length."""
    size = max(1, len(body) // max(1, chunks))
    cuts = [*range(0, size * (chunks - 1), size)][: chunks - 1]
    parts = [body[cut : cut + size] for cut in cuts]
    parts.append(body[len(cuts) * size :])
    sent = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts if part)
    head = request(line, *headers, b"Transfer-Encoding: chunked")
    return head + sent + b"0\r\n" + trailers + b"\r\n"
