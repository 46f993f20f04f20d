"""Removes the characters that XML 1.0 forbids (§2.2) from a file, and marks each removal.

A parser that finds one gives up its element, and sometimes those that follow. So they are removed
before parsing, and marks in the text show afterwards where they were.
"""

import codecs
import io
import re
import sys
from collections import Counter
from typing import BinaryIO

from paywall.imports import byte_stream
from paywall.imports.byte_stream import UNDECODABLE_AS_SURROGATE, Resumed

CHUNK_CHARACTERS = 64 * 1024
# The longest token that must not be cut: `<![CDATA[`, or a reference such as `&#x10FFFF;`.
TOKEN_CHARACTERS_MAX = 16
START_BYTES = 256
DECLARED = re.compile(rb"""<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
UNMARKED_UTF16 = ((b"<\0?\0", "utf-16-le"), (b"\0<\0?", "utf-16-be"))

# Begins the mark of a removed character; doubled, it stands for itself.
MARK = "\U0010fffd"
CODES_FROM = 0xF0000
PLANE_LAST = 0xFFFF
# The code for references beyond Unicode's last code point.
BEYOND = PLANE_LAST + 1
UNDECODABLE = ord(byte_stream.UNDECODABLE)
MARKED = re.compile(f"{MARK}(.)", re.DOTALL)
FORBIDDEN = "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\ud800-\\udfff\\ufffe\\uffff]"
ITEM = re.compile(r"<item[\s/>]")
REFERENCE = "&#(?:x(?P<hex>[0-9A-Fa-f]{1,12})|(?P<decimal>[0-9]{1,12}));"
IN_TEXT = re.compile(
    f"(?P<cdata><!\\[CDATA\\[)|(?P<comment><!--)|(?P<instruction><\\?)|(?P<tag><)"
    f"|{REFERENCE}|(?P<forbidden>{FORBIDDEN})|(?P<mark>{MARK})"
)
INSIDE = {
    kind: re.compile(f"(?P<end>{end})|(?P<forbidden>{FORBIDDEN})|(?P<mark>{MARK})")
    for kind, end in (("cdata", r"\]\]>"), ("comment", "-->"), ("instruction", r"\?>"))
}
INSIDE["tag"] = re.compile(
    f"(?P<end>>)|(?P<again>(?=<))|(?P<quote>[\"'])|{REFERENCE}|(?P<forbidden>{FORBIDDEN})"
)


def encoding_of(start: bytes) -> tuple[str, bytes]:
    """The encoding that a file declares, and its byte order mark; raises LookupError if unknown."""
    for mark, encoding in MARKS:
        if start.startswith(mark):
            return encoding, mark
    for first, encoding in UNMARKED_UTF16:
        if start.startswith(first):
            return encoding, b""
    declared = DECLARED.match(start)
    encoding = declared[1].decode() if declared else "utf-8"
    # A declaration that is readable as ASCII cannot be in UTF-16, even if it claims so.
    return ("utf-8" if encoding.lower().startswith("utf-16") else encoding), b""


class CleanXml:
    """A file-like object that yields UTF-8 without forbidden characters, from any encoding.

    Raises LookupError if the encoding is unknown.
    """

    def __init__(self, file: BinaryIO) -> None:
        start = file.read(START_BYTES)
        encoding, mark = encoding_of(start)
        rest = io.BufferedReader(Resumed(start.removeprefix(mark), file))
        self._text = io.TextIOWrapper(rest, encoding, errors=UNDECODABLE_AS_SURROGATE, newline="")
        self._pending = ""
        self._inside: str | None = None
        self._quote = ""
        self._after_tag = ""
        # The number of `item` elements that have begun so far.
        self.items = 0

    def read(self, _size: int = -1) -> bytes:
        """The next piece, of any size; empty only at the end."""
        piece = ""
        while not piece:
            read = self._text.read(CHUNK_CHARACTERS)
            piece = self._clean(self._pending + read, is_last=not read)
            if not read:
                break
        return piece.encode()

    def _clean(self, text: str, *, is_last: bool) -> str:
        """The marked text, up to a token that may continue in the next piece."""
        end = len(text) if is_last else _complete_length(text)
        self._pending = "" if is_last else text[end:]
        pieces: list[str] = []
        at = 0
        while found := self._pattern().search(text, at, end):
            if found.lastgroup == "tag" and ITEM.match(text, found.start()):
                self.items += 1
            pieces += [text[at : found.start()], self._token(found)]
            at = found.end()
        return "".join([*pieces, text[at:end]])

    def _pattern(self) -> re.Pattern[str]:
        return IN_TEXT if self._inside is None else INSIDE[self._inside]

    def _token(self, found: re.Match[str]) -> str:
        kind, token = str(found.lastgroup), found[0]
        match kind:
            case "forbidden":
                return self._mark(ord(token))
            case "hex" | "decimal":
                code = int(found[kind], 16 if kind == "hex" else 10)
                return self._mark(code) if _is_forbidden(code) else token
            case "mark":
                return MARK * 2 if self._inside in (None, "cdata") else token
            case "quote":
                if self._quote in ("", token):
                    self._quote = "" if self._quote else token
                return token
            case "end" if self._quote:
                return token
            case "end" | "again":
                # No tag contains a <: an unclosed tag ends where the next one begins.
                return self._end_construct(token)
            case _:
                self._inside = kind
                return token

    def _end_construct(self, token: str) -> str:
        marks = self._after_tag
        self._inside, self._quote, self._after_tag = None, "", ""
        return token + marks

    def _mark(self, code: int) -> str:
        mark = MARK + chr(CODES_FROM + (code if code <= PLANE_LAST else BEYOND))
        if self._inside in (None, "cdata"):
            return mark
        # A tag cannot contain a mark, so the marks of its attributes follow it.
        self._after_tag += mark if self._inside == "tag" else ""
        return ""


def _complete_length(text: str) -> int:
    """The length of the text without a token that may begin in its last characters."""
    cut = max(len(text) - TOKEN_CHARACTERS_MAX, 0)
    begins = re.search(r"[<&\]?-]", text[cut:])
    return cut + begins.start() if begins else len(text)


def _is_forbidden(code: int) -> bool:
    return code > sys.maxunicode or re.match(FORBIDDEN, chr(code)) is not None


def unmarked(text: str) -> str:
    """The original text, without the removed characters and their marks."""
    if MARK not in text:
        return text
    return MARKED.sub(lambda found: MARK if found[1] == MARK else "", text)


def removed_characters(text: str | None) -> Counter[int]:
    """How often each character was removed from a text, by code point or BEYOND."""
    if text is None or MARK not in text:
        return Counter()
    return Counter(ord(found) - CODES_FROM for found in MARKED.findall(text) if found != MARK)
