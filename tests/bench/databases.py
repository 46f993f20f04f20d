"""The databases that the bench asks: filled as a busy site's, and pgbench's own."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from paywall.database.engine import Database
from paywall.database.migrations import migrate
from paywall.settings import Settings
from tests.bench.progress import print_progress
from tests.bench.seed import Size, copy_postgres, seed_postgres, seed_sqlite
from tests.postgres import BIN, psql, running_postgres

FEW = Size(readers=100_000, articles=10_000, unlocks=10_000)
MANY = Size(readers=100_000, articles=10_000, unlocks=1_000_000)
PGBENCH_SCALE = 10


class Databases(NamedTuple):
    """Their addresses."""

    few: str
    many: str
    sqlite: str
    pgbench: str


@contextmanager
def postgres_with_databases() -> Iterator[str]:
    """A PostgreSQL with default durability, pgbench's tables and a database to be filled."""
    with running_postgres() as server:
        for name in ("few", "pgbench"):
            psql(f"{server}/postgres", f"create database {name}")
        options = ["--initialize", "--quiet", f"--scale={PGBENCH_SCALE}"]
        subprocess.run(
            [BIN / "pgbench", *options, f"{server}/pgbench"], check=True, capture_output=True
        )
        yield server


async def fill(server: str, folder: Path) -> Databases:
    """Make all of them; half a minute."""
    databases = Databases(
        few=f"{server}/few",
        many=f"{server}/many",
        sqlite=f"sqlite:///{folder / 'bench.sqlite3'}",
        pgbench=f"{server}/pgbench",
    )
    print_progress("Filling PostgreSQL with 10,000 unlocks, and with 1,000,000…")
    await _migrate(databases.few)
    await seed_postgres(databases.few, FEW)
    await copy_postgres(databases.few, "many", FEW, MANY)
    print_progress("Filling SQLite with 1,000,000 unlocks…")
    await _migrate(databases.sqlite)
    seed_sqlite(folder / "bench.sqlite3", MANY)
    return databases


async def _migrate(address: str) -> None:
    database = Database(Settings(database_url=address))
    await migrate(database)
    await database.close()
