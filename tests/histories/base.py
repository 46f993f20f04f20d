"""What every random history has: readers, a clock, and a check after each step."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import Random
from typing import ClassVar, NamedTuple, TypeVar

from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.access.facts import Facts, Viewer, load_facts
from paywall.credits.expiry import record_expired
from paywall.database.engine import Database
from paywall.database.tables import Purchase
from paywall.payments.refund import record_clawbacks
from paywall.rules.decision import Decision, decide
from paywall.rules.enums import Actor, ViewerKind
from paywall.rules.refunds import ClawbackSnapshot
from paywall.server.housekeeping import run_housekeeping_once
from paywall.settings import Settings
from paywall.subscriptions.prepaid import recompute_prepaid
from tests.conftest import START, SetClock
from tests.histories.model import ExpectedDecision, Model

T = TypeVar("T")
ACTOR = Actor("test", "history", "0")
ZONE = "Asia/Phnom_Penh"
HOURS = (0, 1, 5, 24, 24 * 6, 24 * 31)
SECONDS = (0, 0, 1, -1)
ARTICLES = ("a", "b", "c", "d")
_runs = itertools.count(1)


async def record_taken_back(
    session: AsyncSession, purchase_id: int, seen: list[ClawbackSnapshot], clock: SetClock
) -> None:
    """Record a purchase's refunds and disputes, and nothing else."""
    await record_clawbacks(session, purchase_id, seen, actor=ACTOR, clock=clock)
    purchase = await session.get_one(Purchase, purchase_id)
    await recompute_prepaid(session, purchase.reader_id)


class Store(NamedTuple):
    """What all histories share."""

    runner: asyncio.Runner
    database: Database
    clock: SetClock
    settings: Settings


class History:
    """One history: its readers and articles bear its number, so that all share one database.

    A rule is a method without arguments that draws its choices from `chance`, and returns its
    outcome in a word. `happened` counts the outcomes.
    """

    # Each rule by its name, with its weight.
    RULES: ClassVar[dict[str, int]] = {"time_moves": 3, "run_housekeeping": 1}

    def __init__(self, store: Store, chance: Random, happened: Counter[str]) -> None:
        self.runner, self.database, self.clock, self.settings = store
        self.chance, self.happened = chance, happened
        self.number = next(_runs)
        self.clock.at = START
        self.model = Model(START, ZONE, self.settings.meter_limit, happened)
        self.readers = [self.name("r1"), self.name("r2")]
        self.viewers = [
            ("reader", self.readers[0]), ("reader", self.readers[1]),
            ("visitor", self.name("r1")),
        ]  # fmt: skip

    def name(self, of: str) -> str:
        return f"{self.number}-{of}"

    def reader(self) -> str:
        return self.chance.choice(self.readers)

    def article(self) -> str:
        return self.name(self.chance.choice(ARTICLES))

    def play(self, steps: int) -> None:
        weighted = [rule for rule, weight in self.RULES.items() for _ in range(weight)]
        for _ in range(steps):
            rule = self.chance.choice(weighted)
            self.happened[f"{rule} {getattr(self, rule)()}"] += 1
            self.everybody_gets_the_same_answer()

    def run(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        async def inside() -> T:
            async with self.database.writing() as session:
                return await work(session)

        return self.runner.run(inside())

    def time_moves(self) -> str:
        hours, seconds = self.chance.choice(HOURS), self.chance.choice(SECONDS)
        self.model.move(max(timedelta(hours=hours, seconds=seconds), timedelta()))
        self.clock.at = self.model.now
        return "on"

    def run_housekeeping(self) -> str:
        self.runner.run(run_housekeeping_once(self.database, [record_expired]))
        return "done"

    def everybody_gets_the_same_answer(self) -> None:
        for kind, viewer, facts in self.runner.run(self.all_facts()):
            decision = decide(facts.terms, facts.viewer_state, self.clock.now())
            assert_same(decision, self.model.ask(kind, viewer, facts.article_id))

    async def all_facts(self) -> list[tuple[str, str, Facts]]:
        names = [self.name(article) for article in ARTICLES]
        now = self.clock.now()
        async with self.database.reading() as session:
            return [
                (kind, viewer, facts)
                for kind, viewer in self.viewers
                for facts in await load_facts(
                    session, Viewer(ViewerKind(kind), viewer), names,
                    settings=self.settings, now=now,
                )
            ]  # fmt: skip


def assert_same(decision: Decision, expected: ExpectedDecision) -> None:
    got = ExpectedDecision(
        decision.granted, decision.reason, decision.unlocks_left, decision.unlock_cost,
        [*decision.actions],
    )  # fmt: skip
    assert got == expected
