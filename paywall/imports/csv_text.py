"""Decodes a CSV file into physical lines: encodings, line ends, and a limit for each line."""

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO

from paywall.http.bodies import ARTICLE_BYTES_MAX
from paywall.imports.byte_stream import UNDECODABLE_AS_SURROGATE, Resumed

# A body of quotes alone is twice as long in a file that doubles each of them.
LINE_CHARACTERS_MAX = 2 * ARTICLE_BYTES_MAX
SKIPPED_CHARACTERS = 64 * 1024
MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
MARK_BYTES_MAX = 4
WORKBOOK = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
SAVE_AS_CSV = "Save it as CSV UTF-8, and import that."


class CsvError(Exception):
    """The whole file is unusable; the text says what to do."""


def physical_lines(file: BinaryIO) -> Iterator[str]:
    """Every line with its end (LF, CRLF or CR); a longer line is cut one character past the limit.

    The encoding is UTF-8, or that of the byte order mark. Raises CsvError for any other file.
    """
    start = file.read(MARK_BYTES_MAX)
    encoding, mark = _encoding(start)
    rest = io.BufferedReader(Resumed(start.removeprefix(mark), file))
    text = io.TextIOWrapper(rest, encoding, errors=UNDECODABLE_AS_SURROGATE, newline="")
    try:
        yield from _within_limit(text)
    finally:
        text.detach()  # The caller closes the file.
        rest.detach()


def _encoding(start: bytes) -> tuple[str, bytes]:
    if start.startswith(WORKBOOK):
        raise CsvError(f"The file is a workbook of a spreadsheet program. {SAVE_AS_CSV}")
    if start in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
        raise CsvError(f"The file is UTF-32. {SAVE_AS_CSV}")
    for mark, encoding in MARKS.items():
        if start.startswith(mark):
            return encoding, mark
    if b"\0" in start:
        raise CsvError(f"The file looks like UTF-16 without a byte order mark. {SAVE_AS_CSV}")
    return "utf-8", b""


def _within_limit(text: io.TextIOWrapper) -> Iterator[str]:
    limit = LINE_CHARACTERS_MAX + 1
    line = text.readline(limit)
    while line:
        following = ""
        if len(line) == limit and line[-1] != "\n":
            following = _skip_to_line_end(text, line[-1])
        yield line
        line = following + text.readline(limit) if following not in ("\n", "\r") else following


def _skip_to_line_end(text: io.TextIOWrapper, last: str) -> str:
    """Skip the rest of a line; returns the next line's first character if it was read."""
    while last not in ("\n", "\r", ""):
        last = text.readline(SKIPPED_CHARACTERS)[-1:]
    if last == "\r":
        # The limit may have cut between CR and LF.
        following = text.read(1)
        return "" if following == "\n" else following
    return ""
