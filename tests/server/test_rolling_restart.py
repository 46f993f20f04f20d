"""SIGHUP replaces the workers one by one: changed settings apply, and every request is answered."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.conftest import PATIENT_SECONDS
from tests.processes import Served, serving

LIMIT = 17
ARTICLE = b'{"title": "Slow", "policy": "free"}'
SLOW_CLIENTS = 8


class Load:
    """Clients on connections of their own, each of which has to get an answer."""

    def __init__(self, served: Served, clients: int = 1) -> None:
        self._served = served
        self._headers = {"Authorization": f"Bearer {served.site_token('access:check')}"}
        self._clients = clients
        self._is_over = threading.Event()
        self.statuses: list[int] = []
        self.errors: list[Exception] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._ask) for _ in range(self._clients)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            for thread in threads:
                thread.join()

    def _ask(self) -> None:
        url = f"{self._served.address}/v1/access/check"
        limits = httpx.Limits(max_keepalive_connections=0)
        with httpx.Client(timeout=PATIENT_SECONDS, limits=limits, headers=self._headers) as http:
            while not self._is_over.is_set():
                try:
                    asked = http.post(url, json={"article_id": "a", "reader_id": "ann"})
                    self.statuses.append(asked.status_code)
                except httpx.TransportError as error:
                    self.errors.append(error)


class Slow:
    """A client in the middle of its request, of which a worker has begun to read the body."""

    def __init__(self, served: Served, token: str) -> None:
        self._socket = socket.create_connection(
            ("127.0.0.1", int(served.address.rpartition(":")[2])), PATIENT_SECONDS
        )
        head = (
            "PUT /v1/articles/slow HTTP/1.1", "Host: x", f"Authorization: Bearer {token}",
            "Content-Type: application/json", f"Content-Length: {len(ARTICLE)}",
            "Expect: 100-continue",
        )  # fmt: skip
        self._socket.sendall("\r\n".join([*head, "", ""]).encode())
        assert b" 100 " in self._socket.recv(1000)

    def finish(self) -> bytes:
        """Send the rest; the answer's first line."""
        with self._socket:
            self._socket.sendall(ARTICLE)
            return self._socket.recv(1000).partition(b"\r\n")[0]


def limit(served: Served) -> int:
    return int(served.get("/v1/offers").json()["meter"]["limit"])


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
@pytest.mark.slow
def test_a_restart_by_sighup_answers_every_request(tmp_path: Path, database_url: str) -> None:
    settings = tmp_path / "paywall.toml"
    with serving(
        tmp_path, workers=2, database_url=database_url, request_timeout_seconds="60"
    ) as served:
        first = set(served.workers())
        token = served.site_token("articles:write")
        load = Load(served)
        with load.running():
            settings.write_text("meter_limt = 17")
            served.process.send_signal(signal.SIGHUP)
            served.wait_until(lambda: "the restart was abandoned" in served.log.read_text())
            assert first <= set(served.workers())
            settings.write_text(f"meter_limit = {LIMIT}")
            slow = [Slow(served, token) for _ in range(SLOW_CLIENTS)]
            served.process.send_signal(signal.SIGHUP)
            served.wait_until(lambda: len(set(served.workers()) - first) == 2)
            # Of those whose old worker has to leave now, and of those whose worker is yet to.
            assert {client.finish().split()[1] for client in slow} <= {b"200", b"201"}
            served.wait_until(
                lambda: len(served.workers()) == 2 and not first & set(served.workers())
            )
            assert {limit(served) for _ in range(8)} == {LIMIT}
        assert served.stop() == 0
    assert load.errors == []
    assert set(load.statuses) == {200}


@pytest.mark.slow
def test_a_lone_worker_goes_on_at_sighup(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        served.process.send_signal(signal.SIGHUP)
        served.wait_until(lambda: "SIGHUP was ignored" in served.log.read_text())
        assert served.get("/readyz").is_success
        assert served.stop() == 0
