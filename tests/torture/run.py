"""One run under torture: load, one fault after the other, and then everything is verified."""

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import httpx

from paywall.sandbox.stripe.stand_in import StandIn
from tests.sandbox.stripe.stand_in_server import serve_stand_in
from tests.torture import verify
from tests.torture.caller import Caller
from tests.torture.faults import Fault, faults_of_both, postgres_faults
from tests.torture.files import sqlite_faults
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

LASTS_SECONDS = (0.5, 4.0)
CALM_SECONDS = (0.5, 2.0)
BACK = "the service is back in time"
LOADED = "the load and the faults end by themselves"
VERIFIED = "what is left can be verified"
STOPS = "the service stops when it is asked to"
# Where the machine is not our own, and time is not judged.
BACK_MAX_SECONDS = 300
PROBES_IN_A_ROW = 5
PROBE_TIMEOUT_SECONDS = 2
PROGRESS_EVERY_SECONDS = 5
ERRORS_MAX = 10
EVENTS_CHECKED_EVERY_SECONDS = 1
CLIENTS: Sequence[tuple[Turn, int]] = (
    (unlock_as_hot_reader, 6),
    (read_without_credits, 1),
    (buy_and_return, 2),
)
PAYERS = 2

Say = Callable[[str], None]


@dataclass
class Run:
    """What happened; `back` has the seconds until the service was back, by the fault's name."""

    kind: str
    seed: int
    journal: Journal = field(default_factory=Journal)
    back: dict[str, list[float]] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)
    dropped: int = 0
    handled_again: int = 0
    # The newest that the service logged.
    errors: list[str] = field(default_factory=list)
    seconds: float = 0


@dataclass
class Torture:
    """`faults` are taken until they end; timing is only judged where the machine is our own."""

    run: Run
    it: Machine
    stand_in: StandIn
    chance: Random
    say: Say
    is_timed: bool
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    doing: str = "load alone"

    async def suffer(self, faults: Iterator[Fault]) -> None:
        """Load, and fault after fault, until something is broken or they end."""
        token = self.it.service.site_token("admin")
        reader_tokens: dict[str, str] = {}

        def reader_token(reader_id: str) -> str:
            if reader_id not in reader_tokens:
                reader_tokens[reader_id] = self.it.service.reader_token(reader_id)
            return reader_tokens[reader_id]

        await put_articles(self.it.service.address, token)
        tokens = Tokens(token, reader_token)
        async with asyncio.TaskGroup() as tasks:
            turns = [turn for turn, number in CLIENTS for _ in range(number)]
            turns += [buying_from(self.stand_in)] * PAYERS
            loading = [tasks.create_task(self._client(turn, tokens)) for turn in turns]
            address = self.it.service.address
            deliveries = Deliveries(
                self.stand_in, address, self.run.journal, Random(self.chance.random())
            )
            delivered = asyncio.Event()
            delivering = tasks.create_task(deliveries.run(delivered))
            watching = [tasks.create_task(self._watch()), tasks.create_task(self._report())]
            for fault in faults:
                await self._inflict(fault, tokens)
                if self.run.journal.broken:
                    break
            self.ending.set()
            self.doing = "the last turns"
            await asyncio.gather(*loading)
            delivered.set()
            await delivering
            for task in watching:
                task.cancel()
        self.run.dropped = deliveries.dropped

    async def _client(self, turn: Turn, tokens: Tokens) -> None:
        chance = Random(self.chance.random())
        caller = Caller.at(self.it.service.address, self.run.journal, chance, tokens.site)
        await take_turns(caller, tokens, turn, self.ending)

    async def _inflict(self, fault: Fault, tokens: Tokens) -> None:
        self.doing = fault.name
        with ExitStack() as stack:
            failing = fault.begin(self.it, self.chance)
            await asyncio.to_thread(stack.enter_context, failing)
            await asyncio.sleep(self.chance.uniform(*LASTS_SECONDS))
            await asyncio.to_thread(stack.close)
        self.doing = f"back after: {fault.name}"
        seconds = await self._seconds_until_back(tokens)
        self.run.back.setdefault(fault.name, []).append(seconds)
        self.run.limits[fault.name] = fault.back_within_seconds
        limit = fault.back_within_seconds * _slowness() if self.is_timed else BACK_MAX_SECONDS
        self.run.journal.check(BACK, seconds <= limit, f"{fault.name}: {seconds:.1f} s")
        self.doing = "load alone"
        await asyncio.sleep(self.chance.uniform(*CALM_SECONDS))

    async def _seconds_until_back(self, tokens: Tokens) -> float:
        """Until the first of some writes in a row, each on a new connection."""
        began = time.monotonic()
        in_a_row: list[float] = []
        limits = httpx.Limits(max_keepalive_connections=0)
        headers = {"Authorization": f"Bearer {tokens.site}"}
        async with httpx.AsyncClient(
            base_url=self.it.service.address,
            headers=headers, timeout=PROBE_TIMEOUT_SECONDS, limits=limits,
        ) as http:  # fmt: skip
            while len(in_a_row) < (PROBES_IN_A_ROW if self.is_timed else 1):
                after = time.monotonic() - began
                if after > BACK_MAX_SECONDS or self.run.journal.broken:
                    return after
                in_a_row = [*in_a_row, after] if await self._is_written(http) else []
        return in_a_row[0]

    async def _is_written(self, http: httpx.AsyncClient) -> bool:
        reference = f"probe-{self.chance.getrandbits(64):x}"
        given = {"amount": 1, "source": "promotion", "reference": reference}
        try:
            answer = await http.post("/v1/subscribers/probe/grants", json=given)
        except httpx.TransportError:
            return False
        return answer.is_success

    async def _watch(self) -> None:
        """An accepted event was handled already, and not only by a later reconcile."""
        seen = 0
        while True:
            await asyncio.sleep(EVENTS_CHECKED_EVERY_SECONDS)
            events = self.run.journal.events[seen:]
            try:
                await asyncio.wait_for(
                    verify.check_events(self.it.settings, self.run.journal, events), 5
                )
            except Exception:  # noqa: BLE001, S112 (the database is away: they are looked at again)
                continue
            seen += len(events)

    async def _report(self) -> None:
        began = time.monotonic()
        while True:
            await asyncio.sleep(PROGRESS_EVERY_SECONDS)
            journal, seconds = self.run.journal, time.monotonic() - began
            self.say(
                f"[{seconds:5.0f} s] {self.doing}; {journal.acknowledged:,} acknowledged,"
                f" {journal.statuses[503]:,} × 503, {journal.unanswered:,} unanswered,"
                f" {sum(map(len, journal.broken.values()))} broken"
            )


