"""The audit names the row and the violated rule after any change made outside the service."""

import asyncio
import itertools
import shutil
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import NamedTuple, TypeVar

import pytest
import sqlalchemy as sa
from alembic import command
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.engine import Database
from paywall.database.migrations import FOLDER
from paywall.database.migrations.upgrade import configuration
from paywall.database.tables import Subscription
from paywall.rules.tombstone import is_tombstone
from paywall.settings import Settings
from paywall.subscribers.audit import Violation, audit
from paywall.subscribers.audit_prepaid import wrong_prepaid_rows
from tests.conftest import _drop, _new_postgres_database
from tests.subscribers.corruptions import CORRUPTIONS, Corruption
from tests.subscribers.corruptions_bakong import BAKONG_CORRUPTIONS
from tests.subscribers.corruptions_prepaid import PREPAID_CORRUPTIONS
from tests.subscribers.full_database import fill_database

T = TypeVar("T")
MICROSECOND = timedelta(microseconds=1)
TIMES = ("starts_at", "paid_through", "entitled_until", "access_until")
ALL_CORRUPTIONS = CORRUPTIONS | PREPAID_CORRUPTIONS | BAKONG_CORRUPTIONS


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


def test_prepaid_time_changed_by_a_microsecond_is_named(filled: FilledDatabase) -> None:
    async def shift_each(session: AsyncSession) -> tuple[list[str], int]:
        prepaid = select(Subscription).where(col(Subscription.kind).in_(["pass", "prepaid"]))
        rows = [row for row in await session.exec(prepaid) if not is_tombstone(row.reader_id)]
        missed = []
        for row, column, by in itertools.product(rows, TIMES, (MICROSECOND, -MICROSECOND)):
            setattr(row, column, getattr(row, column) + by)
            await session.flush()
            count, named = await wrong_prepaid_rows(await session.connection(), rows_max=1)
            if count != 1 or f"{row.kind} {row.id}: " not in named[0]:
                missed.append(f"{row.reader_id} {column} {by}: {named}")
            setattr(row, column, getattr(row, column) - by)
            await session.flush()
        return missed, len(rows)

    missed, row_count = filled.run_rolled_back(shift_each)
    assert missed == []
    assert row_count > 20


@pytest.mark.parametrize("corruption", ALL_CORRUPTIONS.values(), ids=ALL_CORRUPTIONS)
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
