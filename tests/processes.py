"""The service as real processes: start, wait until it answers, kill a worker, stop."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx

from paywall.tokens.keys import Keyring
from paywall.tokens.mint import Minted, mint_reader, mint_site
from tests.conftest import PATIENT_SECONDS
from tests.postgres import free_port

ROOT = Path(__file__).parents[1]
READY_WITHIN_SECONDS = 180
# `httpx.get` makes a client for each request, and reads all certificates for it, which takes longer
# than the answer. Connections are not kept: processes that are killed and stopped are asked.
CLIENT = httpx.Client(timeout=PATIENT_SECONDS, limits=httpx.Limits(max_keepalive_connections=0))


class Served:
    """One running service, in a folder of its own."""

    def __init__(
        self, command: list[str], folder: Path, port: int, environment: dict[str, str]
    ) -> None:
        self.folder = folder
        self.address = f"http://127.0.0.1:{port}"
        self.log = folder / "serve.log"
        self.environment = environment
        self.command = [*command, "--port", str(port)]
        self.start()

    def start(self) -> None:
        """Start it; again after it was killed, on the same port."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self.folder, env=self.environment, stdout=log, stderr=log
            )  # fmt: skip

    def workers(self) -> list[int]:
        """The process ids of the workers; where there is one, it is the process itself."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        workers = [int(pid) for pid in children.split() if _is_worker(int(pid))]
        return workers or [self.process.pid]

    def wait_until_ready(self) -> None:
        self.wait_until(self._is_ready)

    def wait_until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            if holds():
                return
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def get(self, path: str) -> httpx.Response:
        return CLIENT.get(f"{self.address}{path}")

    def run(self, *words: str) -> str:
        """What another `paywall` command prints, beside the service."""
        return command(*words, folder=self.folder, environment=self.environment).stdout

    def site_token(self, scopes: str) -> str:
        """As `paywall token site` mints it, in a thousandth of the time."""
        return self._mint(partial(mint_site, subject="site", scopes=frozenset(scopes.split())))

    def reader_token(self, reader_id: str) -> str:
        return self._mint(partial(mint_reader, reader_id=reader_id))

    def _mint(self, mint: Callable[..., Minted]) -> str:
        now = datetime.now(UTC)
        folder = self.folder / self.environment.get("PAYWALL_DATA_DIR", "var")
        return mint(Keyring(folder).newest(now), lifetime_seconds=3600, now=now).token

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop, and tell its exit status."""
        self.process.send_signal(number)
        return self.process.wait(30)

    def _is_ready(self) -> bool:
        try:
            return CLIENT.get(f"{self.address}/readyz", timeout=5).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


@contextmanager
def serving(
    folder: Path, *, workers: int = 1, port: int | None = None, **settings: str
) -> Iterator[Served]:
    """`paywall serve` that is ready, and stopped at the end."""
    words = _command("serve", "--workers", workers)
    with until_the_end(Served(words, folder, port or free_port(), environment(**settings))) as it:
        yield it


@contextmanager
def playing(folder: Path) -> Iterator[Served]:
    """What `make run` starts, ready, and stopped at the end."""
    words = [sys.executable, "-m", "paywall.sandbox", "--site-port", "0"]
    with until_the_end(Served(words, folder, free_port(), environment())) as it:
        yield it


@contextmanager
def until_the_end(served: Served) -> Iterator[Served]:
    try:
        served.wait_until_ready()
        yield served
    finally:
        if served.process.poll() is None:
            served.process.terminate()
            try:
                served.process.wait(20)
            except subprocess.TimeoutExpired:
                served.process.kill()
                served.process.wait()


def command(
    *words: object, folder: Path, environment: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Run a `paywall` command to its end."""
    return subprocess.run(
        _command(*words), cwd=folder, env=environment, check=False,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def environment(**settings: str) -> dict[str, str]:
    """This process's, with the settings given and no others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PAYWALL_")}
    given = {f"PAYWALL_{name.upper()}": value for name, value in settings.items()}
    return {**kept, "PYTHONPATH": str(ROOT), **given}


def _command(*words: object) -> list[str]:
    return [sys.executable, "-m", "paywall", *map(str, words)]


def _is_worker(pid: int) -> bool:
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return False
