"""Paging of lists: newest first, with a limit and an opaque cursor."""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

import msgspec
import sqlalchemy as sa
from litestar.params import QueryParameter
from msgspec import Meta
from sqlmodel import col, tuple_
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from paywall.problems import invalid

T = TypeVar("T")
Row = TypeVar("Row")

LIMIT_MAX = 200
CURSOR_CHARS_MAX = 1000
Limit = Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX, description="At most so many items.")]
Cursor = Annotated[
    str | None,
    QueryParameter(
        max_length=CURSOR_CHARS_MAX,
        description="`next_cursor` of the page before; default: start at the newest item.",
    ),
]
LIMIT_DEFAULT = 50


class Page(msgspec.Struct, Generic[T]):
    """One page of a list; `next_cursor` is null on the last."""

    items: Annotated[list[T], Meta(description="The page's items, newest first.")]
    next_cursor: Annotated[
        str | None, Meta(description="Send it as `cursor` to get the next page; null on the last.")
    ]


class _Position(msgspec.Struct, array_like=True):
    at: datetime
    id: int | str


async def newest_first(
    session: AsyncSession,
    statement: SelectOfScalar[Row],
    *,
    at: Any,
    id: Any,  # noqa: A002 (the name of the column)
    limit: int,
    cursor: str | None,
) -> tuple[Sequence[Row], str | None]:
    """One page of `statement` by (`at`, `id`), descending: a total order.

    `at` and `id` are columns of the table that the statement selects. Raises Problem for a cursor
    that is not one of ours.
    """
    if cursor is not None:
        position = _read(cursor, id)
        statement = statement.where(tuple_(at, id) < tuple_(position.at, position.id))
    ordered = statement.order_by(col(at).desc(), col(id).desc()).limit(limit + 1)
    rows = (await session.exec(ordered)).all()
    page = rows[:limit]
    if len(rows) <= limit:
        return page, None
    last = page[-1]
    return page, _write(_Position(getattr(last, at.key), getattr(last, id.key)))


def _write(position: _Position) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode().rstrip("=")


def _read(cursor: str, id_column: Any) -> _Position:
    try:
        position = msgspec.json.decode(
            base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=_Position
        )
    except (ValueError, msgspec.DecodeError) as error:
        raise invalid("cursor", "not a cursor of this list; leave it out to start anew") from error
    # Not by `python_type`, which is any object for some types of text.
    is_number = isinstance(id_column.type, sa.Integer)
    if position.at.tzinfo is None or isinstance(position.id, int) != is_number:
        raise invalid("cursor", "not a cursor of this list; leave it out to start anew")
    return position
