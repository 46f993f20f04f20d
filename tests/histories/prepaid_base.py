"""What a random history of prepaid time has: three ids, a clock, a slow model, and checks."""

import itertools
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from random import Random
from typing import ClassVar, TypeVar

from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.engine import Database
from paywall.settings import Settings
from tests.conftest import START, SetClock
from tests.histories.prepaid_compare import Expected, compare
from tests.histories.prepaid_model import Prepaid, PrepaidModel
from tests.histories.stripe_side import Billed, Customer, Invoice, Sale

T = TypeVar("T")
HOURS = (1, 5, 24, 24, 24 * 3, 24 * 6, 24 * 20, 24 * 31)
ZONES = ("UTC", "Asia/Phnom_Penh", "America/New_York", "Europe/Berlin")
# A history begins at a time at which months differ, or clocks are about to change.
BEGINS = (0, 24 * 37, 24 * 66, 24 * 79, 24 * 95, 24 * 108 + 19)
COMPARED = 0.3
_numbers = itertools.count(1)


class PrepaidBase:
    """One history. A rule draws its choices from `chance` and returns its outcome in a word."""

    RULES: ClassVar[dict[str, int]] = {"time_moves": 7}

    def __init__(
        self, database: Database, settings: Settings, chance: Random, happened: Counter[str]
    ) -> None:
        self.database, self.settings = database, settings
        self.chance, self.happened = chance, happened
        self.number = next(_numbers)
        self.clock = SetClock(START + timedelta(hours=chance.choice(BEGINS)))
        self.zone = chance.choice(ZONES)
        self.model = PrepaidModel()
        self.readers = [self.name(of) for of in ("a", "b", "c")]
        self.sales: list[Sale] = []
        self.billed: list[Billed] = []
        self.customers: list[Customer] = []
        # What Stripe has not delivered yet.
        self.outstanding: list[Sale | Billed | Invoice] = []

    @property
    def now(self) -> datetime:
        return self.clock.at

    def name(self, of: str) -> str:
        return f"{self.number}-{of}"

    def reader(self) -> str:
        return self.chance.choice([self.readers[0], self.readers[0], *self.readers])

    async def write(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        async with self.database.writing() as session:
            return await work(session)

    async def play(self, steps: int) -> None:
        await self.begin()
        weighted = [rule for rule, weight in self.RULES.items() for _ in range(weight)]
        for _ in range(steps):
            rule = self.chance.choice(weighted)
            self.happened[f"{rule} {await getattr(self, rule)()}"] += 1
            if not self.outstanding and self.chance.random() < COMPARED:
                await self.compare()
        await self.deliver_all()
        await self.compare()
        for one in self.model.prepaid:
            # What was paid is used, except what was taken back or ended by the reader.
            assert one.is_used_up() or one.is_removed(self.now), one
            self.count_effects(one)
        for cover in self.model.covers:
            withdrawn = [credit for credit in cover.credits if not credit.holds(self.now)]
            self.happened["effect credit_withdrawn"] += len(withdrawn)

    def count_effects(self, one: Prepaid) -> None:
        self.happened["effect interrupted"] += len(one.uses) > 1
        self.happened["effect followed_months"] += one.counted_months > one.months > 0
        self.happened["effect removed_in_use"] += one.left != timedelta() and bool(one.uses)
        self.happened["effect removed_unused"] += not one.uses
        self.happened["effect merged"] += len(one.holder.ids) > 1

    async def time_moves(self) -> str:
        self.clock.move(hours=self.chance.choice(HOURS))
        return "on"

    async def begin(self) -> None:
        """What every history starts with."""
        raise NotImplementedError

    async def deliver_all(self) -> str:
        raise NotImplementedError

    async def compare(self) -> None:
        expected = Expected(self.model, self.billed, self.settings, self.now)
        async with self.database.reading() as session:
            await compare(session, expected, self.readers)
