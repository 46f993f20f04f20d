"""What the tests see of the service from outside: its API, and how often WordPress asks it;
and how it fails."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx

from tests.conftest import PATIENT_SECONDS
from tests.processes import Served

CHUNK_BYTES = 65536


class Publisher:
    """What whoever runs the site does with the service."""

    def __init__(self, service: Served) -> None:
        headers = {"Authorization": f"Bearer {service.site_token('admin')}"}
        self.http = httpx.Client(base_url=service.address, headers=headers, timeout=PATIENT_SECONDS)

    def call(self, method: str, path: str, **body: object) -> dict[str, Any]:
        answer = self.http.request(method, path, json=body or None)
        assert answer.is_success, answer.text
        received: dict[str, Any] = answer.json() if answer.content else {}
        return received

    def article(self, post_id: int) -> dict[str, Any] | None:
        answer = self.http.get(f"/v1/articles/{post_id}")
        return answer.json() if answer.is_success else None

    def give_credits(self, reader_id: object, amount: int) -> None:
        self.call(
            "POST", f"/v1/subscribers/{reader_id}/grants",
            amount=amount, source="promotion", reference=f"a gift for {reader_id}",
        )  # fmt: skip

    def unlock(self, reader_id: object, article_id: object) -> None:
        """Give an article; nothing is spent."""
        self.call(
            "POST", f"/v1/subscribers/{reader_id}/unlocks",
            article_id=str(article_id), source="complimentary",
        )  # fmt: skip

    def subscribe(self, reader_id: object) -> None:
        end = "2100-01-01T00:00:00Z"
        self.call("PUT", f"/v1/subscribers/{reader_id}/subscription", current_period_end=end)


class CountingProxy:
    """Hands bytes through to the service, and counts connections: WordPress keeps none."""

    def __init__(self, service: Served) -> None:
        url = httpx.URL(service.address)
        assert url.port is not None
        self._target = (url.host, url.port)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = "http://{}:{}".format(*self._listener.getsockname())
        self._count = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def taken(self) -> int:
        """How many requests came since this was called before."""
        count, self._count = self._count, 0
        return count

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._count += 1
                self._join(client)

    def _join(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._target)
        except OSError:
            client.close()
            return
        threading.Thread(target=_hand_through, args=(client, server), daemon=True).start()


def _hand_through(client: socket.socket, server: socket.socket) -> None:
    with client, server:
        back = threading.Thread(target=_copy, args=(server, client), daemon=True)
        back.start()
        _copy(client, server)
        back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Until one side ends, or goes away: then the other is ended as well."""
    with suppress(OSError):
        while data := source.recv(CHUNK_BYTES):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def counting(service: Served) -> Iterator[CountingProxy]:
    proxy = CountingProxy(service)
    try:
        yield proxy
    finally:
        proxy.close()


@contextmanager
def hanging(service: Served) -> Iterator[None]:
    service.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        service.process.send_signal(signal.SIGCONT)


@contextmanager
def killed(service: Served) -> Iterator[None]:
    service.stop(signal.SIGKILL)
    try:
        yield
    finally:
        service.start()
        service.wait_until_ready()
