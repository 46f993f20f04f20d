"""While PostgreSQL refuses connections every caller gets 503, and afterwards is served."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from paywall.database.engine import Database
from paywall.database.errors import is_unavailable
from paywall.database.migrations import migrate
from paywall.http.edge import Edge
from paywall.settings import Settings
from tests.conftest import PATIENT_SECONDS, Bearer
from tests.database.rows import add, count
from tests.postgres import PostgresServer, postgres_server, psql
from tests.server.wire import wired
from tests.test_story import grant

CLIENTS = 12
ROLE = "site"
PASSWORD = "first"
HBA_LINE = f"host all {ROLE} 127.0.0.1/32 scram-sha-256\n"
# What an operator may do so that no new connection can be opened.
REFUSALS = {
    "connection limit": f"alter role {ROLE} connection limit 0",
    "password": f"alter role {ROLE} password 'second'",
    "no login": f"alter role {ROLE} nologin",
    "no right to connect": "revoke connect on database store from public",
    "closed database": "alter database store allow_connections false",
    "no database": "alter database store rename to elsewhere",
}


class Load:
    """Clients that send requests of every kind and retry what was unavailable."""

    def __init__(self, address: str, bearer: Bearer) -> None:
        self._address = address
        self._headers = bearer.site()
        self.statuses: Counter[int] = Counter()
        self.shown: list[str] = []
        self.is_ending = False
        self._by_client: list[Counter[int]] = [Counter() for _ in range(CLIENTS)]
        self._answered = asyncio.Event()

    async def client(self, number: int) -> None:
        async with httpx.AsyncClient(
            base_url=self._address, headers=self._headers, timeout=PATIENT_SECONDS
        ) as http:
            turn = 0
            while not self.is_ending:
                turn += 1
                reader_id = f"reader{number}-{turn}"
                given = {"amount": 1, "source": "promotion", "reference": reader_id}
                for method, path, body in (
                    ("POST", f"/v1/subscribers/{reader_id}/grants", given),
                    ("POST", "/v1/access/check", {"article_id": "a", "reader_id": reader_id}),
                    ("POST", "/v1/access/check-batch", {"article_ids": ["a"]}),
                    ("POST", f"/v1/readers/{reader_id}/token", {}),
                    ("GET", "/v1/articles", None),
                    ("GET", "/v1/offers", None),
                    ("GET", "/readyz", None),
                    ("HEAD", "/readyz", None),
                ):
                    answer = await http.request(method, path, json=body)
                    self._see(number, f"{method} {path}", answer)

    async def until_each_client_got(self, status: int) -> None:
        for counted in self._by_client:
            counted.clear()
        while not all(counted[status] for counted in self._by_client):
            self._answered.clear()
            await self._answered.wait()

    def _see(self, number: int, asked: str, answer: httpx.Response) -> None:
        self.statuses[answer.status_code] += 1
        self._by_client[number][answer.status_code] += 1
        self._answered.set()
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            assert answer.headers["retry-after"]
        elif not answer.is_success:
            self.shown.append(f"{asked}: {answer.status_code} {answer.text}")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """With a migrated template database, and a role that may use it but does not own it."""
    with postgres_server() as server:
        hba = server.data / "pg_hba.conf"
        hba.write_text(HBA_LINE + hba.read_text())
        psql(f"{server.address}/postgres", "select pg_reload_conf()")
        psql(f"{server.address}/postgres", "create database template_store")
        psql(f"{server.address}/postgres", f"create role {ROLE}")
        template = f"{server.address}/template_store"
        asyncio.run(_migrate(template))
        psql(template, f"grant all on all tables in schema public to {ROLE}")
        psql(template, f"grant all on all sequences in schema public to {ROLE}")
        yield server


@pytest.fixture
def store(server: PostgresServer) -> Iterator[str]:
    """The address of a migrated database, as the role."""
    operator = f"{server.address}/postgres"
    psql(operator, "create database store template template_store")
    psql(operator, f"alter role {ROLE} login connection limit -1 password '{PASSWORD}'")
    yield server.address.replace("paywall@", f"{ROLE}:{PASSWORD}@") + "/store"
    for name in ("store", "elsewhere"):
        psql(operator, f"drop database if exists {name} with (force)")


async def _migrate(address: str) -> None:
    database = Database(Settings(database_url=address))
    await migrate(database)
    await database.close()


@pytest.fixture
def settings(store: str, tmp_path: Path) -> Settings:
    return Settings(
        database_url=store, data_dir=str(tmp_path), request_timeout_seconds=PATIENT_SECONDS
    )


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_refused_connection_is_unavailable_whatever_the_reason(
    server: PostgresServer, store: str, refusal: str
) -> None:
    psql(f"{server.address}/postgres", REFUSALS[refusal])
    database = Database(Settings(database_url=store))
    with pytest.raises(Exception, match=r".*") as reading:
        async with database.reading() as session:
            await count(session)
    with pytest.raises(Exception, match=r".*") as writing:
        await add(database, "ann")
    with pytest.raises(Exception, match=r".*") as glancing:
        await database.fetch_once(sa.select(1), {})
    await database.close()
    for refused in (reading, writing, glancing):
        assert is_unavailable(refused.value)


async def test_a_restart_under_load_gives_503_and_then_recovers(
    server: PostgresServer, edge: Edge, bearer: Bearer
) -> None:
    async with wired(edge) as (_, port):
        load = Load(f"http://127.0.0.1:{port}", bearer)
        clients = [asyncio.create_task(load.client(number)) for number in range(CLIENTS)]
        await load.until_each_client_got(httpx.codes.CREATED)
        await asyncio.to_thread(server.stop)
        await load.until_each_client_got(httpx.codes.SERVICE_UNAVAILABLE)
        await asyncio.to_thread(server.start)
        await load.until_each_client_got(httpx.codes.CREATED)
        load.is_ending = True
        await asyncio.gather(*clients)
    assert set(load.statuses) <= {200, 201, 503}, load.shown


async def test_twelve_requests_on_two_connections_succeed_or_get_503(
    server: PostgresServer, service: httpx.AsyncClient, bearer: Bearer
) -> None:
    psql(f"{server.address}/postgres", f"alter role {ROLE} connection limit 2")
    granted = [grant(service, bearer, f"reader{n}", 1) for n in range(CLIENTS)]
    statuses = Counter([answer.status_code for answer in await asyncio.gather(*granted)])
    assert set(statuses) <= {201, 503}
    assert statuses[503] > 0
    psql(f"{server.address}/postgres", f"alter role {ROLE} connection limit -1")
    again = [grant(service, bearer, f"reader{n}", 1) for n in range(CLIENTS)]
    statuses_again = Counter(answer.status_code for answer in await asyncio.gather(*again))
    assert statuses_again == Counter({200: statuses[201], 201: statuses[503]})
