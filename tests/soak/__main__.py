"""`make soak`: mixed load for an hour, floods meanwhile; what the service uses must stay the same.

MINUTES=60, at least 12. The tenth minute is compared with the last ones.
"""

import asyncio
import os
import random
import resource
import sys

import click

from tests.soak.run import MINUTES_MIN, soak


def main() -> int:
    minutes = float(os.environ.get("MINUTES") or 60)
    if minutes < MINUTES_MIN:
        click.echo(f"MINUTES={minutes:g}: use at least {MINUTES_MIN}.", err=True)
        return 2
    # One process is the other end of all connections.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    seed = int(os.environ.get("SEED") or random.randrange(1_000_000))
    click.echo(
        f"make soak MINUTES={minutes:g} SEED={seed}: it ends in about {minutes + 1:g} minutes."
    )
    broken = asyncio.run(soak(minutes, seed, click.echo))
    for sentence in broken:
        click.echo(sentence)
    click.echo("It failed." if broken else "What the service uses stayed the same.")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
