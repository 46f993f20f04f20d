"""Rows as one JSON parameter of a statement, so that one statement serves any number of rows.

JSON on both databases: asyncpg takes longer over an array parameter than over a whole statement.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

SQLITE_TIME = "%Y-%m-%d %H:%M:%S.%f"


class JsonRows(NamedTuple):
    """The rows of the parameter, as a table of the statement."""

    table: sa.FromClause
    # Each column by its name, and the row's number from 0 as `key`.
    columns: Mapping[str, sa.ColumnElement[Any]]
    # The numbers of the selected rows, aggregated to a text with commas.
    keys: sa.ColumnElement[str]
    has_lateral: bool

    def matched_by(self, row: sa.Select[Any]) -> sa.ColumnElement[bool]:
        """Whether `row`, a query that names this table's columns, finds a row."""
        if not self.has_lateral:
            return row.exists()
        # For EXISTS, PostgreSQL may choose to scan a table of some thousand rows.
        return row.limit(_literal("1")).scalar_subquery().is_not(None)

    def outer_join(
        self, other: sa.Table, condition: sa.ColumnElement[bool]
    ) -> tuple[sa.FromClause, Any]:
        """Each row with at most one row of `other`; and that row's columns."""
        if not self.has_lateral:
            return self.table.outerjoin(other, condition), other.c
        # PostgreSQL expects a hundred rows and would scan `other`; the inner LIMIT prevents that.
        found = sa.select(other).where(condition).limit(_literal("1")).lateral("found")
        return self.table.outerjoin(found, sa.true()), found.c


def json_rows(dialect: str, parameter: str, **types: sa.types.TypeEngine[Any]) -> JsonRows:
    """The rows of this parameter, with columns of these types in the order of `encode_rows`."""
    rows = sa.bindparam(parameter, type_=sa.Text)
    if dialect == "sqlite":
        key, value = sa.column("key", sa.Integer), sa.column("value", sa.Text)
        table = sa.func.json_each(rows).table_valued(key, value, name=parameter)
        columns: dict[str, sa.ColumnElement[Any]] = {
            column: sa.func.json_extract(table.c.value, _literal(f"'$[{place}]'"), type_=type_)
            for place, (column, type_) in enumerate(types.items())
        }
        keys = sa.func.group_concat(table.c.key, _literal("','"))
        return JsonRows(table, {**columns, "key": table.c.key}, keys, has_lateral=False)
    value = sa.column("value", postgresql.JSONB)
    json = sa.cast(rows, postgresql.JSONB)
    table = sa.func.jsonb_array_elements(json).table_valued(value, with_ordinality="number")
    table = table.render_derived(name=parameter)
    columns = {
        column: sa.cast(table.c.value.op("->>")(_literal(str(place))), type_)
        for place, (column, type_) in enumerate(types.items())
    }
    number = table.c.number - _literal("1")
    keys = sa.func.string_agg(sa.cast(number, sa.Text), _literal("','"))
    return JsonRows(table, {**columns, "key": number}, keys, has_lateral=True)


def encode_rows(rows: Sequence[Sequence[object]]) -> str:
    """The value of the parameter."""
    return msgspec.json.encode(rows).decode()


def to_db(dialect: str, at: datetime) -> object:
    """A time as a driver takes it: SQLite stores text."""
    return at.strftime(SQLITE_TIME) if dialect == "sqlite" else at


def from_db(text: str | None) -> datetime | None:
    """The time of a text that SQLite stored."""
    return datetime.fromisoformat(f"{text}+00:00") if text else None


def _literal(text: str) -> sa.ColumnElement[Any]:
    """A constant in the statement's text, which needs no parameter."""
    return sa.literal_column(text)
