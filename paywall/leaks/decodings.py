"""The texts that a response contains, for people and for programs.

Visible text, the content of scripts (JSON-LD, data of a front end), and what stands inside tags
(attributes) or comments are kept apart, so that a report can name the place. Each is also read with
its escapes undone: entities, JSON and JavaScript escapes, percent-encoding, and base64.
"""

import base64
import binascii
import codecs
import html
import re
import sys
from collections.abc import Iterator
from enum import StrEnum
from itertools import islice
from typing import NamedTuple
from urllib.parse import unquote

from paywall.leaks.letters import TAG

# Escapes in escapes, such as HTML in JSON in an attribute.
ESCAPE_LEVELS_MAX = 3
BASE64_PIECES_MAX = 500
CHARSET_SOUGHT_BYTES = 2_048

_COMMENT = re.compile(r"<!--(.*?)(?:-->|\Z)", re.DOTALL)
_SCRIPT = re.compile(
    r"<(script|style|template)\b[^<>]*>(.*?)(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE
)
_CDATA = re.compile(r"<!\[CDATA\[|\]\]>")
_ESCAPE = re.compile(
    r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([bfnrt/\"'\\]))"
)
_PERCENT = re.compile(r"%[0-9a-fA-F]{2}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{40,}={0,2}")
_CHARSET = re.compile(rb"(?:charset|encoding)\s{0,5}=\s{0,5}[\"']?([\w.:-]{2,40})", re.IGNORECASE)
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Place(StrEnum):
    """Where in a response a text stands."""

    TEXT = "its text"
    SCRIPT = "a script"
    MARKUP = "an attribute or a comment"
    BASE64 = "base64"
    HEADER = "a header"


class PlacedText(NamedTuple):
    """A text of a response, and where it stands."""

    place: Place
    text: str


def decode_body(body: bytes, content_type: str) -> str:
    """The characters of a response; what is wrong in its charset is replaced."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return body.decode(encoding, "replace")
    declared = _CHARSET.search(content_type.encode()) or _CHARSET.search(
        body[:CHARSET_SOUGHT_BYTES]
    )
    try:
        return body.decode(declared[1].decode("ascii", "replace") if declared else "utf-8")
    except (LookupError, UnicodeError):
        return body.decode("utf-8", "replace")


def placed_texts(source: str) -> Iterator[PlacedText]:
    """Every text of a response's source, with its escapes undone."""
    for level in _unescaped_levels(source):
        yield from _without_markup(level)
        if pieces := list(_decoded_base64(level)):
            yield from (
                PlacedText(Place.BASE64, text.text)
                for inner in _unescaped_levels("\n".join(pieces))
                for text in _without_markup(inner)
            )


def _unescaped_levels(source: str) -> Iterator[str]:
    yield source
    for _ in range(ESCAPE_LEVELS_MAX):
        unescaped = _unescape(source)
        if unescaped == source:
            return
        source = unescaped
        yield source


def _unescape(source: str) -> str:
    source = _ESCAPE.sub(_unescaped, html.unescape(source))
    return unquote(source, errors="replace") if _PERCENT.search(source) else source


def _unescaped(escape: re.Match[str]) -> str:
    braced, four, two, character = escape.groups()
    if character:
        return {"n": "\n", "r": "\n", "t": "\t", "b": "", "f": "\n"}.get(character, character)
    code_point = int(braced or four or two, 16)
    return chr(code_point) if code_point <= sys.maxunicode else ""


def _without_markup(source: str) -> Iterator[PlacedText]:
    source = _CDATA.sub("", source)
    comments = [comment[1] for comment in _COMMENT.finditer(source)]
    source = _COMMENT.sub("", source)
    scripts = [script[2] for script in _SCRIPT.finditer(source)]
    source = _SCRIPT.sub("", source)
    tags = TAG.findall(source)
    yield PlacedText(Place.TEXT, TAG.sub("", source))
    yield PlacedText(Place.SCRIPT, TAG.sub("", "\n".join(scripts)))
    yield PlacedText(Place.MARKUP, "\n".join([*tags, *(TAG.sub("", text) for text in comments)]))


def _decoded_base64(source: str) -> Iterator[str]:
    for piece in islice(_BASE64.finditer(source), BASE64_PIECES_MAX):
        encoded = piece[0].rstrip("=").translate({ord("-"): "+", ord("_"): "/"})
        try:
            decoded = base64.b64decode(encoded + "=" * (-len(encoded) % 4))
        except (binascii.Error, ValueError):
            continue
        yield decoded.decode("utf-8", "ignore")
