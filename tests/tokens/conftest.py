"""Tokens of the running service, and a little server of keys."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from litestar import Litestar

from paywall.http.edge import Edge
from paywall.tokens.keys import SigningKey
from paywall.tokens.mint import Minted, mint_reader, mint_site
from paywall.tokens.verify import Verifier
from tests.conftest import SetClock


class Mint:
    """Mints with the running service's own key."""

    def __init__(self, verifier: Verifier, clock: SetClock) -> None:
        self.verifier = verifier
        self._clock = clock

    @property
    def key(self) -> SigningKey:
        return self.verifier.keyring.newest(self._clock.now())

    def site(self, *scopes: str, subject: str = "site", lifetime_seconds: int = 3600) -> Minted:
        return mint_site(
            self.key,
            subject=subject,
            scopes=frozenset(scopes),
            lifetime_seconds=lifetime_seconds,
            now=self._clock.now(),
        )

    def reader(self, reader_id: str = "reader-1") -> Minted:
        return mint_reader(
            self.key, reader_id=reader_id, lifetime_seconds=900, now=self._clock.now()
        )


@pytest.fixture
def mint(edge: Edge, clock: SetClock) -> Mint:
    app = edge.app
    assert isinstance(app, Litestar)
    return Mint(app.state.verifier, clock)


def with_token(token: Minted | str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token if isinstance(token, str) else token.token}"}


class JwksServer:
    """Serves what the test puts in `body`, and counts how often it was asked."""

    def __init__(self) -> None:
        self.body = b""
        self.status = "200 OK"
        self.headers = ""
        self.asked = 0
        self.answering = asyncio.Event()
        self.answering.set()
        self.asked_once_more = asyncio.Event()
        self.url = ""

    def serve(self, *keys: object) -> None:
        self.body = json.dumps({"keys": keys}).encode()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        self.asked_once_more.set()
        await self.answering.wait()
        head = f"HTTP/1.1 {self.status}\r\nContent-Length: {len(self.body)}\r\n{self.headers}\r\n"
        writer.write(head.encode() + self.body)
        writer.close()


@pytest.fixture
async def jwks() -> AsyncIterator[JwksServer]:
    server = JwksServer()
    listening = await asyncio.start_server(server.answer, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/jwks.json"
    yield server
    server.answering.set()
    listening.close()
