"""The audit names the row and the violated rule after any change made outside the service."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator
from typing import NamedTuple, TypeVar

import pytest
import sqlalchemy as sa
from alembic import command
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.engine import Database
from paywall.database.migrations import FOLDER
from paywall.database.migrations.upgrade import configuration
from paywall.settings import Settings
from paywall.subscribers.audit import Violation, audit
from tests.conftest import _drop, _new_postgres_database
from tests.subscribers.corruptions import CORRUPTIONS, Corruption
from tests.subscribers.full_database import fill_database

T = TypeVar("T")


class RolledBack(Exception):  # noqa: N818 (not an error)
    pass


class FilledDatabase(NamedTuple):
    """A database with everything that the audit checks, shared by all tests of this module."""

    runner: asyncio.Runner
    database: Database

    def run_rolled_back(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """Do something in a transaction that is rolled back."""
        return self.runner.run(self._tried(work))

    async def _tried(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        done: list[T] = []
        try:
            async with self.database.writing() as session:
                done.append(await work(session))
                raise RolledBack
        except RolledBack:
            return done[0]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FilledDatabase]:
    folder = tmp_path_factory.mktemp("rich")
    if request.param == "sqlite":
        path = folder / "rich.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        address = f"sqlite:///{path}"
    else:
        server = request.getfixturevalue("postgres_template").rpartition("/")[0]
        address = _new_postgres_database(server, "template_paywall")
    with asyncio.Runner() as runner:
        runner.run(fill_database(address, folder))
        database = Database(Settings(database_url=address, data_dir=str(folder)))
        try:
            yield FilledDatabase(runner, database)
        finally:
            runner.run(database.close())
    if request.param == "postgresql":
        _drop(address)


def test_a_consistent_database_has_no_violation(filled: FilledDatabase) -> None:
    assert filled.run_rolled_back(audit) == []


def test_the_migration_counts_existing_rows(filled: FilledDatabase) -> None:
    async def migrate_again(session: AsyncSession) -> list[Violation]:
        connection = await session.connection()
        for statement in (
            "drop table subscriber_totals",
            "update alembic_version set version_num = '0004'",
        ):
            await connection.execute(sa.text(statement))
        await connection.run_sync(_upgrade_to_totals)
        return await audit(session)

    assert filled.run_rolled_back(migrate_again) == []


def _upgrade_to_totals(connection: sa.Connection) -> None:
    """The later tables are there already: only the migration that adds the totals runs."""
    command.upgrade(configuration(connection, FOLDER), "0005")


@pytest.mark.parametrize("corruption", CORRUPTIONS.values(), ids=CORRUPTIONS)
def test_a_corruption_is_named(filled: FilledDatabase, corruption: Corruption) -> None:
    async def corrupt(session: AsyncSession) -> tuple[object, list[Violation]]:
        connection = await session.connection()
        found = (await connection.execute(sa.text(corruption.query))).scalar()
        assert found is not None, "the database has no such row"
        for statement in corruption.statements:
            changed = await connection.execute(sa.text(statement.format(x=found)))
            assert changed.rowcount > 0 or "delete from checkout" in statement
        return found, await audit(session)

    found, findings = filled.run_rolled_back(corrupt)
    rows = [row for finding in findings for row in finding.rows]
    expected = corruption.expected.format(x=found)
    assert any(expected in row for row in rows), (expected, findings)
