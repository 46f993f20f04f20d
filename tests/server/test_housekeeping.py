"""Housekeeping is done by one process at a time, and one failing step stops no other."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from prometheus_client import REGISTRY
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.credits.expiry import ACTOR
from paywall.credits.grant import GrantTerms, grant_credits
from paywall.database.engine import Database
from paywall.database.tables import LedgerEntry
from paywall.json_log import JsonLines
from paywall.rules.enums import EntryKind, GrantSource
from paywall.server.housekeeping import STEPS, run_housekeeping_once
from paywall.settings import Settings
from tests.conftest import SetClock


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

    first = asyncio.create_task(run_housekeeping_once(database, [slow]))
    await started.wait()
    await run_housekeeping_once(other_process, [quick])
    assert done == []
    finish.set()
    await first
    await run_housekeeping_once(other_process, [quick])
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
        await run_housekeeping_once(database, [failing, next_one])
    assert done == ["next"]
    (record,) = caplog.records
    assert "failing" in JsonLines().format(record)


async def test_a_step_is_asked_until_nothing_is_left(database: Database) -> None:
    left = [2, 1, 0, 7]

    async def batch(_session: AsyncSession, _now: datetime) -> int:
        return left.pop(0)

    await run_housekeeping_once(database, [batch])
    assert left == [7]


async def test_expired_credits_are_entered_and_the_rest_is_shown(
    database: Database, clock: SetClock
) -> None:
    async with database.writing() as session:
        for reader_id, hours in (("ann", 1), ("bob", 2), ("eve", 99)):
            expires_at = clock.now() + timedelta(hours=hours)
            terms = GrantTerms(reader_id, 3, GrantSource.PROMOTION, reader_id, expires_at)
            await grant_credits(session, terms, actor=ACTOR, clock=clock)
    clock.move(hours=2)
    await run_housekeeping_once(database, STEPS)
    async with database.reading() as session:
        entries = select(LedgerEntry.reader_id, LedgerEntry.amount).where(
            LedgerEntry.kind == EntryKind.EXPIRED
        )
        assert set((await session.exec(entries)).all()) == {("ann", -3), ("bob", -3)}
    assert REGISTRY.get_sample_value("paywall_credits_outstanding") == 3
