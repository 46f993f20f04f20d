"""The hour: readers and payers at a steady pace, and a flood every ninety seconds."""

import asyncio
import math
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

from paywall.sandbox.stripe.stand_in import StandIn
from tests.postgres import free_port
from tests.sandbox.stripe.stand_in_server import serve_stand_in
from tests.soak.floods import FLOODS, Flood, flooding
from tests.soak.samples import Sample, growth, middle, take_sample
from tests.torture import verify
from tests.torture.caller import Caller
from tests.torture.journal import Journal
from tests.torture.machine import Machine, machine
from tests.torture.payers import buying_from
from tests.torture.readers import (
    Turn,
    buy_and_return,
    read_without_credits,
    take_turns,
    unlock_as_hot_reader,
)
from tests.torture.shop import Tokens, put_articles, stock
from tests.torture.webhooks import Deliveries

MINUTES_MIN = 12
FLOOD_SECONDS, CALM_SECONDS = 20, 70
# What a flood took is back after the calm, once caches are filled.
BACK_WITHIN_BYTES = 20 * 2**20
COMPARED_FROM, COMPARED_UNTIL, COMPARED_LAST = 7.0, 13.0, 6.0
GROWTH_MAX = 0.05
PAUSE_SECONDS = 2.0
CLIENTS: Sequence[tuple[Turn, int]] = (
    (unlock_as_hot_reader, 8),
    (read_without_credits, 4),
    (buy_and_return, 2),
)
UNSERVED_MAX = 0.001
TOKEN_MINUTES = 20

Report = Callable[[str], None]


@dataclass
class Soak:
    """One run; `samples` are taken before each flood and at the end."""

    it: Machine
    metrics_port: int
    stand_in: StandIn
    chance: random.Random
    report: Report
    began: float
    journal: Journal = field(default_factory=Journal)
    samples: list[Sample] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    _tokens: dict[str, tuple[float, str]] = field(default_factory=dict)

    @property
    def minute(self) -> float:
        return (time.monotonic() - self.began) / 60

    async def run(self, minutes: float) -> None:
        """Load until the end, with one flood after the other."""
        service = self.it.service
        await put_articles(service.address, service.site_token("admin"))
        delivered = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            turns = [turn for turn, number in CLIENTS for _ in range(number)]
            loading = [
                tasks.create_task(self._client(turn))
                for turn in [*turns, buying_from(self.stand_in)]
            ]
            events = Deliveries(self.stand_in, service.address, self.journal, self.chance)
            delivering = tasks.create_task(events.run(delivered))
            await asyncio.sleep(CALM_SECONDS)
            for one in cycle(FLOODS):
                await self._suffer(one)
                if self.minute >= minutes:
                    break
            self.ending.set()
            await asyncio.gather(*loading)
            delivered.set()
            await delivering

    async def _suffer(self, one: Flood) -> None:
        before = self._take_sample()
        port = int(self.it.service.address.rpartition(":")[2])
        async with flooding(one, port, self.chance) as opened:
            await asyncio.sleep(FLOOD_SECONDS)
            during = take_sample(self.it.service, self.metrics_port, self.minute)
        await asyncio.sleep(CALM_SECONDS)
        after = self._take_sample()
        is_warm = before.minute >= COMPARED_FROM
        if is_warm and after.resident_bytes > before.resident_bytes + BACK_WITHIN_BYTES:
            self.broken.append(f"{one.name}: {before} before, {after} a minute later")
        self.report(
            f"[{self.minute:5.1f} min] {one.name}, {opened[0]:,} connections: {during};"
            f" then {after}; {self.journal.acknowledged:,} acknowledged,"
            f" {self.journal.statuses[503]} × 503, {self.journal.unanswered} unanswered"
        )

    def _take_sample(self) -> Sample:
        self.samples.append(take_sample(self.it.service, self.metrics_port, self.minute))
        return self.samples[-1]

    async def _client(self, turn: Turn) -> None:
        async def paced(caller: Caller, tokens: Tokens, number: int) -> None:
            await asyncio.sleep(PAUSE_SECONDS)
            caller.token = self._site_token()
            await turn(caller, tokens, number)

        chance = random.Random(self.chance.random())
        caller = Caller.at(self.it.service.address, self.journal, chance, self._site_token())
        await take_turns(caller, Tokens(caller.token, self._reader_token), paced, self.ending)

    def _site_token(self) -> str:
        """One for a while, as a site does: each new one would fill the cache of verified tokens."""
        return self._token_of("", lambda _: self.it.service.site_token("admin"))

    def _reader_token(self, reader_id: str) -> str:
        return self._token_of(reader_id, self.it.service.reader_token)

    def _token_of(self, reader_id: str, mint: Callable[[str], str]) -> str:
        made_at, token = self._tokens.get(reader_id, (-math.inf, ""))
        if self.minute - made_at > TOKEN_MINUTES:
            self._tokens[reader_id] = made_at, token = self.minute, mint(reader_id)
        return token

    def judge(self) -> list[str]:
        """What did not hold."""
        tenth = [s for s in self.samples if COMPARED_FROM <= s.minute <= COMPARED_UNTIL]
        last = [s for s in self.samples if s.minute >= self.samples[-1].minute - COMPARED_LAST]
        first, end = middle(tenth), middle(last)
        self.report(f"Tenth minute: {first}\nEnd: {end}")
        statuses = self.journal.statuses
        unserved = statuses[503] + self.journal.unanswered
        total = sum(statuses.values()) + self.journal.unanswered
        self.report(
            f"Answers: {dict(sorted(statuses.items()))}; {self.journal.unanswered} without one"
        )
        late = [f"{unserved} of {total} requests were not served"]
        return [
            *self.broken,
            *growth(first, end, GROWTH_MAX),
            *(late if unserved > UNSERVED_MAX * total else []),
            *self.journal.sentences(),
        ]


async def soak(minutes: float, seed: int, report: Report) -> list[str]:
    """Run on PostgreSQL for so long; returns what did not hold."""
    chance = random.Random(seed)
    stand_in = StandIn(datetime.now(UTC), id_namespace=f"s{seed}")
    metrics_port = free_port()
    with tempfile.TemporaryDirectory(prefix="paywall-soak-") as folder:
        async with serve_stand_in(stand_in):
            with machine("postgresql", Path(folder), stand_in.account.address) as it:
                it.environment["PAYWALL_METRICS_PORT"] = str(metrics_port)
                await stock(it.settings)
                with it.serving() as served:
                    run = Soak(it, metrics_port, stand_in, chance, report, time.monotonic())
                    await run.run(minutes)
                    broken = run.judge()
                    if served.stop() != 0:
                        broken.append("The service did not stop when it was asked to.")
                await verify.check_acknowledged(it.settings, run.journal)
                await verify.run_audits(it.settings, run.journal)
                return [*broken, *(run.journal.sentences() if not broken else [])]
