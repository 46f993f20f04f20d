"""What makes each alert fire, made for real: each cause lasts as long as its `with`."""

import asyncio
import os
import resource
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.postgres import BIN, PostgresServer, psql
from tests.processes import CLIENT, Served

MIB = 1024 * 1024
HELD_SECONDS = 120
CLIENTS = 700
CONNECTIONS = 1000


class Place(NamedTuple):
    """The service on a server and a disk of its own."""

    served: Served
    postgres: PostgresServer
    database_url: str
    disk: Path


Cause = Callable[[Place], AbstractContextManager[None]]


@contextmanager
def worker_killed(place: Place) -> Iterator[None]:
    os.kill(place.served.workers()[0], signal.SIGKILL)
    yield


@contextmanager
def service_frozen(place: Place) -> Iterator[None]:
    """It keeps its port open and answers nobody."""
    os.kill(place.served.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(place.served.process.pid, signal.SIGCONT)


@contextmanager
def database_stopped(place: Place) -> Iterator[None]:
    place.postgres.stop()
    try:
        with _checking(place, clients=2):
            yield
    finally:
        place.postgres.start()


@contextmanager
def table_renamed(place: Place) -> Iterator[None]:
    """Every statement that reads it is a fault, of requests and of housekeeping."""
    psql(place.database_url, "alter table credit_grant rename to hidden")
    try:
        with _checking(place, clients=2):
            yield
    finally:
        psql(place.database_url, "alter table hidden rename to credit_grant")


@contextmanager
def article_locked(place: Place) -> Iterator[None]:
    """Every check waits for the lock, until its time is over."""
    with _locked(place, "article"), _checking(place, clients=CLIENTS):
        yield


@contextmanager
def article_slow(place: Place) -> Iterator[None]:
    """Every check waits for a while, but not so long that its connection is closed."""
    with (
        _locked(place, "article", seconds=1.0, times=HELD_SECONDS),
        _checking(place, clients=CLIENTS),
    ):
        yield


@contextmanager
def subscriber_locked(place: Place) -> Iterator[None]:
    """Every unlock holds a connection of the pool until its time is over."""
    with _locked(place, "subscriber"), _unlocking(place, clients=20):
        yield


@contextmanager
def workers_stutter(place: Place) -> Iterator[None]:
    """The workers are stopped for half of the time, as on a machine without time for them."""
    stop = threading.Event()

    def stutter() -> None:
        while not stop.wait(0.6):
            for number in (signal.SIGSTOP, signal.SIGCONT):
                for pid in place.served.workers():
                    with suppress(ProcessLookupError):
                        os.kill(pid, number)
                stop.wait(0.6 if number == signal.SIGSTOP else 0)

    with _beside(stutter, stop):
        yield


@contextmanager
def many_connections(place: Place) -> Iterator[None]:
    """Clients that connect and stay; those that are closed for others connect again."""

    async def stay() -> None:
        at = urlsplit(place.served.address)
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection(at.hostname, at.port)
                writer.write(b"GET /livez HTTP/1.1\r\nHost: paywall\r\n\r\n")
                while await reader.read(4096):
                    pass
                writer.close()

    with _clients(stay, CONNECTIONS):
        yield


@contextmanager
def few_open_files(place: Place) -> Iterator[None]:
    """The limit comes down to what is in use."""
    processes = [place.served.process.pid, *place.served.workers()]
    with ExitStack() as stack:
        for pid in processes:
            before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            used = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 5, before[1]))
            stack.callback(resource.prlimit, pid, resource.RLIMIT_NOFILE, before)
        yield


@contextmanager
def disk_filled(place: Place) -> Iterator[None]:
    filler = place.disk / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(place.disk).free - 900 * MIB)
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def reader_in_a_loop(place: Place) -> Iterator[None]:
    with _unlocking(place, clients=20):
        yield


@contextmanager
def webhooks_not_sent(place: Place) -> Iterator[None]:
    """A reader pays, and the stand-in for Stripe sends its events nowhere."""
    authorization = {"Authorization": f"Bearer {place.served.reader_token('ann')}"}
    page = CLIENT.post(
        f"{place.served.address}/v1/me/checkout",
        json={"pack_id": "five", "return_url": "http://paper.example/paid"},
        headers=authorization,
    ).raise_for_status()
    CLIENT.post(page.json()["url"], data={"way": "PAYS"})
    yield


CAUSES: Mapping[str, Cause] = {
    # First: a reconcile that another cause interrupts is late until its turn is over.
    "PaywallTaskLate": table_renamed,
    "PaywallWorkersReplaced": worker_killed,
    "PaywallWebhooksMissing": webhooks_not_sent,
    "PaywallDiskAlmostFull": disk_filled,
    "PaywallOpenFilesNearLimit": few_open_files,
    "PaywallConnectionsNearLimit": many_connections,
    "PaywallEventLoopSlow": workers_stutter,
    "PaywallPoolExhausted": subscriber_locked,
    "PaywallPoolWaits": subscriber_locked,
    "PaywallChecksSlow": article_locked,
    "PaywallChecksWait": article_slow,
    "PaywallRateLimited": reader_in_a_loop,
    "PaywallErrorsLogged": table_renamed,
    "PaywallRequestsFail": database_stopped,
    "PaywallDatabaseUnreachable": database_stopped,
    "PaywallDown": service_frozen,
}


@contextmanager
def _locked(
    place: Place, table: str, *, seconds: float = HELD_SECONDS, times: int = 1
) -> Iterator[None]:
    lock = f"begin; lock table {table} in access exclusive mode; select pg_sleep({seconds}); commit"
    holder = subprocess.Popen(
        [BIN / "psql", "-X", "-q", "-d", place.database_url, *(["-c", lock] * times)],
        stdout=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        holder.kill()
        holder.wait()
        psql(
            f"{place.postgres.address}/postgres",
            "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(%'"
            " and pid <> pg_backend_pid()",
        )


@contextmanager
def _checking(place: Place, *, clients: int) -> Iterator[None]:
    token = place.served.site_token("access:check")
    body = b'{"article_id":"a1","reader_id":"ann"}'
    with _posting(place, "/v1/access/check", token, body, clients):
        yield


@contextmanager
def _unlocking(place: Place, *, clients: int) -> Iterator[None]:
    body = b'{"article_id":"a1","max_cost":1}'
    token = place.served.reader_token("ann")
    with _posting(place, "/v1/me/unlocks", token, body, clients):
        yield


@contextmanager
def _posting(place: Place, path: str, token: str, body: bytes, clients: int) -> Iterator[None]:
    """So many clients, each of which asks again as soon as it has its answer."""
    at = urlsplit(place.served.address)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {at.netloc}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )

    async def post() -> None:
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection(at.hostname, at.port)
                writer.write(head.encode() + body)
                while await reader.read(4096):
                    writer.write(head.encode() + body)
                writer.close()

    with _clients(post, clients):
        yield


@contextmanager
def _clients(act: Callable[[], Coroutine[None, None, None]], number: int) -> Iterator[None]:
    stop = threading.Event()

    async def run() -> None:
        tasks = [asyncio.create_task(act()) for _ in range(number)]
        await asyncio.to_thread(stop.wait)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    with _beside(lambda: asyncio.run(run()), stop):
        yield


@contextmanager
def _beside(work: Callable[[], None], stop: threading.Event) -> Iterator[None]:
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
