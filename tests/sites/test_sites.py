"""One service behind Caddy and nginx, with a site and a hostile reader at once.

`make test-sites` runs it: both proxies share the service, and the upstream connections of each are
shared by its two clients.
"""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.postgres import psql
from tests.processes import Served, command, environment, serving
from tests.sites.proxies import PROXIES, running_proxy
from tests.sites.traffic import (
    ANSWERED_WITHIN_SECONDS,
    HostileReader,
    Site,
    Tally,
    TrafficCounts,
    prepare,
    unlocked_by_the_attacker,
)

SECONDS = float(os.environ.get("SITES_SECONDS", "60"))
# On a slow machine, too; with fewer answers the run would prove little.
CHECKED_MIN_PER_SECOND = {"site": 10, "reader": 3}
UNANSWERED_SHARE_MAX = 0.01
JAVA_BYTES = Path(__file__).with_name("java-h2c.http").read_bytes()


class Sites(NamedTuple):
    """A service and the ports of the proxies in front of it."""

    served: Served
    site_token: str
    # By the proxy's name; the service's own is `straight`.
    ports: dict[str, int]


@pytest.fixture(scope="module")
def sites(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    folder = tmp_path_factory.mktemp("sites")
    psql(f"{postgres}/postgres", "create database sites")
    database_url = f"{postgres}/sites"
    migrated = command("migrate", folder=folder, environment=environment(database_url=database_url))
    assert migrated.returncode == 0, migrated.stderr
    with ExitStack() as stack:
        served = stack.enter_context(serving(folder, workers=2, database_url=database_url))
        straight = httpx.URL(served.address).port
        assert straight is not None
        ports = {
            name: stack.enter_context(running_proxy(name, folder / name, straight))
            for name in PROXIES
        }
        token = served.run("token", "site", "--scope", "admin").strip()
        yield Sites(served, token, {"straight": straight, **ports})


@pytest.fixture(scope="module")
def tallies(sites: Sites) -> dict[str, Tally]:
    """What came back in a minute of traffic, by proxy."""
    return asyncio.run(_traffic(sites))


async def _traffic(sites: Sites) -> dict[str, Tally]:
    tallies = {name: Tally() for name in PROXIES}
    seen = TrafficCounts()
    async with httpx.AsyncClient(
        headers={"Authorization": f"Bearer {sites.site_token}"}, timeout=ANSWERED_WITHIN_SECONDS
    ) as http:
        http.base_url = httpx.URL(sites.served.address)
        token = await prepare(http)
        async with asyncio.TaskGroup() as group:
            for name, tally in tallies.items():
                group.create_task(_behind(name, sites, token, tally, seen))
        bought = await unlocked_by_the_attacker(http)
    for name, tally in tallies.items():
        if bought:
            tally.is_wrong("reader", f"a hidden request was carried out: {bought}")
        print(f"{name}: {dict(tally.checked)} answers checked, {tally.wrong} wrong,"  # noqa: T201 (the figures are what the command is for)
              f" {tally.unanswered} unanswered, {tally.attacks.total()} attacks")  # fmt: skip
    return tallies


async def _behind(name: str, sites: Sites, token: str, tally: Tally, seen: TrafficCounts) -> None:
    async with (
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{sites.ports[name]}",
            headers={"Authorization": f"Bearer {sites.site_token}"},
            timeout=ANSWERED_WITHIN_SECONDS,
        ) as http,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(Site(http, tally, seen, name).run(SECONDS))
        group.create_task(HostileReader(sites.ports[name], token, tally, seen).run(SECONDS))


@pytest.mark.parametrize("proxy", PROXIES)
def test_no_answer_reaches_another_client(tallies: dict[str, Tally], proxy: str) -> None:
    tally = tallies[proxy]
    assert tally.wrong == 0, "\n".join(tally.shown)
    for client, per_second in CHECKED_MIN_PER_SECOND.items():
        assert tally.checked[client] >= per_second * SECONDS


@pytest.mark.parametrize("proxy", PROXIES)
def test_a_site_is_answered_while_a_reader_attacks(tallies: dict[str, Tally], proxy: str) -> None:
    tally = tallies[proxy]
    assert tally.unanswered <= UNANSWERED_SHARE_MAX * tally.checked["site"]


@pytest.mark.parametrize("way", ["straight", *PROXIES])
def test_the_bytes_of_javas_default_client_are_answered(sites: Sites, way: str) -> None:
    with socket.create_connection(("127.0.0.1", sites.ports[way]), timeout=10) as connection:
        connection.sendall(JAVA_BYTES.replace(b"TOKEN", sites.site_token.encode()))
        assert connection.recv(100).startswith(b"HTTP/1.1 200 OK")
