"""`make torture`: kill, freeze and fill everything under load, and verify what is left.

MINUTES=10 for each database, SEED= to repeat a run, DATABASE=postgresql or sqlite for one alone.
"""

import asyncio
import os
import random
import sys
from collections.abc import Iterator, Sequence

import click

from tests.torture.faults import Fault
from tests.torture.report import table
from tests.torture.run import endless, torture

KINDS = ("postgresql", "sqlite")


def main() -> int:
    minutes = float(os.environ.get("MINUTES") or 10)
    seed = int(os.environ.get("SEED") or random.randrange(1_000_000))
    kinds = [os.environ["DATABASE"]] if os.environ.get("DATABASE") else KINDS
    if unknown := set(kinds) - set(KINDS):
        click.echo(f"DATABASE={unknown.pop()}: use one of {', '.join(KINDS)}.", err=True)
        return 2
    failed = [kind for kind in kinds if not _is_survived(kind, seed, minutes)]
    return 1 if failed else 0


def _is_survived(kind: str, seed: int, minutes: float) -> bool:
    command = f"make torture SEED={seed} MINUTES={minutes:g} DATABASE={kind}"
    click.echo(f"{command}: it ends in about {minutes + 1:g} minutes.")

    def choose(faults: Sequence[Fault], chance: random.Random) -> Iterator[Fault]:
        return endless(faults, chance, minutes * 60)

    run = asyncio.run(torture(kind, seed, click.echo, choose, is_timed=True))
    click.echo(table(run))
    if run.journal.broken:
        click.echo(f"It failed. To repeat it: {command}")
    return not run.journal.broken


if __name__ == "__main__":
    sys.exit(main())
