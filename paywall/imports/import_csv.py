"""Imports the rows of a CSV file in batches."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Generic, NamedTuple

import msgspec
from sqlalchemy import exc

from paywall.database.engine import Database
from paywall.database.errors import is_unavailable
from paywall.imports.csv_rows import CsvRow, read_rows
from paywall.imports.progress import BadItem, Progress
from paywall.imports.row_kinds import ImportContext, RowKind, RowOutcome, RowShape
from paywall.problem_types import FieldError
from paywall.rules.enums import Actor, UpsertOutcome
from paywall.settings import Settings

BATCH_ROWS_MAX = 1000
BATCH_BYTES_MAX = 8 * 1024 * 1024
# Classes of errors about one row: values, constraints, triggers (PostgreSQL 18, Appendix A).
ROW_SQLSTATE_CLASSES = ("22", "23", "P0")

ACTOR = Actor("paywall", "import", "")


class ToPut(NamedTuple, Generic[RowShape]):
    """A valid row, its line in the file, and its size."""

    line: CsvRow[RowShape]
    row: RowShape
    size_bytes: int


@dataclass
class CsvSummary:
    """The outcomes of the rows of a file, and the number of lines that are in no row."""

    outcomes: Counter[UpsertOutcome] = field(default_factory=Counter)
    bad: int = 0
    empty: int = 0
    lines_not_read: int = 0


async def import_csv(
    database: Database,
    file: BinaryIO,
    kind: RowKind[RowShape],
    settings: Settings,
    progress: Progress,
) -> CsvSummary:
    """Import in batches, one transaction each. Importing the same file again changes nothing.

    Raises CsvError if the header is wrong or the file is not text.
    """
    summary = CsvSummary()
    context = ImportContext(database.clock, settings, ACTOR)
    for batch in _batches(_to_put(read_rows(file, kind.shape), kind, progress, summary)):
        rows = [row for _, row, _ in batch]
        for (line, _, _), done in zip(
            batch, await _put(database, kind, rows, context), strict=True
        ):
            if isinstance(done, FieldError):
                _report(line, [done], progress, summary)
            else:
                summary.outcomes[done] += 1
    return summary


async def _put(
    database: Database, kind: RowKind[RowShape], rows: Sequence[RowShape], context: ImportContext
) -> Sequence[RowOutcome]:
    """Store the rows in one transaction or, if the database refuses one, each in its own."""
    try:
        async with database.writing() as session:
            return await kind.put(session, rows, context)
    except exc.StatementError as error:
        if not _is_about_a_row(error):
            raise
        if len(rows) == 1:
            message = str(error.orig or error).partition("\n")[0]
            return [FieldError("", f"the database refuses it ({message}). Correct it.")]
    return [done for row in rows for done in await _put(database, kind, [row], context)]


def _is_about_a_row(error: exc.StatementError) -> bool:
    """Whether the error concerns one row, and not the database, which would refuse every row."""
    if is_unavailable(error):
        return False
    if not isinstance(error, exc.DBAPIError):
        return True
    if sqlstate := getattr(error.orig, "sqlstate", None):
        return str(sqlstate).startswith(ROW_SQLSTATE_CLASSES)
    return isinstance(error, exc.IntegrityError | exc.DataError)


def _batches(found: Iterator[ToPut[RowShape]]) -> Iterator[Sequence[ToPut[RowShape]]]:
    batch: list[ToPut[RowShape]] = []
    size_bytes = 0
    for item in found:
        batch.append(item)
        size_bytes += item.size_bytes
        if len(batch) == BATCH_ROWS_MAX or size_bytes > BATCH_BYTES_MAX:
            yield batch
            batch, size_bytes = [], 0
    if batch:
        yield batch


def _to_put(
    lines: Iterator[CsvRow[RowShape]],
    kind: RowKind[RowShape],
    progress: Progress,
    summary: CsvSummary,
) -> Iterator[ToPut[RowShape]]:
    """The rows that are to be put; what is wrong with the others is reported and counted."""
    seen: dict[Hashable, tuple[int, int]] = {}
    for read, line in enumerate(lines, start=1):
        progress.read(read)
        if line.row is None:
            _pass_over(line, progress, summary)
            continue
        encoded = msgspec.json.encode(line.row)
        before, same = seen.setdefault(kind.key(line.row), (line.number, hash(encoded)))
        if before == line.number:
            yield ToPut(line._replace(row=None), line.row, len(encoded))
        elif same == hash(encoded):
            summary.outcomes[UpsertOutcome.UNCHANGED] += 1
        else:
            what = f"line {before} describes the same with other fields. Remove one of the two."
            _report(line, [FieldError("", what)], progress, summary)


def _pass_over(line: CsvRow[RowShape], progress: Progress, summary: CsvSummary) -> None:
    if line.is_unread:
        lines = f"lines {line.number} to {line.last} were not read: they are no rows"
        progress.bad(BadItem(line.number, "", f"{lines}. Fix the row before them."))
        summary.lines_not_read += line.last - line.number + 1
    elif line.errors:
        _report(line, line.errors, progress, summary)
    else:
        summary.empty += 1


def _report(
    line: CsvRow[RowShape], errors: Iterable[FieldError], progress: Progress, summary: CsvSummary
) -> None:
    until = f" The row goes on to line {line.last}." if line.last > line.number else ""
    for error in errors:
        progress.bad(BadItem(line.number, error.field, error.detail + until))
    summary.bad += 1
