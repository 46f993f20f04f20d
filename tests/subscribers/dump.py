"""The whole content of a database as text."""

import sqlite3
import subprocess
from contextlib import closing

from tests.postgres import BIN


def dumped(address: str) -> str:
    """What a backup would contain: `pg_dump`, or the `.dump` of SQLite."""
    if address.startswith("sqlite:///"):
        path = address.removeprefix("sqlite:///")
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return "\n".join(connection.iterdump())
    done = subprocess.run(
        [BIN / "pg_dump", "--inserts", "-d", address], check=True, capture_output=True, text=True
    )
    return done.stdout
