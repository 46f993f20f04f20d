"""A MariaDB of the tests' own, as Debian packages it, on a socket in a folder."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

READY_WITHIN_SECONDS = 60
STOPPED_WITHIN_SECONDS = 60
INSTALLER = shutil.which("mariadb-install-db") or "mariadb-install-db"
SERVER = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin") or "mariadbd"


class MariaDB:
    """A server without a network; its user `root` has no password."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "sock"

    def sql(self, statements: str, database: str = "") -> list[list[str]]:
        """Run statements; the rows as text, `NULL` for a null."""
        printed = self._run(
            ["mariadb", "--batch", "--skip-column-names", "--raw"], statements, database
        )
        return [line.split("\t") for line in printed.splitlines()]

    def dump(self, database: str) -> str:
        return self._run(["mariadb-dump", "--skip-comments", "--no-autocommit", database], "", "")

    def create(self, database: str, dump: str = "") -> None:
        self.sql(f"create database `{database}` character set utf8mb4")
        if dump:
            self._run(["mariadb"], dump, database)

    def _run(self, words: list[str], statements: str, database: str) -> str:
        connection = ["--no-defaults", f"--socket={self.socket}", "--user=root"]
        command = [words[0], *connection, "--default-character-set=utf8mb4", *words[1:]]
        ran = subprocess.run(
            [*command, database] if database else command, input=statements, check=False,
            capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        return ran.stdout


@contextmanager
def running_mariadb(folder: Path) -> Iterator[MariaDB]:
    """Create a server in the new folder `folder`, start it, and stop it at the end."""
    folder.mkdir()
    data = folder / "data"
    user = ["--user=root"] if os.geteuid() == 0 else []
    subprocess.run(
        [INSTALLER, "--no-defaults", f"--datadir={data}", *user, "--skip-test-db",
         "--auth-root-authentication-method=normal"],
        check=True, stdout=subprocess.DEVNULL, timeout=120,
    )  # fmt: skip
    server = MariaDB(folder)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [SERVER, "--no-defaults", *user, f"--datadir={data}", f"--socket={server.socket}",
             "--skip-networking", "--character-set-server=utf8mb4",
             # The tests kill PHP, never this server: once a second is often enough for the disk.
             "--innodb-flush-log-at-trx-commit=2", "--max-allowed-packet=64M",
             "--innodb-buffer-pool-size=256M", f"--pid-file={folder / 'pid'}"],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        _wait(server, process)
        yield server
    finally:
        process.terminate()
        process.wait(STOPPED_WITHIN_SECONDS)


def _wait(server: MariaDB, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if server.socket.exists():
            server.sql("select 1")
            return
        time.sleep(0.05)
    raise AssertionError((server.folder / "log").read_text())
