"""When the database goes away a check says so at once, and answers again soon after its return."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import pytest
from sqlalchemy.engine import make_url

from paywall.settings import Settings
from tests.conftest import PATIENT_SECONDS, Bearer
from tests.test_story import check, put_article
from tests.web.plain import COOKIE

pytestmark = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
# A fiftieth of a second apart. A busy machine needs more seconds for them, and no more tries.
BACK_WITHIN_TRIES = 50


class Cable:
    """Between the service and its PostgreSQL; it can be pulled, and plugged in again."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def plug_in(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def pull(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._to)
        self._writers |= {writer, back}
        with suppress(OSError):
            await asyncio.gather(self._copy(reader, back), self._copy(there, writer))
        self._writers -= {writer, back}

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while some := await reader.read(65_536):
                writer.write(some)
                await writer.drain()
        writer.close()


@pytest.fixture
async def cable(database_url: str) -> AsyncIterator[Cable]:
    url = make_url(database_url)
    assert url.host is not None
    assert url.port is not None
    cable = Cable(url.host, url.port)
    await cable.plug_in()
    yield cable
    await cable.pull()


@pytest.fixture
def settings(database_url: str, cable: Cable, tmp_path: object) -> Settings:
    through = make_url(database_url).set(port=cable.port).render_as_string(hide_password=False)
    return Settings(
        database_url=through, data_dir=str(tmp_path), request_timeout_seconds=PATIENT_SECONDS
    )


async def status(service: httpx.AsyncClient, bearer: Bearer) -> int:
    answer = await service.post(
        "/v1/access/check", json={"article_id": "a1"}, headers=bearer.site()
    )
    if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        assert answer.headers["retry-after"] == "1"
    return answer.status_code


async def test_a_check_is_refused_at_once_and_answered_again_within_a_second(
    service: httpx.AsyncClient, bearer: Bearer, cable: Cable
) -> None:
    await put_article(service, bearer, "a1", policy="free")
    await check(service, bearer, "a1")
    for _ in range(2):
        await cable.pull()
        began = time.monotonic()
        for _ in range(20):
            assert await status(service, bearer) == 503
        assert time.monotonic() - began < PATIENT_SECONDS / 10
        await cable.plug_in()
        for _ in range(BACK_WITHIN_TRIES):
            if await status(service, bearer) == 200:
                break
            await asyncio.sleep(0.02)
        else:
            raise AssertionError("A check was not answered again.")


async def test_leaving_the_plain_pages_drops_the_cookie_without_a_database(
    service: httpx.AsyncClient, bearer: Bearer, cable: Cable
) -> None:
    token = bearer.reader("ann")["Authorization"].removeprefix("Bearer ")
    entered = await service.post("/account/enter", data={"token": token})
    await cable.pull()
    cookie = {"Cookie": f"{COOKIE}={entered.cookies[COOKIE]}"}
    gone = await service.get("/account/leave", headers=cookie)
    assert gone.status_code == 503
    assert "Max-Age=0" in gone.headers["set-cookie"]
    await cable.plug_in()
