"""Reads a CSV file row by row; an error affects only its own row.

Columns are separated by commas, semicolons or tabs: the one that makes the header valid.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Generic, NamedTuple

import msgspec

from paywall.http.bodies import RequestModel, enum_choices, wrong_fields
from paywall.imports.csv_records import Record, read_records
from paywall.imports.csv_text import CsvError, physical_lines
from paywall.imports.row_kinds import RowShape
from paywall.problem_types import FieldError
from paywall.problems import (
    Problem,
)

DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab"}
# A line above the header that Excel reads and some programs write.
SEP_LINE = re.compile(r'"?sep=(.)"?\1*', re.IGNORECASE | re.DOTALL)
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
NOT_UTF8 = re.compile(r"[\ud800-\udfff]")
SHOWN_CHARACTERS_MAX = 60
SHOWN_NAMES_MAX = 10


class CsvRow(NamedTuple, Generic[RowShape]):
    """One row, with its first and last line in the file.

    Without a `row` there are `errors`, or all of its cells are empty. `is_unread`: lines after a
    broken row that are not rows by themselves.
    """

    number: int
    last: int
    row: RowShape | None = None
    errors: Sequence[FieldError] = ()
    is_unread: bool = False


class Header(NamedTuple):
    """The columns in order, their delimiter, and the line number of the header."""

    columns: Sequence[str]
    delimiter: str
    number: int


def columns_of(shape: type[RequestModel]) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(shape)]


def read_rows(file: BinaryIO, shape: type[RowShape]) -> Iterator[CsvRow[RowShape]]:
    """Every row in the order of the file; the header names the model's fields in any order.

    Raises CsvError if the header is wrong or the file is not text.
    """
    lines = physical_lines(file)
    header = _header(lines, columns_of(shape))
    decoder = _RowDecoder(shape, header)
    unread: CsvRow[RowShape] | None = None
    for record in read_records(lines, header.number + 1, header.delimiter):
        cells = _without_trailing(record.cells, len(header.columns))
        if record.error is None and (unread is None or len(cells) == len(header.columns)):
            yield from _named(unread)
            unread = None
            yield decoder.line(record, cells)
        elif record.error is None and unread is not None:
            unread = unread._replace(last=record.last)
        else:
            yield from _named(unread)
            broken = f"{record.error} Reading went on at line {record.last + 1}."
            yield CsvRow(record.first, record.first, None, [FieldError("", broken)])
            unread = CsvRow(record.first + 1, record.last, is_unread=True)
    yield from _named(unread)


def _named(unread: CsvRow[RowShape] | None) -> Iterator[CsvRow[RowShape]]:
    if unread is not None and unread.last >= unread.number:
        yield unread


def _header(lines: Iterator[str], expected: Sequence[str]) -> Header:
    number, line = 1, next(lines, "").rstrip("\r\n")
    declared = SEP_LINE.fullmatch(line)
    if declared is not None:
        number, line = 2, next(lines, "").rstrip("\r\n")
        if declared[1] not in DELIMITERS:
            raise CsvError(
                f"The first line declares {_shown(declared[1])} as the delimiter. Separate the"
                f" columns by {', '.join(DELIMITERS.values())}."
            )
    found = [
        Header(_names(line, delimiter), delimiter, number)
        for delimiter in ([declared[1]] if declared else DELIMITERS)
    ]
    header = max(found, key=lambda header: len(set(header.columns) & set(expected)))
    _refuse_other(header.columns, expected)
    return header


def _names(line: str, delimiter: str) -> Sequence[str]:
    try:
        names = next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise CsvError(f"The header cannot be read: {error}. Correct the first line.") from error
    return _without_trailing(names, 0)


def _refuse_other(header: Sequence[str], expected: Sequence[str]) -> None:
    wrong = {
        "missing": [name for name in expected if name not in header],
        "unknown": [_name(name) for name in header if name not in expected],
        "there twice": sorted({_name(name) for name in header if header.count(name) > 1}),
    }
    if any(wrong.values()):
        found = "; ".join(f"{what}: {_listed(names)}" for what, names in wrong.items() if names)
        raise CsvError(
            f"The header's columns are not these: {', '.join(expected)}. {found[0].upper()}"
            f"{found[1:]}. Correct the first line, and separate its columns by"
            f" {', '.join(DELIMITERS.values())}; a column may stay empty."
        )


def _name(name: str) -> str:
    return name[:SHOWN_CHARACTERS_MAX] or "(no name)"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - SHOWN_NAMES_MAX
    return ", ".join([*names[:SHOWN_NAMES_MAX], *([f"{more} more"] if more > 0 else [])])


def _without_trailing(cells: Sequence[str], at_least: int) -> Sequence[str]:
    """Remove empty cells at the end, which spreadsheets write for cleared columns."""
    end = len(cells)
    while end > at_least and not cells[end - 1]:
        end -= 1
    return cells[:end]


class _RowDecoder(Generic[RowShape]):
    """Converts cells to the model of a row."""

    def __init__(self, shape: type[RowShape], header: Header) -> None:
        self.shape = shape
        self.header = header
        fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
        self.optional = {name for name, field in fields.items() if not field.required}
        self.kinds = {name: field.type for name, field in fields.items()}
        self.numbers = {name for name, kind in self.kinds.items() if _is_number(kind)}

    def line(self, record: Record, cells: Sequence[str]) -> CsvRow[RowShape]:
        refused = CsvRow[RowShape](record.first, record.last)
        if not any(cells):
            return refused
        if len(cells) != len(self.header.columns):
            return refused._replace(errors=[FieldError("", self._other_width(len(cells)))])
        values = {
            name: int(cell) if name in self.numbers and WHOLE_NUMBER.fullmatch(cell) else cell
            for name, cell in zip(self.header.columns, cells, strict=True)
            if cell or name not in self.optional
        }
        try:
            return refused._replace(row=msgspec.convert(values, self.shape))
        except msgspec.ValidationError as error:
            return refused._replace(errors=self._errors(values, error))
        except Problem as problem:
            return refused._replace(errors=problem.errors)

    def _other_width(self, cells: int) -> str:
        columns = len(self.header.columns)
        separator = DELIMITERS[self.header.delimiter]
        fix = (
            f"Put a cell with {separator} in it into quotes."
            if cells > columns
            else f"Write {separator} for each empty cell, too."
        )
        return f"{cells} cells, and the header has {columns}. {fix}"

    def _errors(
        self, values: dict[str, Any], first: msgspec.ValidationError
    ) -> Sequence[FieldError]:
        errors = list(wrong_fields(values, self.shape)) or [FieldError("", str(first))]
        return [
            FieldError(error.field, self._message(error, str(values.get(error.field, ""))))
            for error in errors
        ]

    def _message(self, error: FieldError, value: str) -> str:
        if NOT_UTF8.search(value):
            return "not UTF-8. Save the file as UTF-8, and import it again."
        kind = self.kinds.get(error.field)
        if choices := enum_choices(kind):
            return f"it is {_shown(value)}. Write one of {', '.join(choices)}."
        return f"it is {_shown(value)}. {error.detail.removesuffix('.')}."


def _is_number(kind: Any) -> bool:
    info = msgspec.inspect.type_info(kind)
    while isinstance(info, msgspec.inspect.Metadata):
        info = info.type
    return isinstance(info, msgspec.inspect.IntType)


def _shown(value: str) -> str:
    shown = value[:SHOWN_CHARACTERS_MAX]
    return repr(shown if shown == value else f"{shown}…")
