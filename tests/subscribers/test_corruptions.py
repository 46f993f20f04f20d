"""Whatever is changed past the service, the audit names the row and what is wrong."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
import sqlalchemy as sa
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database import Database
from paywall.migrations import FOLDER
from paywall.migrations.upgrade import upgrade
from paywall.settings import Settings
from paywall.subscribers.audit import Finding, audit
from tests.conftest import _drop, _new_postgres_database
from tests.subscribers.corruptions import CORRUPTIONS, Corruption
from tests.subscribers.rich import make_rich

T = TypeVar("T")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def rich(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a database with everything that the audit proves."""
    folder = tmp_path_factory.mktemp("rich")
    if request.param == "sqlite":
        path = folder / "rich.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        address = f"sqlite:///{path}"
    else:
        server = request.getfixturevalue("postgres_template").rpartition("/")[0]
        address = _new_postgres_database(server, "template_paywall")
    asyncio.run(make_rich(address, folder))
    yield address
    if request.param == "postgresql":
        _drop(address)


class RolledBack(Exception):  # noqa: N818 (not an error)
    pass


def tried(address: str, folder: Path, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
    """Do something in a transaction that is rolled back."""

    async def run() -> T:
        database = Database(Settings(database_url=address, data_dir=str(folder)))
        done: list[T] = []
        try:
            async with database.writing() as session:
                done.append(await work(session))
                raise RolledBack
        except RolledBack:
            return done[0]
        finally:
            await database.close()

    return asyncio.run(run())


def test_a_sound_database_has_no_finding(rich: str, tmp_path: Path) -> None:
    assert tried(rich, tmp_path, audit) == []


def test_the_migration_counts_what_was_there_before(rich: str, tmp_path: Path) -> None:
    async def migrate_again(session: AsyncSession) -> list[Finding]:
        connection = await session.connection()
        for statement in (
            "drop table subscriber_totals",
            "update alembic_version set version_num = '0004'",
        ):
            await connection.execute(sa.text(statement))
        await connection.run_sync(upgrade, FOLDER)
        return await audit(session)

    assert tried(rich, tmp_path, migrate_again) == []


@pytest.mark.parametrize("corruption", CORRUPTIONS.values(), ids=CORRUPTIONS)
def test_a_corruption_is_named(rich: str, tmp_path: Path, corruption: Corruption) -> None:
    async def corrupt(session: AsyncSession) -> tuple[object, list[Finding]]:
        connection = await session.connection()
        found = (await connection.execute(sa.text(corruption.of))).scalar()
        assert found is not None, "the database has no such row"
        for statement in corruption.done:
            changed = await connection.execute(sa.text(statement.format(x=found)))
            assert changed.rowcount > 0 or "delete from checkout" in statement
        return found, await audit(session)

    found, findings = tried(rich, tmp_path, corrupt)
    rows = [row for finding in findings for row in finding.rows]
    said = corruption.said.format(x=found)
    assert any(said in row for row in rows), (said, findings)
