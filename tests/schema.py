"""A database's schema as the database itself writes it down."""

import re
import sqlite3
import subprocess
from contextlib import closing

from tests.postgres import BIN


def dumped(address: str) -> str:
    """Every table, index and check, without Alembic's own table."""
    if address.startswith("sqlite:///"):
        return _sqlite(address.removeprefix("sqlite:///"))
    return _postgres(address)


def _sqlite(path: str) -> str:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            "select sql from sqlite_master where sql is not null"
            " and tbl_name <> 'alembic_version' order by type, name"
        ).fetchall()
    return "\n".join(_in_order(sql) for (sql,) in rows)


def _in_order(statement: str) -> str:
    """SQLite keeps the statement as it was typed; the order of constraints means nothing.

    A column that was added later stands on the line of the one before it.
    """
    lines = re.sub(r", (?=[a-z0-9_]+ [A-Z])", "\n", statement).splitlines()
    return "\n".join(sorted(line.strip(" \t,") for line in lines))


def _postgres(address: str) -> str:
    done = subprocess.run(
        [BIN / "pg_dump", "--schema-only", "--exclude-table=alembic_version", "-d", address],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return re.sub(r"^\\(un)?restrict .*$", "", done.stdout, flags=re.MULTILINE)
