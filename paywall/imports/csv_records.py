"""Reads the records of a CSV file (RFC 4180); a broken record loses only its first line."""

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from paywall.imports.csv_text import LINE_CHARACTERS_MAX

RECORD_CHARACTERS_MAX = LINE_CHARACTERS_MAX
# Limits re-reading after broken records, as a multiple of what was read once.
REREAD_TIMES_MAX = 8
CLOSE_QUOTES = "Write a quote within a quoted cell twice, and close each cell's quotes."


class Record(NamedTuple):
    """The cells of these lines, or why they cannot be read and how to fix that."""

    first: int
    last: int
    cells: Sequence[str]
    error: str | None = None


class _TooLong(Exception):  # noqa: N818 (raised through the csv module, and caught here)
    pass


class _Lines(Iterator[str]):
    """Physical lines; those of the current record are kept, so that reading can go back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._again: deque[str] = deque()
        self._read_characters = 0
        self._reread_characters = 0
        self._record_characters = 0
        self.record: list[str] = []

    def __next__(self) -> str:
        if self._again:
            line = self._again.popleft()
        else:
            line = next(self._lines)
            self._read_characters += len(line)
        self.record.append(line)
        self._record_characters += len(line)
        if self._record_characters > RECORD_CHARACTERS_MAX:
            raise _TooLong
        return line

    def begin_record(self) -> None:
        self.record, self._record_characters = [], 0

    def go_back(self) -> None:
        """Continue at the line after the record's first, unless too much was re-read already."""
        again = self.record[1:]
        characters = sum(map(len, again))
        allowed = REREAD_TIMES_MAX * self._read_characters
        if self._reread_characters + characters <= allowed:
            self._reread_characters += characters
            self._again.extendleft(reversed(again))
            del self.record[1:]


def read_records(lines: Iterator[str], first: int, delimiter: str) -> Iterator[Record]:
    """Every record that is not a blank line, in the order of the file.

    An unclosed quote would extend a cell to the end of the file. So after a broken record, reading
    continues at the line after its first. Only in a file with very many broken records does it
    continue where the record was given up.
    """
    csv.field_size_limit(RECORD_CHARACTERS_MAX)
    source = _Lines(lines)
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        source.begin_record()
        cells: Sequence[str] = ()
        problem = None
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = f"the quotes are broken ({error}). {CLOSE_QUOTES}"
        except _TooLong:
            problem = f"longer than {RECORD_CHARACTERS_MAX} characters. {CLOSE_QUOTES}"
        if problem:
            source.go_back()
            reader = csv.reader(source, delimiter=delimiter, strict=True)
        last = first + len(source.record) - 1
        if cells or problem:
            yield Record(first, last, cells, problem)
        first = last + 1
