"""What is broken under torture: the service's processes, its database, its disk and its Stripe."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from paywall.settings import Settings
from tests.disk import small_disk
from tests.postgres import PostgresServer, free_port, postgres_server, psql
from tests.processes import ROOT, Served, environment, until_the_end
from tests.torture.webhooks import SECRET

INJECTED = Path(__file__).parent / "injected"
DISK_BYTES = 384 * 2**20
WORKERS = 2
# What PostgreSQL keeps for itself is small, so that its database has the disk.
POSTGRES_SETTINGS = ("max_wal_size=64MB", "min_wal_size=32MB", "wal_keep_size=0")


@dataclass
class Machine:
    """One service with its database, in folders of its own."""

    folder: Path
    disk: Path
    settings: Settings
    environment: dict[str, str]
    server: PostgresServer | None
    has_small_disk: bool
    served: Served | None = None

    @property
    def service(self) -> Served:
        assert self.served is not None
        return self.served

    @property
    def marks(self) -> Path:
        """The folder in which marked points are named."""
        return self.folder / "marks"

    @contextmanager
    def serving(self) -> Iterator[Served]:
        workers = WORKERS if self.server else 1
        words = [sys.executable, "-m", "paywall", "serve", "--workers", str(workers)]
        with until_the_end(Served(words, self.folder, free_port(), self.environment)) as served:
            self.served = served
            yield served

    def kill_worker(self, pid: int, before_the_next: Callable[[], None] | None = None) -> None:
        """On SQLite the service is one process, which is started again."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        if pid == self.service.process.pid:
            self.service.process.wait(10)
        if before_the_next is not None:
            before_the_next()
        self.start_again()

    def start_again(self) -> None:
        """Start it if it has ended, as an operator's supervisor does."""
        if self.server is None:
            with suppress(Exception):
                self.service.process.wait(5)
        if self.service.process.poll() is not None:
            self.service.start()

    def kill_everything(self) -> None:
        """The service, its workers, and PostgreSQL."""
        for pid in {self.service.process.pid, *self.service.workers()}:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.service.process.wait(10)
        if self.server is not None:
            self.server.kill()


@contextmanager
def machine(kind: str, folder: Path, stripe_address: str) -> Iterator[Machine]:
    """A database of this kind, on a disk that can be filled."""
    disk = folder / "disk"
    is_root = os.geteuid() == 0
    with ExitStack() as stack:
        if is_root:
            stack.enter_context(small_disk(disk, DISK_BYTES))
        else:
            disk.mkdir()
        server: PostgresServer | None = None
        if kind == "postgresql":
            server = stack.enter_context(postgres_server(*POSTGRES_SETTINGS, within=disk))
            psql(f"{server.address}/postgres", "create database store")
            address = f"{server.address}/store?sslmode=disable"
        else:
            address = f"sqlite:///{disk / 'paywall.sqlite3'}"
        given = {
            "database_url": address,
            "data_dir": str(folder / "var"),
            "allowed_origins": "https://news.example",
            "stripe_secret_key": "sk_test_standin",
            "stripe_webhook_secrets": SECRET,
            "stripe_api_base": stripe_address,
            # Hot readers are the point here.
            "reader_writes_per_minute_max": "1000000",
            "site_writes_per_minute_max": "1000000",
        }
        surroundings = environment(**given)
        surroundings["PYTHONPATH"] = f"{INJECTED}{os.pathsep}{ROOT}"
        surroundings["TORTURE_FOLDER"] = str(folder / "marks")
        (folder / "marks").mkdir()
        settings = Settings(
            database_url=address,
            data_dir=given["data_dir"],
            allowed_origins=["https://news.example"],
            stripe_secret_key="sk_test_standin",
            stripe_webhook_secrets=[SECRET],
            stripe_api_base=stripe_address,
            request_timeout_seconds=30,
        )
        yield Machine(folder, disk, settings, surroundings, server, os.path.ismount(disk))
