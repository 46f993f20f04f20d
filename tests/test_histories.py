"""Random histories: the real store and the slow model answer alike, and the audit passes."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis.stateful import invariant, run_state_machine_as_test

from paywall.access.standing import Facts, Viewer, load
from paywall.database import Database
from paywall.rules.decision import decide
from paywall.rules.words import ViewerKind
from paywall.settings import Settings
from paywall.subscribers.audit import Finding, audit
from tests.conftest import SetClock
from tests.histories.access import Access, assert_same
from tests.histories.articles import Articles
from tests.histories.base import ARTICLES, ZONE
from tests.histories.credits import Credits


class Histories(Articles, Credits, Access):
    """All that can happen, in any order."""

    @invariant()
    def everybody_gets_the_same_answer(self) -> None:
        if not hasattr(self, "viewers"):
            return
        for kind, viewer, facts in self.runner.run(self.all_facts()):
            decision = decide(facts.terms, facts.standing, self.clock.now())
            assert_same(decision, self.model.ask(kind, viewer, facts.article_id))

    async def all_facts(self) -> list[tuple[str, str, Facts]]:
        names = [self.name(article) for article in ARTICLES]
        now = self.clock.now()
        async with self.database.reading() as session:
            return [
                (kind, viewer, facts)
                for kind, viewer in self.viewers
                for facts in await load(
                    session, Viewer(ViewerKind(kind), viewer), names,
                    settings=self.settings, now=now,
                )
            ]  # fmt: skip


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
