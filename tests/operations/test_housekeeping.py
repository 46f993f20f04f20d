"""Housekeeping is done by one process at a time, and one failing step stops no other."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import datetime

import pytest
import sqlalchemy as sa
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database import Database
from paywall.operations.housekeeping import tidy
from paywall.settings import Settings


@pytest.fixture
async def other_process(settings: Settings) -> AsyncIterator[Database]:
    """What a second worker has: connections of its own."""
    database = Database(settings)
    yield database
    await database.close()


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_of_two_processes_one_keeps_house(
    database: Database, other_process: Database
) -> None:
    started, finish = asyncio.Event(), asyncio.Event()
    done: list[str] = []

    async def slow(_session: AsyncSession, _now: datetime) -> int:
        started.set()
        await finish.wait()
        done.append("first")
        return 0

    async def quick(_session: AsyncSession, _now: datetime) -> int:
        done.append("second")
        return 0

    first = asyncio.create_task(tidy(database, [slow]))
    await started.wait()
    await tidy(other_process, [quick])
    assert done == []
    finish.set()
    await first
    await tidy(other_process, [quick])
    assert done == ["first", "second"]


async def test_a_failing_step_is_logged_and_stops_no_other(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []

    async def failing(session: AsyncSession, _now: datetime) -> int:
        await (await session.connection()).execute(sa.text("select * from nowhere"))
        return 0

    async def next_one(_session: AsyncSession, _now: datetime) -> int:
        done.append("next")
        return 0

    with caplog.at_level(logging.ERROR):
        await tidy(database, [failing, next_one])
    assert done == ["next"]
    assert [record.fields for record in caplog.records] == [{"step": "failing"}]  # type: ignore[attr-defined]  # ours, by `extra`


async def test_a_step_is_asked_until_nothing_is_left(database: Database) -> None:
    left = [2, 1, 0, 7]

    async def batch(_session: AsyncSession, _now: datetime) -> int:
        return left.pop(0)

    await tidy(database, [batch])
    assert left == [7]
