"""A server that stops loses no request: neither one that it took in, nor one still on its way."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from paywall.server.connection import Connection
from paywall.server.graceful_server import GracefulServer
from tests.server.echo import Echo
from tests.server.wire import Client

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
CHECK = b"POST /v1/access/check HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
WAITING = 9


class Stopping:
    """A server in this loop, and the port that it listens on."""

    def __init__(self, echo: Echo) -> None:
        self.echo = echo
        config = uvicorn.Config(
            echo, http=Connection, log_config=None, access_log=False, lifespan="off",
            proxy_headers=False, date_header=False, server_header=False,
        )  # fmt: skip
        config.load()
        self.server = GracefulServer(config)
        self.server.lifespan = config.lifespan_class(config)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]

        self._stopping: asyncio.Task[None] | None = None

    def stop(self) -> asyncio.Task[None]:
        if self._stopping is None:
            self._stopping = asyncio.create_task(self.server.shutdown([self.listener]))
        return self._stopping


@asynccontextmanager
async def serving() -> AsyncIterator[Stopping]:
    it = Stopping(Echo())
    await it.server.startup([it.listener])
    try:
        yield it
    finally:
        await it.stop()


async def last_answer(client: Client) -> int:
    """The status of an answer that says it is the last, and is."""
    answer = await client.answer()
    assert answer.headers["connection"] == "close"
    assert await client.read_to_end() == b""
    return answer.status


async def test_connections_that_nobody_took_in_yet_are_served() -> None:
    async with serving() as it:
        waiting = [socket.create_connection(("127.0.0.1", it.port)) for _ in range(WAITING)]
        for number, client in enumerate(waiting):
            client.sendall((GET, CHECK)[number % 2])
        # The loop had no turn since: all are in the backlog.
        await it.stop()
        for client in waiting:
            client.settimeout(10)
            with client, client.makefile("rb") as received:
                answer = received.read().lower()
            assert answer.startswith(b"http/1.1 200 ")
            assert b"\r\nconnection: close\r\n" in answer
    assert len(it.echo.requests) == WAITING


async def test_what_has_begun_and_what_comes_on_kept_connections_is_answered() -> None:
    async with serving() as it, asyncio.timeout(30):
        clients = [Client(it.port) for _ in range(4)]
        for client in clients:
            await client.__aenter__()
            client.send(POST)
            await client.answer()
        working, half, kept, pending_requests = clients
        it.echo.may_answer.clear()
        working.send(POST)
        half.send(POST[:-1])
        await working.is_sent()
        stopping = it.stop()
        await working.is_sent()
        kept.send(POST)
        await kept.is_sent()
        it.echo.may_answer.set()
        pending_requests.send(CHECK)
        half.send(POST[-1:])
        for client in (working, half, kept, pending_requests):
            assert await last_answer(client) == 200
        await stopping
        for client in clients:
            await client.__aexit__(None, None, None)


async def test_a_connection_without_a_request_is_closed_at_the_end() -> None:
    async with serving() as it, Client(it.port) as idle, Client(it.port) as silent:
        idle.send(POST)
        await idle.answer()
        stopping = it.stop()
        assert await idle.read_to_end() == b""
        assert await silent.read_to_end() == b""
        await stopping
