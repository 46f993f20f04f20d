"""`make test-upgrade`: FROM= is the commit of the earlier release.

By default that is the commit before the newest migration was added. SEED= repeats the moments at
which the migration is killed.
"""

import asyncio
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from tests.upgrade.release import before_the_newest_migration, earlier_release, this_release
from tests.upgrade.run import upgrade


def main() -> int:
    seed = int(os.environ.get("SEED") or random.randrange(1_000_000))
    commit = os.environ.get("FROM") or before_the_newest_migration()
    click.echo(f"make test-upgrade FROM={commit} SEED={seed}: it ends in about three minutes.")
    with tempfile.TemporaryDirectory(prefix="paywall-release-") as folder:
        try:
            old = earlier_release(commit, Path(folder))
        except subprocess.CalledProcessError as error:
            click.echo(f"FROM={commit} is no release that can be installed: {error}", err=True)
            return 2
        new = this_release()
        added = sorted(set(new.migrations) - set(old.migrations))
        click.echo(f"From {old.name}, with {len(added)} migrations: {', '.join(added) or 'none'}.")
        journal = asyncio.run(upgrade(old, new, seed, click.echo))
    for promise, times in sorted(journal.checked.items()):
        click.echo(f"{promise:62} {times:10,} {len(journal.broken.get(promise, ())):7,}")
    for sentence in journal.sentences():
        click.echo(sentence)
    click.echo("It failed." if journal.broken else "Both releases served throughout.")
    return 1 if journal.broken else 0


if __name__ == "__main__":
    sys.exit(main())
