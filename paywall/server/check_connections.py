"""Database connections for checks alone, each with one statement that answers many checks.

They call the driver directly, which costs a fraction of what a session costs. Nothing else uses
these connections, so slow writes cannot starve checks.
"""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import asyncpg
import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from paywall.access.facts import (
    ASKED,
    MONTH_STARTS_AT,
    NOW,
    Row,
    Viewer,
    facts_query,
    viewer_columns,
)
from paywall.database.connector import Connector
from paywall.database.json_rows import encode_rows, from_db, to_db
from paywall.database.sqlite import CACHE_KIB
from paywall.rules.calendar import Month
from paywall.settings import Settings
from paywall.tokens.caller import Caller
from paywall.tokens.revocation import TOKENS, revoked_among, token_columns, tokens_on

SERVER_SETTINGS = {
    "application_name": "paywall check",
    "default_transaction_read_only": "on",
    # Planning anew for each set of parameters would cost more than the query itself.
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    "timezone": "UTC",
}


class PendingCheck(msgspec.Struct, frozen=True, gc=False):
    """May this viewer have this article, asked with this token?"""

    article_id: str
    viewer: Viewer
    caller: Caller


class CheckResults(NamedTuple):
    """One row for each check, in order, and the indexes of the tokens that were revoked."""

    rows: Sequence[Row]
    revoked: frozenset[int]


class CheckConnection(Protocol):
    """One connection; `ask` raises the errors of its driver."""

    async def open(self) -> None: ...
    async def ask(
        self, batch: Sequence[PendingCheck], tokens: Sequence[Caller], now: datetime, month: Month
    ) -> CheckResults: ...
    async def close(self) -> None: ...


class _Statement:
    """The statement compiled for one database, and its parameters in the driver's form."""

    def __init__(self, dialect: sa.Dialect) -> None:
        self._dialect = dialect.name
        statement = facts_query(dialect.name)
        statement = statement.add_columns(revoked_among(tokens_on(dialect.name)))
        compiled = statement.compile(dialect=dialect)
        self.text = str(compiled)
        self.order: Sequence[str] = getattr(compiled, "positiontup", None) or ()

    def parameters(
        self, batch: Sequence[PendingCheck], tokens: Sequence[Caller], now: datetime, month: Month
    ) -> dict[str, object]:
        checks = [(check.article_id, *viewer_columns(check.viewer)) for check in batch]
        return {
            ASKED: encode_rows(checks),
            TOKENS: encode_rows([token_columns(it, self._dialect) for it in tokens]),
            NOW.key: to_db(self._dialect, now),
            MONTH_STARTS_AT.key: to_db(self._dialect, month.starts_at),
        }


def _revoked(numbers: str | None) -> frozenset[int]:
    return frozenset(map(int, numbers.split(","))) if numbers else frozenset()


class PostgresCheckConnection:
    """A permanent connection with the statement prepared; asyncpg returns datetimes itself."""

    statement = _Statement(PGDialect_asyncpg())  # type: ignore[no-untyped-call]  # SQLAlchemy's own

    def __init__(self, settings: Settings, connector: Connector) -> None:
        self._timeout_seconds = settings.request_timeout_seconds
        self._connector = connector
        self._connection: asyncpg.Connection | None = None

    async def open(self) -> None:
        self._connection = await self._connector.connect(
            SERVER_SETTINGS, command_timeout_seconds=self._timeout_seconds
        )
        self._prepared = await self._connection.prepare(self.statement.text)
        # Without another statement, preparing would hold table locks until the first check.
        await self._connection.execute("SELECT 1")

    async def ask(
        self, batch: Sequence[PendingCheck], tokens: Sequence[Caller], now: datetime, month: Month
    ) -> CheckResults:
        if self._connection is None or not self._connector.is_current(self._connection):
            raise ConnectionResetError("The primary is another server now.")
        values = self.statement.parameters(batch, tokens, now, month)
        answers = await self._prepared.fetch(*[values[name] for name in self.statement.order])
        return CheckResults(answers, _revoked(answers[0][-1]))

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


class SqliteCheckConnection:
    """A read-only connection; a query takes microseconds, so it runs on the event loop."""

    statement = _Statement(sqlite.dialect(paramstyle="named"))

    def __init__(self, settings: Settings) -> None:
        self._path = settings.database.removeprefix("sqlite:///")

    async def open(self) -> None:
        self._connection = sqlite3.connect(
            f"file:{self._path}?mode=ro", uri=True, isolation_level=None
        )
        self._connection.execute("PRAGMA query_only = 1")
        self._connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")

    async def ask(
        self, batch: Sequence[PendingCheck], tokens: Sequence[Caller], now: datetime, month: Month
    ) -> CheckResults:
        values = self.statement.parameters(batch, tokens, now, month)
        answers = self._connection.execute(self.statement.text, values).fetchall()
        return CheckResults([_from_sqlite(answer) for answer in answers], _revoked(answers[0][-1]))

    async def close(self) -> None:
        self._connection.close()


def _from_sqlite(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Convert a row of SQLite, which has no types for times and lists."""
    policy, unlock_cost, unlocked, balance, entitled_until, access_until, views, *rest = row
    return (
        policy,
        unlock_cost,
        bool(unlocked),
        balance,
        from_db(entitled_until),
        from_db(access_until),
        msgspec.json.decode(views) if views else None,
        *rest,
    )
