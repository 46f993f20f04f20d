"""Through PgBouncer the service works as on PostgreSQL itself, and leaves a server that moved.

In transaction mode from version 1.21, which has prepared statements in it; before, in session mode.
"""

import asyncio
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from paywall.database.engine import Database
from paywall.database.migrations import migrate
from paywall.settings import Settings
from paywall.subscribers.audit import audit
from tests.conftest import PATIENT_SECONDS, Bearer
from tests.postgres import BIN, PostgresServer, free_port, postgres_server, unprivileged
from tests.sites.packages import program
from tests.test_story import check, grant, put_article, unlock

# The first version with prepared statements in transaction mode.
WITH_PREPARED_STATEMENTS = (1, 21)
CLICKS = 10
TRIES_MAX = 100


class PgBouncer:
    """One PgBouncer in front of a server, which can be changed."""

    def __init__(self, folder: Path, server: PostgresServer) -> None:
        found = program("pgbouncer")
        assert found is not None
        shown = subprocess.run([found, "--version"], check=True, capture_output=True, text=True)
        version = re.search(r"PgBouncer (\d+)\.(\d+)", shown.stdout)
        assert version is not None
        has_prepared_statements = tuple(map(int, version.groups())) >= WITH_PREPARED_STATEMENTS
        self.mode = "transaction" if has_prepared_statements else "session"
        self.port = free_port()
        self._config = folder / "pgbouncer.ini"
        self._lead_to(server)
        self._log = (folder / "pgbouncer.log").open("w")
        command = unprivileged(found, self._config)
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log)
        ready = [str(BIN / "pg_isready"), "-h", "127.0.0.1", "-p", str(self.port), "-q"]
        for _ in range(600):
            if subprocess.run(ready, check=False).returncode == 0:
                return
            time.sleep(0.05)
        raise RuntimeError("PgBouncer did not start")

    def move_to(self, server: PostgresServer) -> None:
        """Change the server behind open connections, as after a failover."""
        self._lead_to(server)
        self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()

    def _lead_to(self, server: PostgresServer) -> None:
        # In transaction mode fewer than the service's connections, so that they have to share.
        size = 3 if self.mode == "transaction" else 30
        prepared = "max_prepared_statements = 200" if self.mode == "transaction" else ""
        self._config.write_text(
            f"""
[databases]
* = host=127.0.0.1 port={server.port} user=paywall
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = any
pool_mode = {self.mode}
default_pool_size = {size}
{prepared}
"""
        )


@pytest.fixture(params=["postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


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
def pgbouncer(primary: PostgresServer, tmp_path: Path) -> Iterator[PgBouncer]:
    pgbouncer = PgBouncer(tmp_path, primary)
    yield pgbouncer
    pgbouncer.stop()


@pytest.fixture
def settings(pgbouncer: PgBouncer, tmp_path: Path) -> Settings:
    return Settings(
        database_url=f"postgresql://paywall@127.0.0.1:{pgbouncer.port}/postgres",
        database_pooler=True,
        data_dir=str(tmp_path),
        request_timeout_seconds=PATIENT_SECONDS,
    )


async def test_the_main_job_and_a_move_of_the_server_behind_the_pooler(
    service: httpx.AsyncClient,
    bearer: Bearer,
    database: Database,
    pgbouncer: PgBouncer,
    primary: PostgresServer,
    standby: PostgresServer,
) -> None:
    await put_article(service, bearer, "a1")
    assert (await grant(service, bearer, "ann", 3)).status_code == 201
    for article in ("a1", "a2", "a3"):
        await put_article(service, bearer, article)
        clicks = [unlock(service, bearer, "ann", article) for _ in range(CLICKS)]
        statuses = sorted(it.status_code for it in await asyncio.gather(*clicks))
        assert statuses == [200] * (CLICKS - 1) + [201]
    checks = [check(service, bearer, "a1", reader_id="ann") for _ in range(CLICKS)]
    assert {it["reason"] for it in await asyncio.gather(*checks)} == {"unlocked"}
    async with database.reading() as session:
        assert await audit(session) == []
    pgbouncer.move_to(standby)
    if pgbouncer.mode == "session":
        # A session stays with its server until one of them ends.
        primary.stop()
    await until(service, bearer, 503)
    standby.promote()
    await until(service, bearer, 200)
    assert (await put_article(service, bearer, "later")).status_code == 201


async def until(service: httpx.AsyncClient, bearer: Bearer, status: int) -> None:
    """Ask until a check is answered with this status; a standby would answer 200."""
    for _ in range(TRIES_MAX):
        question = {"article_id": "a1", "reader_id": "ann"}
        answer = await service.post("/v1/access/check", json=question, headers=bearer.site())
        assert answer.status_code in {200, 503}
        if answer.status_code == status:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"No check was answered with {status}")
