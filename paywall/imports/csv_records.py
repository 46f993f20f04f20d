"""The records of a CSV file (RFC 4180): a broken one costs its first line, and no other record."""

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from paywall.imports.csv_text import LINE_CHARACTERS_MAX

RECORD_CHARACTERS_MAX = LINE_CHARACTERS_MAX
# Going back after broken records reads no more than so many times what was read before.
REREAD_TIMES_MAX = 8
CLOSE_QUOTES = "Write a quote within a quoted cell twice, and close each cell's quotes."


class Record(NamedTuple):
    """The cells that stand on these lines, or why they cannot be read and how to fix that."""

    first: int
    last: int
    cells: Sequence[str]
    error: str | None = None


class _TooLong(Exception):  # noqa: N818 (raised through the csv module, and caught here)
    pass


class _Lines(Iterator[str]):
    """Physical lines; those of the current record are kept, to go back to."""

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
        """To the line after the record's first, unless that was done too often."""
        again = self.record[1:]
        characters = sum(map(len, again))
        allowed = REREAD_TIMES_MAX * self._read_characters
        if self._reread_characters + characters <= allowed:
            self._reread_characters += characters
            self._again.extendleft(reversed(again))
            del self.record[1:]


def read_records(lines: Iterator[str], first: int, delimiter: str) -> Iterator[Record]:
    """Every record that is not a blank line, in the order of the file.

    An unclosed quote would take the rest of the file into its cell. So after a record that cannot
    be read, reading goes on at the line after its first; only where a file has very many of them,
    at the line where it was given up.
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
