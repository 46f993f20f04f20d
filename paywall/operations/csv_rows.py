"""Read a CSV file (RFC 4180) row by row: what is wrong with a row costs that row alone."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any, BinaryIO, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from paywall.http.bodies import ARTICLE_BYTES_MAX, Shape, wrong_fields
from paywall.problems import FieldError, Problem

RowShape = TypeVar("RowShape", bound=Shape)

WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
NOT_UTF8 = re.compile(r"[\ud800-\udfff]")
SHOWN_CHARACTERS_MAX = 60


class CsvReader(Protocol):
    """The reader of the standard library, which has no other name to be known by."""

    @property
    def line_num(self) -> int: ...
    def __next__(self) -> list[str]: ...
    def __iter__(self) -> Iterator[list[str]]: ...


class CsvError(Exception):
    """The file as a whole is not what was asked for; the text says what to do."""


class Line(NamedTuple, Generic[RowShape]):
    """One row and the line of the file that it starts on; no `row` where there are `errors`."""

    number: int
    row: RowShape | None
    errors: Sequence[FieldError] = ()


def columns_of(shape: type[Shape]) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(shape)]


def read_rows(file: BinaryIO, shape: type[RowShape]) -> Iterator[Line[RowShape]]:
    """Every row that is not blank, in the order of the file, which is UTF-8 with or without a BOM.

    Its header names the shape's fields in any order. Raises CsvError for another header.
    """
    csv.field_size_limit(ARTICLE_BYTES_MAX)
    # What is not UTF-8 becomes lone surrogates, which no field takes.
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        yield from _lines(csv.reader(text, strict=True), shape)
    finally:
        text.detach()  # The file is the caller's to close.


def _lines(reader: CsvReader, shape: type[RowShape]) -> Iterator[Line[RowShape]]:
    reading = _Reading(shape, _header(reader, columns_of(shape)))
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Line(number, None, [_broken(error)])
            continue
        if cells:
            yield reading.line(number, cells)


def _header(reader: CsvReader, expected: Sequence[str]) -> Sequence[str]:
    try:
        header = next(reader, [])
    except csv.Error as error:
        raise CsvError(f"The header cannot be read: {error}.") from error
    wrong = {
        "missing": [name for name in expected if name not in header],
        "unknown": [name for name in header if name not in expected],
        "there twice": sorted({name for name in header if header.count(name) > 1}),
    }
    if any(wrong.values()):
        found = "; ".join(f"{what}: {', '.join(names)}" for what, names in wrong.items() if names)
        raise CsvError(
            f"The header's columns are not these: {', '.join(expected)}. {found[0].upper()}"
            f"{found[1:]}. Mend the first line; a column may stay empty."
        )
    return header


def _broken(error: csv.Error) -> FieldError:
    return FieldError(
        "",
        f"the quotes are broken ({error}). Write a quote within a quoted cell twice, close each"
        " cell's quotes, and keep cells under 4 MiB; reading went on at the next line.",
    )


class _Reading(Generic[RowShape]):
    """Makes the shape of the cells."""

    def __init__(self, shape: type[RowShape], header: Sequence[str]) -> None:
        self.shape = shape
        self.header = header
        fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
        self.optional = {name for name, field in fields.items() if not field.required}
        self.kinds = {name: field.type for name, field in fields.items()}
        self.numbers = {name for name, kind in self.kinds.items() if _is_number(kind)}

    def line(self, number: int, cells: Sequence[str]) -> Line[RowShape]:
        if len(cells) != len(self.header):
            what = (
                f"{len(cells)} cells, and the header has {len(self.header)}. Put a cell with a"
                " comma in it into quotes."
            )
            return Line(number, None, [FieldError("", what)])
        values = {
            name: int(cell) if name in self.numbers and WHOLE_NUMBER.fullmatch(cell) else cell
            for name, cell in zip(self.header, cells, strict=True)
            if cell or name not in self.optional
        }
        try:
            return Line(number, msgspec.convert(values, self.shape))
        except msgspec.ValidationError as error:
            return Line(number, None, self._errors(values, error))
        except Problem as refused:
            return Line(number, None, refused.errors)

    def _errors(
        self, values: dict[str, Any], first: msgspec.ValidationError
    ) -> Sequence[FieldError]:
        errors = wrong_fields(values, self.shape) or [FieldError("", str(first))]
        return [
            FieldError(error.field, self._said(error, str(values.get(error.field, ""))))
            for error in errors
        ]

    def _said(self, error: FieldError, value: str) -> str:
        if NOT_UTF8.search(value):
            return "not UTF-8. Save the file as UTF-8, and import it again."
        kind = self.kinds.get(error.field)
        if isinstance(kind, type) and issubclass(kind, StrEnum):
            return f"it is {_shown(value)}. Write one of {', '.join(kind)}."
        return f"it is {_shown(value)}. {error.detail.removesuffix('.')}."


def _is_number(kind: Any) -> bool:
    info = msgspec.inspect.type_info(kind)
    while isinstance(info, msgspec.inspect.Metadata):
        info = info.type
    return isinstance(info, msgspec.inspect.IntType)


def _shown(value: str) -> str:
    shown = value[:SHOWN_CHARACTERS_MAX]
    return repr(shown if shown == value else f"{shown}…")
