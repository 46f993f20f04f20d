"""What every history has: readers, time, and the question that is asked after each step."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.access.standing import Facts, Viewer, load
from paywall.credits.expiry import enter_expired
from paywall.database import Database
from paywall.operations.housekeeping import tidy
from paywall.rules.decision import Decision, decide
from paywall.rules.words import Actor, ViewerKind
from paywall.settings import Settings
from tests.conftest import START, SetClock
from tests.histories.model import Answer, Model

T = TypeVar("T")
ACTOR = Actor("test", "history", "0")
ZONE = "Asia/Phnom_Penh"
HOURS = st.sampled_from([0, 1, 5, 24, 24 * 6, 24 * 31])
ARTICLES = ["a", "b", "c", "d"]
_runs = itertools.count(1)


class History(RuleBasedStateMachine):
    """One history: its readers and articles bear its number, so that all share one database."""

    runner: asyncio.Runner
    database: Database
    clock: SetClock
    settings: Settings

    @initialize()
    def begin(self) -> None:
        self.number = next(_runs)
        self.clock.at = START
        self.model = Model(START, ZONE, self.settings.meter_limit)
        self.readers = [self.name("r1"), self.name("r2")]
        self.viewers = [
            ("reader", self.readers[0]), ("reader", self.readers[1]),
            ("visitor", self.name("r1")),
        ]  # fmt: skip

    def name(self, of: str) -> str:
        return f"{self.number}-{of}"

    def run(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        async def inside() -> T:
            async with self.database.writing() as session:
                return await work(session)

        return self.runner.run(inside())

    @rule(hours=HOURS, seconds=st.sampled_from([0, 0, 1, -1]))
    def time_moves(self, hours: int, seconds: int) -> None:
        by = max(timedelta(hours=hours, seconds=seconds), timedelta())
        self.model.move(by)
        self.clock.at = self.model.now

    @rule()
    def keep_house(self) -> None:
        self.runner.run(tidy(self.database, [enter_expired]))

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


def assert_same(decision: Decision, expected: Answer) -> None:
    got = Answer(
        decision.granted, decision.reason, decision.unlocks_left, decision.unlock_cost,
        [*decision.actions],
    )  # fmt: skip
    assert got == expected
