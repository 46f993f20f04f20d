"""Several hosts in `database_url`: the primary is found, whichever of them it is."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy.engine import make_url

from paywall.database.connector import Connector
from paywall.database.engine import Database
from paywall.database.errors import STANDBY, CannotConnect, why_unavailable
from paywall.database.migrations import migrate
from paywall.settings import Settings, SettingsError
from tests.conftest import PATIENT_SECONDS, Bearer
from tests.database.rows import add, count
from tests.database.test_postgresql import driver_of
from tests.postgres import PostgresServer, free_port, postgres_server
from tests.test_story import put_article

TRIES_MAX = 60
WRITERS = 8
HOST = "127.0.0.1"


@pytest.fixture(params=["postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


def settings_for(
    *ports: int, database: str, parameters: str = "", has_pooler: bool = False
) -> Settings:
    hosts = ",".join(f"{HOST}:{port}" for port in ports)
    return Settings(
        database_url=f"postgresql://paywall@{hosts}/{database}{parameters}",
        database_pooler=has_pooler,
        request_timeout_seconds=2,
    )


@pytest.fixture
def frozen() -> Iterator[socket.socket]:
    """It takes connections and never answers, as a frozen server."""
    with socket.create_server((HOST, 0)) as listening:
        listening.setblocking(False)
        yield listening


def port_of(listening: socket.socket) -> int:
    port: int = listening.getsockname()[1]
    return port


async def test_a_host_that_refuses_or_hangs_leaves_time_for_the_next(
    database_url: str, frozen: socket.socket
) -> None:
    """And the host that worked is the first to be tried again."""
    url = make_url(database_url)
    assert url.port is not None
    assert url.database is not None
    settings = settings_for(free_port(), port_of(frozen), url.port, database=url.database)
    database = Database(settings)
    await add(database, "ann")
    async with database.reading() as session:
        assert await count(session) == 1
    assert database.connector is not None
    for_checks = await database.connector.connect({}, command_timeout_seconds=1)
    assert database.connector.is_current(for_checks)
    await for_checks.close()
    await database.close()
    frozen.accept()[0].close()
    with pytest.raises(BlockingIOError):
        frozen.accept()


async def test_what_a_server_answered_is_the_reason_and_each_host_is_named(
    database_url: str, frozen: socket.socket
) -> None:
    url = make_url(database_url)
    assert url.port is not None
    refused = free_port()
    silent = port_of(frozen)
    connector = Connector(settings_for(refused, url.port, silent, database="nowhere"))
    with pytest.raises(CannotConnect, match='database "nowhere" does not exist') as gone:
        await connector.connect({})
    for port in (refused, url.port, silent):
        assert f"{HOST}:{port}: " in str(gone.value)
    assert why_unavailable(gone.value) == (
        "The database does not exist. Create it, or correct database_url."
    )


def test_a_url_that_cannot_be_read_is_refused_with_the_setting() -> None:
    with pytest.raises(SettingsError, match="database_url cannot be read"):
        Connector(Settings(database_url="postgresql://u:p@h:port/d"))


@pytest.fixture
def primary() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        asyncio.run(_migrate(f"{server.address}/postgres"))
        yield server


async def _migrate(address: str) -> None:
    database = Database(Settings(database_url=address))
    await migrate(database)
    await database.close()


@pytest.fixture
def standby(primary: PostgresServer) -> Iterator[PostgresServer]:
    with postgres_server(primary=primary) as server:
        yield server


@pytest.fixture
def settings(primary: PostgresServer, standby: PostgresServer, tmp_path: Path) -> Settings:
    return Settings(
        database_url=(
            f"postgresql://paywall@{HOST}:{standby.port},{HOST}:{primary.port}/postgres"
            "?target_session_attrs=read-write"
        ),
        data_dir=str(tmp_path),
        request_timeout_seconds=2,
    )


async def test_the_primary_is_found_and_found_again_when_it_moves(
    primary: PostgresServer,
    standby: PostgresServer,
    service: httpx.AsyncClient,
    bearer: Bearer,
    database: Database,
) -> None:
    """With the first host a standby, and later the former primary frozen but still connected."""
    await asyncio.gather(*(add(database, f"reader{number}") for number in range(WRITERS)))
    assert await check_status(service, bearer) == 200
    for has_pooler in (False, True):
        only_standby = settings_for(standby.port, database="postgres", has_pooler=has_pooler)
        with pytest.raises(CannotConnect) as refused:
            await Connector(only_standby).connect({})
        assert why_unavailable(refused.value) == STANDBY
    anywhere = Connector(
        settings_for(standby.port, database="postgres", parameters="?target_session_attrs=any")
    )
    await (await anywhere.connect({})).close()
    connector = database.connector
    assert connector is not None
    async with database.writing() as session:
        former = await driver_of(session)
    with primary.frozen():
        await asyncio.to_thread(standby.promote)
        async with asyncio.timeout(PATIENT_SECONDS):
            while connector.is_current(former):  # noqa: ASYNC110 (no event)
                await asyncio.sleep(0.05)
            # Connections of the pool that lead to the frozen server are not waited for.
            await asyncio.gather(*(add(database, f"later{number}") for number in range(WRITERS)))
        answers = [await check_status(service, bearer)]
        while answers[-1] != 200 and len(answers) < TRIES_MAX:
            answers.append(await check_status(service, bearer))
        assert set(answers) <= {200, 503}
        assert answers[-1] == 200
        assert (await put_article(service, bearer, "later")).status_code == 201


async def check_status(service: httpx.AsyncClient, bearer: Bearer) -> int:
    question = {"article_id": "a1", "reader_id": "ann"}
    answer = await service.post("/v1/access/check", json=question, headers=bearer.site())
    return answer.status_code
