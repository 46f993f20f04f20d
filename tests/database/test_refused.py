"""While PostgreSQL is away or refuses, every caller gets 503, and afterwards is served."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
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
from tests.disk import small_disk
from tests.postgres import PostgresServer, postgres_server, psql
from tests.server.wire import wired
from tests.test_story import grant

CLIENTS = 12
LOADING = 4
# It would be back before each client noticed.
DOWN_AFTER_CRASH = "restart_after_crash=off"
MIB = 2**20
# A server and its databases have room in it, and a file of this size where no disk can be mounted.
DISK_BYTES = 256 * MIB
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


@contextmanager
def stopped(server: PostgresServer) -> Iterator[None]:
    server.stop()
    yield
    server.start()


@contextmanager
def crashed(server: PostgresServer) -> Iterator[None]:
    server.crash()
    yield
    server.start()


@contextmanager
def demoted(server: PostgresServer) -> Iterator[None]:
    """A standby under the same address, until it is promoted."""
    server.stop()
    (server.data / "standby.signal").touch()
    server.start()
    yield
    server.promote()


@contextmanager
def read_only(server: PostgresServer) -> Iterator[None]:
    """A server that calls itself the primary and takes no write."""
    _set_for_role(server, "set default_transaction_read_only = on")
    yield
    _set_for_role(server, "reset default_transaction_read_only")


def _set_for_role(server: PostgresServer, setting: str) -> None:
    psql(f"{server.address}/postgres", f"alter role {ROLE} {setting}")
    psql(
        f"{server.address}/postgres",
        f"select pg_terminate_backend(pid) from pg_stat_activity where usename = '{ROLE}'",
    )


@contextmanager
def full_disk(server: PostgresServer) -> Iterator[None]:
    filler = server.data.parent / "filler"
    with filler.open("wb") as file, suppress(OSError):
        while True:
            file.write(bytes(MIB))
    yield
    filler.unlink()
    # If nothing could be written to its log either, the server has ended itself.
    server.stop()
    server.start()


Fault = Callable[[PostgresServer], AbstractContextManager[None]]
FAULTS: list[Fault] = [
    crashed,
    PostgresServer.frozen,
    stopped,
    demoted,
    read_only,
    # Only root may have a disk small enough to be filled.
    *([full_disk] if os.geteuid() == 0 else []),
]


class Load:
    """Clients that send requests of every kind and retry what was unavailable."""

    def __init__(self, address: str, bearer: Bearer) -> None:
        self._address = address
        self._headers = bearer.site()
        self.statuses: Counter[int] = Counter()
        self.shown: list[str] = []
        self.is_ending = False
        self._by_client: list[Counter[int]] = [Counter() for _ in range(LOADING)]
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
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """With a migrated template database, and a role that may use it but does not own it."""
    disk = tmp_path_factory.mktemp("small") / "disk"
    with small_disk(disk, DISK_BYTES), postgres_server(DOWN_AFTER_CRASH, within=disk) as server:
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
    # With TLS preferred, the driver leaves an error behind when connecting is cancelled.
    login = f"{ROLE}:{PASSWORD}@"
    yield server.address.replace("paywall@", login) + "/store?sslmode=disable"
    for name in ("store", "elsewhere"):
        psql(operator, f"drop database if exists {name} with (force)")


async def _migrate(address: str) -> None:
    database = Database(Settings(database_url=address))
    await migrate(database)
    await database.close()


@pytest.fixture
def timeout_seconds() -> float:
    return PATIENT_SECONDS


@pytest.fixture
def settings(store: str, tmp_path: Path, timeout_seconds: float) -> Settings:
    return Settings(
        database_url=store, data_dir=str(tmp_path), request_timeout_seconds=timeout_seconds
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


# A wait for a frozen server has to end soon; no client minds an early 503 under load.
@pytest.mark.parametrize("timeout_seconds", [1])
async def test_faults_under_load_give_503_and_never_500(
    server: PostgresServer, edge: Edge, bearer: Bearer
) -> None:
    async with wired(edge) as (_, port), asyncio.TaskGroup() as clients:
        load = Load(f"http://127.0.0.1:{port}", bearer)
        for number in range(LOADING):
            clients.create_task(load.client(number))
        await load.until_each_client_got(httpx.codes.CREATED)
        for fault in FAULTS:
            with ExitStack() as stack:
                await asyncio.to_thread(stack.enter_context, fault(server))
                await load.until_each_client_got(httpx.codes.SERVICE_UNAVAILABLE)
                await asyncio.to_thread(stack.close)
            await load.until_each_client_got(httpx.codes.CREATED)
        load.is_ending = True
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