def _errors(log: Path) -> list[str]:
    lines = log.read_text(errors="replace").splitlines()
    return [line for line in lines if '"level": "error"' in line][-ERRORS_MAX:]


def _slowness() -> float:
    """The times are those of a machine of its own: others beside make them longer."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def endless(faults: Sequence[Fault], chance: Random, seconds: float) -> Iterator[Fault]:
    """All faults by their weight, in a new random order each time, for so long."""
    until = time.monotonic() + seconds
    while True:
        order = [fault for fault in faults for _ in range(fault.weight)]
        chance.shuffle(order)
        for fault in order:
            if time.monotonic() > until:
                return
            yield fault


async def torture(
    kind: str,
    seed: int,
    say: Say,
    choose: Callable[[Sequence[Fault], Random], Iterator[Fault]],
    *,
    is_timed: bool,
) -> Run:
    """Run on a database of this kind; `choose` says which faults, in which order."""
    run = Run(kind, seed)
    began = time.monotonic()
    chance = Random(seed)
    stand_in = StandIn(datetime.now(UTC), id_namespace=f"t{seed}")
    interrupted = signal.getsignal(signal.SIGINT)
    with tempfile.TemporaryDirectory(prefix="paywall-torture-") as folder:
        async with serve_stand_in(stand_in):
            # The stand-in's server would take them for its own end.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, interrupted)
            with machine(kind, Path(folder), stand_in.account.address) as it:
                await stock(it.settings)
                faults = faults_of_both(stand_in, has_small_disk=it.has_small_disk)
                faults += postgres_faults() if it.server else sqlite_faults(run.journal)
                with it.serving() as served:
                    suffering = Torture(run, it, stand_in, chance, say, is_timed)
                    with run.journal.checking(LOADED):
                        await suffering.suffer(choose(faults, chance))
                    with run.journal.checking(STOPS):
                        assert await asyncio.to_thread(served.stop) == 0
                    run.errors = _errors(served.log)
                say("All faults are over: verifying.")
                with run.journal.checking(VERIFIED):
                    await verify.check_acknowledged(it.settings, run.journal)
                    await verify.run_audits(it.settings, run.journal)
                    run.handled_again = await verify.check_against_stripe(
                        it.settings, stand_in, run.journal
                    )
                    await verify.run_audits(it.settings, run.journal)
    run.seconds = time.monotonic() - began
    return run
