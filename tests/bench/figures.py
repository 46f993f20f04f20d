"""What was measured, and the ratios that follow from it. Values alone."""

from collections.abc import Sequence
from statistics import median

import msgspec


class Checks(msgspec.Struct, frozen=True):
    """One server at one number of connections; each list has a figure a round."""

    server: str
    connections: int
    per_second: list[float]
    p50_ms: list[float]
    p99_ms: list[float]
    # Processor time of the server for one request.
    cpu_us: list[float]
    # The same of PostgreSQL.
    database_cpu_us: list[float]


class Unlocks(msgspec.Struct, frozen=True):
    """New unlocks a second and pgbench's transactions a second, round by round."""

    spread: list[float]
    hot: list[float]
    pgbench: list[float]
    # Processor time of the server for one request, spread over readers.
    cpu_us: list[float]
    # The same of PostgreSQL.
    database_cpu_us: list[float]


class TokenCost(msgspec.Struct, frozen=True):
    """What verifying one token costs, at first and when it is remembered."""

    algorithm: str
    cold_us: float
    remembered_us: float


class Figures(msgspec.Struct, frozen=True):
    """All of one run of the bench."""

    machine: dict[str, str]
    checks: list[Checks]
    unlocks: Unlocks
    memory_mib: float
    ready_seconds: list[float]
    tokens: list[TokenCost]

    def of(self, server: str, connections: int) -> Checks:
        """What a server did at a number of connections."""
        (found,) = (
            checks
            for checks in self.checks
            if (checks.server, checks.connections) == (server, connections)
        )
        return found


class Ratio(msgspec.Struct, frozen=True):
    """The median of the rounds' ratios, and how far they lie apart."""

    median: float
    least: float
    most: float


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Round by round, since the machine itself is faster in one round than in another."""
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    return Ratio(median(ratios), min(ratios), max(ratios))
