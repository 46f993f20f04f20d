"""Dumping and restoring a PostgreSQL database by PostgreSQL's own `pg_dump` and `pg_restore`."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from paywall.database.errors import BackupError
from paywall.rules.database_address import DatabaseAddress, parse_database_address
from paywall.settings import Settings

# Waiting for a migration's locks.
LOCK_WAIT_SECONDS = 60
CONNECT_SECONDS = 10
# Parameters of the URL by libpq's environment variables.
VARIABLES = {
    "gsslib": "PGGSSLIB",
    "krbsrvname": "PGKRBSRVNAME",
    "passfile": "PGPASSFILE",
    "sslcert": "PGSSLCERT",
    "sslcrl": "PGSSLCRL",
    "sslkey": "PGSSLKEY",
    "sslmode": "PGSSLMODE",
    "sslnegotiation": "PGSSLNEGOTIATION",
    "sslrootcert": "PGSSLROOTCERT",
    "ssl_max_protocol_version": "PGSSLMAXPROTOCOLVERSION",
    "ssl_min_protocol_version": "PGSSLMINPROTOCOLVERSION",
}


def dump_postgres(settings: Settings, server_version: int, dump: Path) -> None:
    """Write the database, as one snapshot of it, to a file; raises BackupError.

    `server_version` is the server's major version.
    """
    program = _program("pg_dump", server_version)
    _run(
        settings,
        program,
        "--format=custom",
        "--no-password",
        f"--lock-wait-timeout={LOCK_WAIT_SECONDS}s",
        f"--file={dump}",
    )


def restore_postgres(settings: Settings, server_version: int, dump: Path) -> None:
    """Restore a dump into an empty database, all of it or nothing; raises BackupError."""
    program = _program("pg_restore", server_version)
    _run(
        settings,
        program,
        "--single-transaction",
        "--exit-on-error",
        "--no-owner",
        "--no-privileges",
        "--no-password",
        # It demands a connection string. One without a name means the variables' database.
        "--dbname=application_name=paywall",
        str(dump),
    )


def _program(name: str, server_version: int) -> str:
    """The path of a program that is not older than the server; raises BackupError."""
    path = shutil.which(name)
    remedy = (
        f"Install PostgreSQL's client programs of version {server_version}"
        f" (Debian: postgresql-client-{server_version}), with their folder first in PATH."
    )
    if path is None:
        raise BackupError(f"{name} was not found. {remedy}")
    printed = subprocess.run(  # noqa: S603 (a program that the operator installed)
        [path, "--version"], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    ).stdout
    version = re.search(r"\) (\d+)", printed)
    if version is None or int(version[1]) < server_version:
        found = f"version {version[1]}" if version else "of an unknown version"
        raise BackupError(
            f"{path} is {found}, and older than the server, {server_version}. {remedy}"
        )
    return path


def _run(settings: Settings, *command: str) -> None:
    """Run a program; its first error is the BackupError's text, without any row of a table."""
    address = parse_database_address(settings.database)
    if isinstance(address, str):
        raise BackupError(f"database_url cannot be read: {address}")
    done = subprocess.run(  # noqa: S603 (a program that the operator installed)
        command,
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
        env={**os.environ, **_variables(address)},
        umask=0o077,
    )
    if done.returncode != 0:
        lines = done.stderr.splitlines()
        errors = [line for line in lines if "error:" in line] or lines or ["no message"]
        raise BackupError(f"It failed: {errors[0]}")


def _variables(address: DatabaseAddress) -> dict[str, str]:
    """How to connect, for libpq: command lines can be seen by every user of the machine."""
    hosts = address.hosts
    given = {
        "PGHOST": ",".join(host.name or "" for host in hosts),
        "PGPORT": ",".join(str(host.port or "") for host in hosts),
        "PGUSER": address.user,
        "PGPASSWORD": address.password,
        "PGDATABASE": address.database,
        "PGTARGETSESSIONATTRS": "primary" if address.requires_primary else "any",
        "PGCONNECT_TIMEOUT": str(CONNECT_SECONDS),
        **{
            VARIABLES[name]: it
            for name, it in address.driver_parameters.items()
            if name in VARIABLES
        },
    }
    return {name: value for name, value in given.items() if value}
