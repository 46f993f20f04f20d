"""Migrations run while the release before them serves, and neither hinders the other."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database import migrations
from paywall.database.engine import Database
from paywall.database.migrations import known, migrate, newest_applied, pending, upgrade
from paywall.settings import Settings
from tests.processes import ROOT, environment

pytestmark = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)

LAST = known()[-1]
# What they hold was acceptable: these tables were small, and their releases served nobody yet.
BEFORE_THE_RULE = frozenset(f"{number:04}" for number in range(1, 12))
ADDS_A_COLUMN = f"""
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9998", {LAST!r}

def upgrade():
    op.add_column("unlock", sa.Column("note", sa.Text(), nullable=True))
"""
WAITS = "select count(*) from pg_locks where not granted and mode = 'AccessExclusiveLock'"
TABLES = """
    select c.relname, c.relfilenode::text from pg_class c
    where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
"""
COLUMNS = """
    select c.relname || '.' || a.attname, format_type(a.atttypid, a.atttypmod),
           a.attnotnull and not a.atthasdef and a.attidentity = ''
    from pg_attribute a join pg_class c on c.oid = a.attrelid
    where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
      and a.attnum > 0 and not a.attisdropped
"""
# An index and a checked constraint are made under a lock for as long as the table is read.
READ_WHOLE = """
    select i.indexrelid::regclass::text, i.indrelid::regclass::text from pg_index i
    join pg_class c on c.oid = i.indrelid where c.relnamespace = 'public'::regnamespace
    union all
    select conname, conrelid::regclass::text from pg_constraint
    where contype in ('c', 'f') and convalidated and connamespace = 'public'::regnamespace
"""


async def rows(session: AsyncSession, statement: str) -> list[tuple[object, ...]]:
    found = await (await session.connection()).execute(sa.text(statement))
    return [tuple(row) for row in found]


async def step(database: Database, revision: str) -> list[str]:
    """Apply one migration; what about it would disturb the release before, or its requests."""
    async with database.writing() as session:
        tables, columns = await rows(session, TABLES), await rows(session, COLUMNS)
        read = await rows(session, READ_WHOLE)
        await (await session.connection()).run_sync(
            lambda connection: command.upgrade(
                upgrade.configuration(connection, migrations.FOLDER), revision
            )
        )
        after = {table[0]: table[1] for table in await rows(session, TABLES)}
        columns_after = await rows(session, COLUMNS)
        read_after = await rows(session, READ_WHOLE)
    old = {name for name, _ in tables} - {"alembic_version"}
    types = {name: type_ for name, type_, _ in columns_after}
    demanded = {name for name, _, is_demanded in columns if is_demanded}
    return [
        *(f"rewrites or drops {name}" for name, file in tables if after.get(name) != file),
        *(f"changes or drops {name}" for name, type_, _ in columns if types.get(name) != type_),
        *(
            f"demands {name}, which the release before does not write"
            for name, _, is_demanded in columns_after
            if is_demanded and str(name).partition(".")[0] in old and name not in demanded
        ),
        *(f"reads all of {on} for {name}" for name, on in set(read_after) - set(read) if on in old),
    ]


async def test_no_migration_disturbs_the_release_before_it(empty_url: str) -> None:
    database = Database(Settings(database_url=empty_url))
    disturbs = {revision: await step(database, revision) for revision in known()}
    await database.close()
    # The rule finds what earlier migrations did, so it finds the next one's too.
    assert any("cancellation_receipt" in why for why in disturbs["0011"])
    assert {it: why for it, why in disturbs.items() if why and it not in BEFORE_THE_RULE} == {}


@pytest.fixture
def next_release(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release with one more migration than the database, of a table that every request reads."""
    del database_url  # made before, from this release's migrations
    folder = tmp_path / "migrations"
    shutil.copytree(migrations.FOLDER, folder)
    (folder / "versions" / "9998_adds_a_column.py").write_text(ADDS_A_COLUMN)
    monkeypatch.setattr(migrations, "FOLDER", folder)


async def _is_waiting(database: Database) -> bool:
    async with database.reading() as session:
        return (await rows(session, WAITS)) != [(0,)]


@pytest.mark.usefixtures("next_release")
async def test_requests_pass_while_a_migration_waits_for_its_lock(database: Database) -> None:
    async with database.reading() as reader:
        await rows(reader, "select count(*) from unlock")
        migrating = asyncio.create_task(migrate(database))
        for _ in range(2):
            while not await _is_waiting(database):
                await asyncio.wait([migrating], timeout=0.01)
                assert not migrating.done(), migrating.result()
            async with database.writing() as session:
                await rows(session, "select count(*) from unlock")
            assert not migrating.done()
    assert await migrating == ["9998"]


async def test_a_migration_killed_while_it_waits_leaves_the_release_before(
    database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "paywall"
    shutil.copytree(ROOT / "paywall", package)
    versions = package / "database" / "migrations" / "versions"
    (versions / "9998_adds_a_column.py").write_text(ADDS_A_COLUMN)
    started = [sys.executable, "-m", "paywall", "migrate"]
    surroundings = environment(database_url=database_url) | {"PYTHONPATH": str(tmp_path)}
    async with database.reading() as reader:
        await rows(reader, "select count(*) from unlock")
        with subprocess.Popen(started, cwd=tmp_path, env=surroundings) as process:  # noqa: ASYNC220 (a process to kill)
            while process.poll() is None and not await _is_waiting(database):
                with suppress(subprocess.TimeoutExpired):
                    await asyncio.to_thread(process.wait, 0.02)
            os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert await newest_applied(database) == LAST
    # The release before goes on working, and the next one may try again.
    assert await pending(database) == []
    monkeypatch.setattr(migrations, "FOLDER", versions.parent)
    assert await migrate(database) == ["9998"]
