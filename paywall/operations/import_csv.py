"""`paywall import articles|grants|unlocks|subscriptions`: rows become what they say, in batches."""

from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Generic, NamedTuple

import msgspec
from sqlalchemy import exc
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.clock import Clock
from paywall.database import Database
from paywall.database_errors import is_unavailable
from paywall.operations.csv_rows import Line, RowShape, read_rows
from paywall.operations.report import Bad, Progress
from paywall.problems import FieldError
from paywall.rules.words import Outcome
from paywall.settings import Settings

BATCH_ROWS_MAX = 1000
BATCH_BYTES_MAX = 8 * 1024 * 1024

Done = Outcome | FieldError
"""What became of a row, or why the store refused it."""


class Context(NamedTuple):
    """What the verbs of an import need beside the rows."""

    clock: Clock
    settings: Settings


class Import(NamedTuple, Generic[RowShape]):
    """How the rows of one kind of file are put into the store."""

    shape: type[RowShape]
    key: Callable[[RowShape], Hashable]
    """What the row is about: two rows of a file are never about the same."""
    put: Callable[[AsyncSession, Sequence[RowShape], Context], Awaitable[Sequence[Done]]]
    """Put rows that are about different things, and tell what became of each, in order."""


@dataclass
class Summary:
    """What an import did."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    bad: int = 0


async def import_csv(
    database: Database,
    file: BinaryIO,
    kind: Import[RowShape],
    settings: Settings,
    progress: Progress,
) -> Summary:
    """Import in batches, a transaction each; run again, it changes nothing that is the same.

    Raises CsvError where the file's header is another.
    """
    summary = Summary()
    context = Context(database.clock, settings)
    for batch in _batches(_to_put(read_rows(file, kind.shape), kind, progress, summary)):
        rows = [row for _, row in batch]
        for (number, _), done in zip(batch, await _put(database, kind, rows, context), strict=True):
            if isinstance(done, FieldError):
                _tell(number, [done], progress, summary)
            else:
                summary.outcomes[done] += 1
    return summary


async def _put(
    database: Database, kind: Import[RowShape], rows: Sequence[RowShape], context: Context
) -> Sequence[Done]:
    """All in one transaction; where the database refuses that, each in its own."""
    try:
        async with database.writing() as session:
            return await kind.put(session, rows, context)
    except exc.StatementError as error:
        if is_unavailable(error):
            raise
        if len(rows) == 1:
            said = str(error.orig or error).partition("\n")[0]
            return [FieldError("", f"the database refuses it ({said}). Mend it.")]
    return [done for row in rows for done in await _put(database, kind, [row], context)]


def _batches(
    found: Iterator[tuple[int, RowShape, int]],
) -> Iterator[Sequence[tuple[int, RowShape]]]:
    batch: list[tuple[int, RowShape]] = []
    size_bytes = 0
    for number, row, row_bytes in found:
        batch.append((number, row))
        size_bytes += row_bytes
        if len(batch) == BATCH_ROWS_MAX or size_bytes > BATCH_BYTES_MAX:
            yield batch
            batch, size_bytes = [], 0
    if batch:
        yield batch


def _to_put(
    lines: Iterator[Line[RowShape]], kind: Import[RowShape], progress: Progress, summary: Summary
) -> Iterator[tuple[int, RowShape, int]]:
    """The rows that are to be put, with line and size; what is wrong with the others is told."""
    seen: dict[Hashable, tuple[int, int]] = {}
    for read, line in enumerate(lines, start=1):
        progress.read(read)
        if line.row is None:
            _tell(line.number, line.errors, progress, summary)
            continue
        encoded = msgspec.json.encode(line.row)
        before, same = seen.setdefault(kind.key(line.row), (line.number, hash(encoded)))
        if before == line.number:
            yield line.number, line.row, len(encoded)
        elif same == hash(encoded):
            summary.outcomes[Outcome.UNCHANGED] += 1
        else:
            what = f"line {before} says the same with other fields. Remove one of the two."
            _tell(line.number, [FieldError("", what)], progress, summary)


def _tell(number: int, errors: Iterable[FieldError], progress: Progress, summary: Summary) -> None:
    for error in errors:
        progress.bad(Bad(number, error.field, error.detail))
    summary.bad += 1
