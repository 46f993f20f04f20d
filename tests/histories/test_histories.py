"""Random histories: the real store and the slow model answer alike, and the audit passes."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis.stateful import (
    run_state_machine_as_test,
)

from paywall.database import Database
from paywall.settings import Settings
from paywall.subscribers.audit import Finding, audit
from tests.conftest import SetClock
from tests.histories.base import ZONE
from tests.histories.credits import Credits
from tests.histories.desk import Desk
from tests.histories.payments import Payments


class Histories(Credits, Payments, Desk):
    """All of them together."""


@contextmanager
def store(settings: Settings, clock: SetClock) -> Iterator[tuple[asyncio.Runner, Database]]:
    with asyncio.Runner() as runner:
        database = Database(settings, clock)
        try:
            yield runner, database
        finally:
            runner.run(database.close())


def test_any_history_ends_as_in_the_slow_model(database_url: str, clock: SetClock) -> None:
    settings = Settings(database_url=database_url, meter_timezone=ZONE, meter_limit=2)
    with store(settings, clock) as (runner, database):
        Histories.runner, Histories.database = runner, database
        Histories.clock, Histories.settings = clock, settings
        run_state_machine_as_test(Histories)
        assert runner.run(_audit(database)) == []


async def _audit(database: Database) -> list[Finding]:
    async with database.reading() as session:
        return await audit(session)
