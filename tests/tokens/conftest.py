"""Tokens of the running service, and a little server of keys."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from litestar import Litestar

from paywall import problems
from paywall.http.edge import Edge
from paywall.problems import Problem
from paywall.tokens.caller import TokenKind
from paywall.tokens.keys import SigningKey
from paywall.tokens.mint import Minted, mint_reader, mint_site
from paywall.tokens.verify import Verifier
from tests.conftest import SetClock
from tests.router import router_of
from tests.tokens.forging import issuer, keys, trusting


@pytest.fixture
def verifier(tmp_path: Path, clock: SetClock) -> Verifier:
    others = issuer(
        name="https://other.example",
        keys=[key for key in keys() if key.algorithm == "EdDSA"],
        kinds=["reader"],
    )
    return Verifier(trusting(tmp_path, issuer(), others), clock)


async def refused(verifier: Verifier, token: str, kind: TokenKind = TokenKind.SITE) -> str:
    with pytest.raises(Problem) as caught:
        await verifier.verify(token, kind)
    problem = caught.value
    assert problem.kind is problems.INVALID_TOKEN
    assert problem.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    parts = [part for part in token.split(".") if len(part) > 12]
    assert not any(part in problem.detail for part in parts)
    return problem.detail


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
    app = router_of(edge)
    assert isinstance(app, Litestar)
    return Mint(app.state.verifier, clock)


def with_token(token: Minted | str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token if isinstance(token, str) else token.token}"}


class JwksServer:
    """Serves what the test puts in `body`, and counts how often it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.body = b""
        self.status = "200 OK"
        self.headers = ""
        self.seconds_between_bytes = 0.0
        self.asked = 0
        self.asked_once_more = asyncio.Event()
        self.answering = asyncio.Event()
        self.answering.set()
        self._closing = False
        self._answers: set[asyncio.Task[None]] = set()

    def serve(self, *keys: object) -> None:
        self.body = json.dumps({"keys": keys}).encode()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._answer(reader, writer))
        self._answers.add(task)
        await task

    async def close(self) -> None:
        self._closing = True
        self.answering.set()
        await asyncio.gather(*self._answers)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            self.asked += 1
            self.asked_once_more.set()
            await self.answering.wait()
            length = len(self.body)
            head = f"HTTP/1.1 {self.status}\r\nContent-Length: {length}\r\n{self.headers}\r\n"
            writer.write(head.encode())
            await self._write(writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _write(self, writer: asyncio.StreamWriter) -> None:
        if not self.seconds_between_bytes:
            writer.write(self.body)
            return
        # One byte now and then, so that no single wait is long.
        while not self._closing and not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(self.seconds_between_bytes)


@pytest.fixture
async def jwks() -> AsyncIterator[JwksServer]:
    server = JwksServer()
    listening = await asyncio.start_server(server.accept, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/jwks.json"
    yield server
    listening.close()
    await server.close()
