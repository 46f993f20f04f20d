"""What the service is held to, and whether a run reached it."""

from statistics import median

import msgspec

from tests.bench.figures import Figures, ratio
from tests.bench.servers import BARE, CHECK_FEW, CHECK_POSTGRES, CHECK_SQLITE, NAIVE


class Goal(msgspec.Struct, frozen=True):
    """A figure and its limit; `goal` is what it should come to one day."""

    what: str
    figure: float
    limit: float
    goal: float
    is_ceiling: bool = False

    @property
    def is_held(self) -> bool:
        return self.figure <= self.limit if self.is_ceiling else self.figure >= self.limit

    @property
    def is_reached(self) -> bool:
        return self.figure <= self.goal if self.is_ceiling else self.figure >= self.goal


def goals(figures: Figures) -> list[Goal]:
    """Each promise about speed, with the figure of this run."""
    return [*_of_checks(figures), *_of_the_rest(figures)]


def _of_checks(figures: Figures) -> list[Goal]:
    ours, bare = figures.of(CHECK_POSTGRES, 64), figures.of(BARE, 64)
    ours_256, bare_256 = figures.of(CHECK_POSTGRES, 256), figures.of(BARE, 256)
    rates = {name: figures.of(name, 64).per_second for name in (CHECK_FEW, CHECK_SQLITE, NAIVE)}
    of_bare = ratio(ours.per_second, bare.per_second).median
    of_bare_256 = ratio(ours_256.per_second, bare_256.per_second).median
    p99 = ratio(ours.p99_ms, bare.p99_ms).median
    cpu = ratio(ours.cpu_us, bare.cpu_us).median
    sqlite = ratio(rates[CHECK_SQLITE], bare.per_second).median
    naive = ratio(ours.per_second, rates[NAIVE]).median
    grown = ratio(ours.per_second, rates[CHECK_FEW]).median
    return [
        Goal("Check on PostgreSQL, of the bare server, 64 connections", of_bare, 0.55, 0.70),
        Goal("Check on PostgreSQL, of the bare server, 256 connections", of_bare_256, 0.70, 0.85),
        Goal("Its p99, times the bare server's, 64 connections", p99, 2.5, 2.5, is_ceiling=True),
        Goal("Its CPU, times the bare server's, 64 connections", cpu, 1.6, 1.25, is_ceiling=True),
        Goal("Check on SQLite, of the bare server, 64 connections", sqlite, 0.50, 0.50),
        Goal("Check on PostgreSQL, times the naive one, 64 connections", naive, 15, 15),
        Goal("Rate with 1,000,000 unlocks, of that with 10,000", grown, 0.90, 0.90),
    ]


def _of_the_rest(figures: Figures) -> list[Goal]:
    spread = ratio(figures.unlocks.spread, figures.unlocks.pgbench).median
    ready = median(figures.ready_seconds)
    return [
        Goal("Spread unlocks, of pgbench", spread, 0.35, 0.5),
        Goal(
            "Memory of a worker after the run, MiB", figures.memory_mib, 110, 110, is_ceiling=True
        ),
        Goal("Start to ready, seconds", ready, 1.5, 1.5, is_ceiling=True),
    ]
