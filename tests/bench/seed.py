"""A database as large as a busy site's, the same on both kinds."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg

READERS = 100_000
ARTICLES = 10_000
UNLOCKS = 1_000_000
FEW_UNLOCKS = 10_000
HOT_READER = "hot"
HOT_CREDITS = 10_000_000
CREDITS = 1_000_000
POLICIES = ["free", "registered", *["metered"] * 6, *["premium"] * 11, "subscribers"]


def _time(days: float) -> str:
    at = datetime.now(UTC) + timedelta(days=days)
    return at.strftime("'%Y-%m-%d %H:%M:%S.%f'")


def _numbers(count: int, name: str = "n") -> str:
    """A table of the numbers from 0, in words that both databases know."""
    return (
        f"(with recursive up(n) as (select 0 union all select n + 1 from up where n < {count - 1})"
        f" select n from up) as {name}"
    )


def _policy(number: str) -> str:
    cases = " ".join(f"when {n} then '{policy}'" for n, policy in enumerate(POLICIES))
    return f"case {number} % {len(POLICIES)} {cases} end"


def _readers_statements(*, with_tags: str) -> list[str]:
    then, now, later, long_ago = _time(-1), _time(0), _time(100), _time(-200)
    grant = "insert into credit_grant (reader_id, amount, remaining, source, reference, priority, granted_at, expires_at)"
    return [
        "insert into article (id, title, policy, unlock_cost, tags, preview_html, created_at,"
        f" updated_at) select 'a' || n, 'Title ' || n, {_policy('n')}, 1, {with_tags}, '', {now}, {now}"
        f" from {_numbers(ARTICLES)}",
        f"insert into subscriber (id, created_at) select 'r' || n, {long_ago} from {_numbers(READERS)}",
        f"insert into subscriber (id, created_at) values ('{HOT_READER}', {long_ago})",
        "insert into subscription (id, reader_id, kind, starts_at, paid_through, entitled_until,"
        " access_until, is_taken_back, cancel_at_period_end, created_at)"
        f" select 's' || n, 'r' || n, 'pass', {long_ago}, {later}, {later}, {later}, false, false, {long_ago}"
        f" from {_numbers(READERS)} where n % 3 = 0",
        "insert into subscription (id, reader_id, kind, starts_at, paid_through, entitled_until,"
        " access_until, is_taken_back, cancel_at_period_end, created_at)"
        f" select 'o' || n, 'r' || n, 'pass', {long_ago}, {then}, {then}, {then}, false, false, {long_ago}"
        f" from {_numbers(READERS)} where n % 5 = 0",
        f"{grant} select 'r' || n, 10, 10, 'promotion', 'spent' || n, 100, {long_ago}, {then} from {_numbers(READERS)}",
        f"{grant} select 'r' || n, {CREDITS}, {CREDITS}, 'promotion', 'left' || n, 100, {long_ago}, {later}"
        f" from {_numbers(READERS)} where n % 2 = 0",
        f"{grant} values ('{HOT_READER}', {HOT_CREDITS}, {HOT_CREDITS}, 'promotion', 'hot', 100, {long_ago}, null)",
        "insert into ledger_entry (reader_id, grant_id, at, kind, amount, actor_issuer, actor_subject,"
        " actor_token_id) select reader_id, id, granted_at, 'granted', amount, 'bench', 'bench', 'bench' from credit_grant",
    ]


def _unlocks_statement(first: int, count: int) -> str:
    """Each reader's articles are apart, so that no pair comes twice."""
    number = f"(n + {first})"
    article = f"'a' || ((({number} % {READERS}) * 13 + ({number} / {READERS}) * 7919) % {ARTICLES})"
    return (
        "insert into unlock (reader_id, article_id, source, unlocked_at)"
        f" select 'r' || ({number} % {READERS}), {article}, 'migration', {_time(-10)}"
        f" from {_numbers(count)}"
    )


async def seed_postgres(server: str, few: str, many: str) -> None:
    """Fill the migrated database `few`, and make `many` from it, with the rest of the unlocks."""
    connection = await asyncpg.connect(f"{server}/{few}", server_settings={"timezone": "UTC"})
    for statement in [*_readers_statements(with_tags="'{}'"), _unlocks_statement(0, FEW_UNLOCKS)]:
        await connection.execute(statement)
    await connection.close()
    connection = await asyncpg.connect(f"{server}/postgres")
    await connection.execute(f"create database {many} template {few}")
    await connection.close()
    for name in (few, many):
        connection = await asyncpg.connect(f"{server}/{name}", server_settings={"timezone": "UTC"})
        if name == many:
            await connection.execute(_unlocks_statement(FEW_UNLOCKS, UNLOCKS - FEW_UNLOCKS))
        await connection.execute("vacuum (analyze)")
        await connection.execute("checkpoint")
        await connection.close()


def seed_sqlite(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma synchronous = off")  # only while it is filled
    connection.execute("begin")
    for statement in [*_readers_statements(with_tags="'[]'"), _unlocks_statement(0, UNLOCKS)]:
        connection.execute(statement)
    connection.execute("commit")
    connection.execute("analyze")
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()
