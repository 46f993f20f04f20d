"""Clients that cost a service more than they pay: each flood opens connections and sends."""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import NamedTuple

CONNECTIONS_MAX = 5_000
SLOW_CLIENTS, FAST_CLIENTS = 500, 20
BYTE_EVERY_SECONDS = 1.0
BOMB_BYTES = 100 * 2**20
TOKEN_CHARACTERS = 9_000
# Between two requests of one client, so that the machine is not busy with the flood alone.
PAUSE_SECONDS = 0.02
PIPELINED = 200

Client = Callable[[asyncio.StreamReader, asyncio.StreamWriter, Random], Awaitable[None]]


class Flood(NamedTuple):
    """So many clients at once; one that is cut off connects again."""

    name: str
    clients: int
    client: Client


async def _hold(_: asyncio.StreamReader, _writer: asyncio.StreamWriter, _chance: Random) -> None:
    await asyncio.Event().wait()


async def _send_slowly(
    _: asyncio.StreamReader, writer: asyncio.StreamWriter, _chance: Random
) -> None:
    for byte in b"POST /v1/access/check HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 600:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(BYTE_EVERY_SECONDS)


async def _send_endless_head(
    _: asyncio.StreamReader, writer: asyncio.StreamWriter, _chance: Random
) -> None:
    writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n")
    while True:
        writer.write(b"A: " + b"x" * 8_000 + b"\r\n")
        await writer.drain()
        await asyncio.sleep(PAUSE_SECONDS)


async def _send_endless_body(
    _: asyncio.StreamReader, writer: asyncio.StreamWriter, _chance: Random
) -> None:
    writer.write(
        b"POST /v1/webhooks/stripe HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n"
    )
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()
        await asyncio.sleep(PAUSE_SECONDS)


async def _read_nothing(
    _: asyncio.StreamReader, writer: asyncio.StreamWriter, _chance: Random
) -> None:
    """Requests of which no answer is read."""
    while True:
        writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * PIPELINED)
        await writer.drain()
        await asyncio.sleep(PAUSE_SECONDS)


async def _send_bombs(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _chance: Random
) -> None:
    head = (
        f"Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: {len(BOMB)}"
    )
    request = f"POST /v1/access/check HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode() + BOMB
    await _repeat(reader, writer, lambda: request)


async def _send_tokens(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chance: Random
) -> None:
    """Tokens that are too long, malformed, or signed with a key that nobody knows."""

    def request() -> bytes:
        token = chance.choice(
            (
                "a" * TOKEN_CHARACTERS,
                f"{chance.getrandbits(400):x}",
                # {"alg":"EdDSA","kid":"…"} and claims that nobody has signed.
                f"eyJhbGciOiJFZERTQSIsImtpZCI6In{chance.getrandbits(60):x}In0.e30.{'A' * 86}",
            )
        )
        return (
            "POST /v1/access/check HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {token}\r\nContent-Length: 2\r\n\r\n{{}}"
        ).encode()

    await _repeat(reader, writer, request)


async def _sign_in(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chance: Random
) -> None:
    """Entries to the plain pages with tokens that are none."""

    def request() -> bytes:
        body = f"token={chance.getrandbits(200):x}"
        return (
            "POST /account/enter HTTP/1.1\r\nHost: x\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    await _repeat(reader, writer, request)


async def _repeat(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Callable[[], bytes]
) -> None:
    """One request after the other, until the connection is closed."""
    while not reader.at_eof():
        writer.write(request())
        await writer.drain()
        await reader.read(65_536)
        await asyncio.sleep(PAUSE_SECONDS)


BOMB = gzip.compress(bytes(BOMB_BYTES), compresslevel=9)
FLOODS = (
    Flood("5,000 connections without a request", CONNECTIONS_MAX, _hold),
    Flood("heads that come byte by byte", SLOW_CLIENTS, _send_slowly),
    Flood("heads without an end", FAST_CLIENTS, _send_endless_head),
    Flood("bodies without an end", FAST_CLIENTS, _send_endless_body),
    Flood("answers that nobody reads", FAST_CLIENTS, _read_nothing),
    Flood("compressed bombs", FAST_CLIENTS, _send_bombs),
    Flood("tokens", FAST_CLIENTS, _send_tokens),
    Flood("sign-ins", FAST_CLIENTS, _sign_in),
)


@asynccontextmanager
async def flooding(one: Flood, port: int, chance: Random) -> AsyncIterator[list[int]]:
    """Flood the service; the list has one element, the number of connections opened so far."""
    opened = [0]

    async def client() -> None:
        while True:
            with suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                opened[0] += 1
                try:
                    await one.client(reader, writer, chance)
                finally:
                    _cut(writer)
            await asyncio.sleep(PAUSE_SECONDS)

    clients = [asyncio.create_task(client()) for _ in range(one.clients)]
    try:
        yield opened
    finally:
        for task in clients:
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)


def _cut(writer: asyncio.StreamWriter) -> None:
    """Without waiting for what was not sent yet."""
    peer = writer.get_extra_info("socket")
    if peer is not None and peer.fileno() >= 0:
        # Closed by a reset, so that 5,000 connections do not linger on this machine.
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    writer.transport.abort()
