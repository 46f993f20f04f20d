"""What the database has, read by plain SQL."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import asyncpg

from paywall.settings import Settings

Rows = Sequence[Sequence[Any]]


async def query(settings: Settings, statement: str) -> Rows:
    """The rows of one statement, on a connection of its own."""
    if settings.is_sqlite:
        # Read-only: a second connection that writes could break the file.
        address = f"file:{settings.database.removeprefix('sqlite:///')}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=20)) as connection:
            return connection.execute(statement).fetchall()
    connection = await asyncpg.connect(settings.database, timeout=20)
    try:
        rows: Rows = [tuple(row) for row in await connection.fetch(statement)]
        return rows
    finally:
        await connection.close()


async def query_dict(settings: Settings, statement: str) -> dict[Any, Any]:
    """The first column to the second, or to all others."""
    rows = await query(settings, statement)
    return {row[0]: row[1] if len(row) == 2 else tuple(row[1:]) for row in rows}
