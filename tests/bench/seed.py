"""A database as large as a busy site's, the same on both kinds."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import asyncpg

CREDITS = 1_000_000
HOT_READERS = 8
POLICIES = ["free", "registered", *["metered"] * 6, *["premium"] * 11, "subscribers"]

# What the service would have counted as it wrote these rows.
TOTALS = (
    "delete from subscriber_totals",
    """
    insert into subscriber_totals
    select reader_id, sum(entries), sum(credits_moved), sum(unlocks), 0, sum(subscriptions) from (
        select reader_id, 1 as entries, abs(amount) as credits_moved, 0 as unlocks,
               0 as subscriptions from ledger_entry
        union all select reader_id, 0, 0, 1, 0 from unlock
        union all select reader_id, 0, 0, 0, 1 from subscription
    ) as counted group by reader_id
    """,
)


class Size(NamedTuple):
    """How many rows there are; `unlocks` is what the sizes that are compared differ in."""

    readers: int
    articles: int
    unlocks: int


def spending_readers(size: Size) -> Iterator[str]:
    """The readers who have credits and no subscription, so that they can unlock."""
    return (f"r{n}" for n in range(0, size.readers, 2) if n % 3)


def premium_articles(size: Size) -> Iterator[str]:
    """The articles that can be unlocked."""
    return (f"a{n}" for n in range(size.articles) if POLICIES[n % len(POLICIES)] == "premium")


async def seed_postgres(address: str, size: Size) -> None:
    """Fill a migrated database."""
    await _execute(address, *_statements(size, no_tags="'{}'"), _unlocks(0, size), *TOTALS)
    await _vacuum(address)


async def copy_postgres(address: str, name: str, size: Size, more: Size) -> None:
    """A copy of a database that was filled to `size`, with the unlocks that `more` has more."""
    server, _, original = address.rpartition("/")
    await _execute(f"{server}/postgres", f"create database {name} template {original}")
    await _execute(f"{server}/{name}", _unlocks(size.unlocks, more), *TOTALS)
    await _vacuum(f"{server}/{name}")


def seed_sqlite(path: Path, size: Size) -> None:
    """Fill a migrated database."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("pragma synchronous = off")  # only while it is filled
        connection.execute("begin")
        for statement in [*_statements(size, no_tags="'[]'"), _unlocks(0, size), *TOTALS]:
            connection.execute(statement)
        connection.execute("commit")
        connection.execute("analyze")
        connection.execute("pragma wal_checkpoint(truncate)")


def _statements(size: Size, *, no_tags: str) -> Iterator[str]:
    yield from _articles(size, no_tags)
    yield from _subscribers(size)
    yield from _grants(size)


def _articles(size: Size, no_tags: str) -> Iterator[str]:
    cases = " ".join(f"when {n} then '{policy}'" for n, policy in enumerate(POLICIES))
    policy = f"case n % {len(POLICIES)} {cases} end"
    now = _time(0)
    yield (
        "insert into article (id, title, policy, unlock_cost, tags, preview_html, created_at,"
        f" updated_at) select 'a' || n, 'Title ' || n, {policy}, 1, {no_tags}, '', {now}, {now}"
        f" from {_numbers(size.articles)}"
    )


def _subscribers(size: Size) -> Iterator[str]:
    """Each third reader has a complimentary subscription, each fifth other one that is over."""
    then, later, long_ago = _time(-1), _time(100), _time(-200)
    insert = "insert into subscriber (id, created_at)"
    yield f"{insert} select 'r' || n, {long_ago} from {_numbers(size.readers)}"
    yield f"{insert} select 'hot' || n, {long_ago} from {_numbers(HOT_READERS)}"
    for letter, readers, end in (("s", "n % 3 = 0", later), ("o", "n % 3 > 0 and n % 5 = 0", then)):
        yield (
            "insert into subscription (id, reader_id, kind, starts_at, paid_through,"
            " entitled_until, access_until, is_taken_back, cancel_at_period_end, created_at)"
            f" select '{letter}' || n, 'r' || n, 'complimentary', {long_ago}, {end}, {end}, {end},"
            f" false, false, {long_ago} from {_numbers(size.readers)} where {readers}"
        )


def _grants(size: Size) -> Iterator[str]:
    """Each reader has credits that expired; each second one has credits to spend as well."""
    long_ago, readers = _time(-200), _numbers(size.readers)
    insert = (
        "insert into credit_grant (reader_id, amount, remaining, source, reference, priority,"
        " granted_at, expires_at)"
    )
    terms = f"100, {long_ago}"
    yield (
        f"{insert} select 'r' || n, 10, 10, 'promotion', 'spent' || n, {terms}, {_time(-1)}"
        f" from {readers}"
    )
    yield (
        f"{insert} select 'r' || n, {CREDITS}, {CREDITS}, 'promotion', 'left' || n, {terms},"
        f" {_time(100)} from {readers} where n % 2 = 0"
    )
    yield (
        f"{insert} select 'hot' || n, {CREDITS}, {CREDITS}, 'promotion', 'hot' || n, {terms}, null"
        f" from {_numbers(HOT_READERS)}"
    )
    yield (
        "insert into ledger_entry (reader_id, grant_id, at, kind, amount, actor_issuer,"
        " actor_subject, actor_token_id) select reader_id, id, granted_at, 'granted', amount,"
        " 'bench', 'bench', 'bench' from credit_grant"
    )


def _unlocks(first: int, size: Size) -> str:
    """From the one numbered `first` on; each reader's articles are apart: no pair comes twice."""
    number = f"(n + {first})"
    reader, turn = f"({number} % {size.readers})", f"({number} / {size.readers})"
    return (
        "insert into unlock (reader_id, article_id, source, unlocked_at)"
        f" select 'r' || {reader}, 'a' || (({reader} * 13 + {turn} * 7919) % {size.articles}),"
        f" 'migration', {_time(-10)} from {_numbers(size.unlocks - first)}"
    )


def _time(days: float) -> str:
    at = datetime.now(UTC) + timedelta(days=days)
    return at.strftime("'%Y-%m-%d %H:%M:%S.%f'")


def _numbers(count: int) -> str:
    """A table of the numbers from 0, in words that both databases know."""
    return (
        f"(with recursive up(n) as (select 0 union all select n + 1 from up where n < {count - 1})"
        " select n from up) as numbers"
    )


async def _vacuum(address: str) -> None:
    """What a server does by itself in its first minutes."""
    await _execute(address, "vacuum (analyze)", "checkpoint")


async def _execute(address: str, *statements: str) -> None:
    connection = await asyncpg.connect(address, server_settings={"timezone": "UTC"})
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
