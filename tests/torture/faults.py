"""Faults, each a context: it fails on entering, and is whole again after leaving."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from random import Random
from typing import NamedTuple

from paywall.sandbox.stripe.faults import Fault as StripeFault
from paywall.sandbox.stripe.stand_in import StandIn
from tests.postgres import psql
from tests.torture.machine import Machine

POINTS = ("before-commit", "after-commit", "before-stripe", "after-stripe")
POINT_WITHIN_SECONDS = 15
LOOK_EVERY_SECONDS = 0.02
MINUTE, DAY = 60, 86_400
CLOCK_WRONG_SECONDS = 5
AFTER_A_WORKER_SECONDS, AFTER_A_DATABASE_SECONDS = 5, 10
MIB = 2**20
STRIPE_CALLS_FAIL = 12
STRIPE_PATHS = ("/v1/.*", "/v1/checkout/.*", "/v1/subscriptions/.*", "/v1/customers.*")

Begin = Callable[[Machine, Random], AbstractContextManager[None]]


class Fault(NamedTuple):
    """`back_within_seconds` of its end writes succeed again; `weight` is how often it comes."""

    name: str
    begin: Begin
    back_within_seconds: float = AFTER_A_WORKER_SECONDS
    weight: int = 1


@contextmanager
def worker_killed(
    it: Machine, chance: Random, before_the_next: Callable[[], None] | None = None
) -> Iterator[None]:
    """On SQLite something can be done before the service starts again."""
    it.kill_worker(chance.choice(it.service.workers()), before_the_next)
    yield


@contextmanager
def killed_at(point: str, it: Machine, chance: Random) -> Iterator[None]:
    """The first worker that comes to the point dies there."""
    del chance
    mark = it.marks / point
    mark.touch()
    deadline = time.monotonic() + POINT_WITHIN_SECONDS
    while mark.exists() and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_SECONDS)
    if mark.exists():
        mark.unlink(missing_ok=True)
    else:
        it.start_again()
    yield


@contextmanager
def everything_killed(it: Machine, chance: Random) -> Iterator[None]:
    del chance
    it.kill_everything()
    yield
    if it.server is not None:
        it.server.start()
    it.service.start()
    it.service.wait_until_ready()


@contextmanager
def worker_frozen(it: Machine, chance: Random) -> Iterator[None]:
    pid = chance.choice(it.service.workers())
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
    yield
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


@contextmanager
def clock_wrong(seconds: int, it: Machine, chance: Random) -> Iterator[None]:
    """A worker starts with a wrong clock; afterwards it is replaced by one with the right one."""
    before = set(it.service.workers())
    (it.marks / "clock").write_text(str(seconds))
    it.kill_worker(chance.choice(sorted(before)))
    deadline = time.monotonic() + POINT_WITHIN_SECONDS
    while not (started := set(it.service.workers()) - before) and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_SECONDS)
    # So that it also answers.
    time.sleep(CLOCK_WRONG_SECONDS)
    yield
    (it.marks / "clock").unlink()
    for pid in started:
        it.kill_worker(pid)


@contextmanager
def disk_full(it: Machine, chance: Random) -> Iterator[None]:
    """PostgreSQL ends itself when it cannot write its log: it is started again."""
    del chance
    filler = it.disk / "filler"
    with filler.open("wb") as file, suppress(OSError):
        while True:
            file.write(bytes(MIB))
    yield
    filler.unlink()
    if it.server is not None:
        it.server.stop()
        it.server.start()


def postgres_faults() -> Sequence[Fault]:
    """Those of the database: it has ten seconds to be back."""

    @contextmanager
    def killed(it: Machine, chance: Random) -> Iterator[None]:
        del chance
        assert it.server is not None
        it.server.kill()
        yield
        it.server.start()

    @contextmanager
    def frozen(it: Machine, chance: Random) -> Iterator[None]:
        del chance
        assert it.server is not None
        with it.server.frozen():
            yield

    @contextmanager
    def cut(it: Machine, chance: Random) -> Iterator[None]:
        del chance
        assert it.server is not None
        psql(
            f"{it.server.address}/postgres",
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'store'",
        )
        yield

    @contextmanager
    def locked(it: Machine, chance: Random) -> Iterator[None]:
        """All writers wait for a lock, until every connection of the pool does."""
        del chance
        assert it.server is not None
        holding = it.server.hold("store", "lock table subscriber in exclusive mode")
        with holding:
            yield

    return [
        Fault("a worker killed", worker_killed, weight=3),
        Fault("PostgreSQL killed", killed, AFTER_A_DATABASE_SECONDS, weight=2),
        Fault("PostgreSQL frozen", frozen, AFTER_A_DATABASE_SECONDS),
        Fault("connections cut", cut, AFTER_A_DATABASE_SECONDS),
        Fault("a lock held, the pool exhausted", locked, AFTER_A_DATABASE_SECONDS),
        Fault("a worker's clock wrong by a minute", partial(clock_wrong, MINUTE)),
        Fault("a worker's clock wrong by a day", partial(clock_wrong, -DAY)),
    ]


def stripe_fault(stand_in: StandIn) -> Fault:
    @contextmanager
    def failing(it: Machine, chance: Random) -> Iterator[None]:
        del it
        for _ in range(STRIPE_CALLS_FAIL):
            fault = chance.choice(list(StripeFault))
            method, path = chance.choice(("GET", "POST", "POST")), chance.choice(STRIPE_PATHS)
            stand_in.faults.plan(fault, method, path)
        yield
        stand_in.faults.planned.clear()

    return Fault("Stripe fails", failing, weight=2)


def faults_of_both(stand_in: StandIn, *, has_small_disk: bool) -> list[Fault]:
    faults = [Fault(f"killed {point}", partial(killed_at, point)) for point in POINTS]
    faults.append(Fault("a worker frozen", worker_frozen))
    faults.append(Fault("everything killed", everything_killed, AFTER_A_DATABASE_SECONDS))
    faults.append(stripe_fault(stand_in))
    if has_small_disk:
        faults.append(Fault("disk full", disk_full, AFTER_A_DATABASE_SECONDS))
    return faults
