"""What every part of a history shares: its store, its model, its clock and its names."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database import Database
from paywall.rules.words import Actor
from paywall.settings import Settings
from tests.conftest import START, SetClock
from tests.model import Model

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
