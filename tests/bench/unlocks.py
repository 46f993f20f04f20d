"""Unlocks over HTTP, beside pgbench's own transaction on the same PostgreSQL."""

import re
import subprocess
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from paywall.tokens.keys import Keyring
from paywall.tokens.mint import mint_reader
from tests.bench.databases import MANY
from tests.bench.figures import Unlocks
from tests.bench.load import run_wrk
from tests.bench.progress import say
from tests.bench.seed import premium_articles, spending_readers
from tests.postgres import BIN
from tests.processes import Served

CONNECTIONS = 8
READERS = 1_000
READER_TOKEN_SECONDS = 900
ROUNDS = 5
SECONDS = 2


def measure_unlocks(served: Served, pgbench: str, folder: Path) -> Unlocks:
    """New unlocks a second, spread over many readers and on one, and pgbench; in turn."""
    say(f"Unlocks and pgbench, {ROUNDS} rounds…")
    many = _written(folder / "tokens", _tokens(folder, islice(spending_readers(MANY), READERS)))
    articles = list(premium_articles(MANY))
    share = len(articles) // (ROUNDS + 1)
    measured = Unlocks([], [], [])
    for number in range(ROUNDS + 1):
        # Each round has articles of its own, which none of the readers has unlocked yet.
        fresh = _written(folder / "articles", articles[number * share : (number + 1) * share])
        everything = _written(folder / "all-articles", articles)
        hot = _written(folder / "hot", _tokens(folder, [f"hot{number}"]))
        measured.spread.append(_unlock(served, many, fresh))
        measured.hot.append(_unlock(served, hot, everything))
        measured.pgbench.append(_transact(pgbench))
    # The first round verified the tokens and warmed the server: it is none of the five.
    return Unlocks(measured.spread[1:], measured.hot[1:], measured.pgbench[1:])


def _unlock(served: Served, tokens: Path, articles: Path) -> float:
    run = run_wrk(
        f"{served.address}/v1/me/unlocks", "unlock.lua", tokens, articles,
        server=served.process.pid, connections=CONNECTIONS, seconds=SECONDS,
    )  # fmt: skip
    return run.created / run.seconds


def _transact(address: str) -> float:
    """Pgbench's default transaction: three updates, a read and an insert."""
    options = [f"--client={CONNECTIONS}", f"--time={SECONDS}", "--no-vacuum"]
    done = subprocess.run(
        [BIN / "pgbench", *options, address], check=True, capture_output=True, text=True
    )
    (found,) = re.findall(r"tps = ([\d.]+)", done.stdout)
    return float(found)


def _tokens(folder: Path, readers: Iterable[str]) -> Iterator[str]:
    now = datetime.now(UTC)
    key = Keyring(folder).newest(now)
    for reader_id in readers:
        yield mint_reader(
            key, reader_id=reader_id, lifetime_seconds=READER_TOKEN_SECONDS, now=now
        ).token


def _written(path: Path, lines: Iterable[str]) -> Path:
    path.write_text("\n".join(lines), encoding="utf-8")
    return path
