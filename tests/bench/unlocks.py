"""Unlocks over HTTP, beside pgbench's own transaction on the same PostgreSQL."""

import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from paywall.tokens.keys import Keyring
from paywall.tokens.mint import mint_reader
from tests.bench.databases import MANY
from tests.bench.figures import Unlocks
from tests.bench.load import Run, run_wrk
from tests.bench.progress import print_progress
from tests.bench.seed import premium_articles, spending_readers
from tests.bench.servers import Target
from tests.postgres import BIN

CONNECTIONS = 8
READERS = 1_000
READER_TOKEN_SECONDS = 900
ROUNDS = 5
SECONDS = 2


class Round(NamedTuple):
    """What is compared; rates are new unlocks a second, and transactions a second."""

    spread: Run
    hot: Run
    transactions_per_second: float


def measure_unlocks(target: Target, pgbench: str, folder: Path) -> Unlocks:
    """Unlocks of many readers, unlocks of one, and pgbench; in turn, round after round."""
    print_progress(f"Unlocks and pgbench, {ROUNDS} rounds…")
    many = _written(folder / "tokens", _tokens(folder, islice(spending_readers(MANY), READERS)))
    articles = list(premium_articles(MANY))
    everything = _written(folder / "all-articles", articles)
    share = len(articles) // (ROUNDS + 1)
    rounds = []
    for number in range(ROUNDS + 1):
        # Each round has articles and a hot reader of its own: nothing is unlocked there yet.
        fresh = _written(folder / "articles", articles[number * share : (number + 1) * share])
        hot = _written(folder / "hot", _tokens(folder, [f"hot{number}"]))
        rounds.append(
            Round(
                _unlock(target, many, fresh), _unlock(target, hot, everything), _transact(pgbench)
            )
        )
    # The first round verified tokens and warmed the server: it is none of those that count.
    return _unlocks(rounds[1:])


def _unlocks(rounds: Sequence[Round]) -> Unlocks:
    spread, hot, transactions = zip(*rounds, strict=True)
    return Unlocks(
        spread=[run.created / run.seconds for run in spread],
        hot=[run.created / run.seconds for run in hot],
        pgbench=list(transactions),
        cpu_us=[run.server_cpu_seconds / run.requests * 1e6 for run in spread],
        database_cpu_us=[run.database_cpu_seconds / run.requests * 1e6 for run in spread],
    )


def _unlock(target: Target, tokens: Path, articles: Path) -> Run:
    return run_wrk(
        target, "/v1/me/unlocks", "unlock.lua", tokens, articles,
        connections=CONNECTIONS, seconds=SECONDS,
    )  # fmt: skip


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
