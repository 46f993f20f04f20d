"""The migrations make what the schema page says, all of it or none of it."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlmodel import SQLModel, select

from paywall.database import migrations
from paywall.database.engine import Database
from paywall.database.migrations import migrate, pending
from paywall.database.tables import Article
from paywall.settings import Settings
from tests.schema import dumped

GOOD = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9998", {last!r}

def upgrade():
    op.create_table("half_made", sa.Column("id", sa.Integer, primary_key=True))
"""
FAILING = """
from alembic import op

revision, down_revision = "9999", "9998"

def upgrade():
    op.execute("create table whole (id integer)")
    op.execute("insert into nowhere values (1)")
"""


@pytest.fixture
async def empty(empty_url: str) -> AsyncIterator[Database]:
    database = Database(Settings(database_url=empty_url))
    yield database
    await database.close()


@pytest.fixture
def with_failing_migration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release whose last two migrations are a good one and one that fails half way."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrations.FOLDER, folder)
    last = max((folder / "versions").glob("[0-9]*.py")).name[:4]
    (folder / "versions" / "9998_good.py").write_text(GOOD.format(last=last))
    (folder / "versions" / "9999_failing.py").write_text(FAILING)
    monkeypatch.setattr(migrations, "FOLDER", folder)


async def test_an_empty_database_gets_every_table(empty: Database) -> None:
    applied = await migrate(empty)
    assert applied[0] == "0001"
    assert await pending(empty) == []
    assert await migrate(empty) == []
    async with empty.reading() as session:
        assert (await session.exec(select(Article))).all() == []


async def test_an_empty_database_lacks_every_migration(empty: Database) -> None:
    async with empty.writing() as session:
        await (await session.connection()).execute(sa.text("create table other (id integer)"))
    assert (await pending(empty))[0] == "0001"


async def test_the_migrated_schema_is_the_models(database: Database) -> None:
    def differences(connection: sa.Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, SQLModel.metadata))

    async with database.reading() as session:
        assert await (await session.connection()).run_sync(differences) == []


async def test_the_migrated_schema_equals_the_models_exactly(
    database_url: str, empty: Database, empty_url: str
) -> None:
    """Checks, conditions of indexes and storage too, which Alembic does not compare."""
    async with empty.writing() as session:
        await (await session.connection()).run_sync(SQLModel.metadata.create_all)
    assert dumped(database_url) == dumped(empty_url)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_two_at_once_migrate_once(empty_url: str) -> None:
    first, second = (Database(Settings(database_url=empty_url)) for _ in range(2))
    applied = await asyncio.gather(migrate(first), migrate(second))
    assert min(map(len, applied)) == 0
    await first.close()
    await second.close()


@pytest.mark.usefixtures("with_failing_migration")
async def test_a_failed_migration_leaves_nothing(database: Database, database_url: str) -> None:
    before = dumped(database_url)
    with pytest.raises(sa.exc.DBAPIError, match="nowhere"):
        await migrate(database)
    assert dumped(database_url) == before
    assert await pending(database) == ["9998", "9999"]


async def test_an_older_release_runs_on_a_newer_schema(database: Database) -> None:
    async with database.writing() as session:
        connection = await session.connection()
        await connection.execute(sa.text("update alembic_version set version_num = '9999'"))
    assert await pending(database) == []
    assert await migrate(database) == []
