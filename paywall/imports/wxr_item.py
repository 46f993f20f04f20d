"""The items of a WordPress export (WXR), as values."""

from collections.abc import Mapping
from typing import NamedTuple


class WxrError(Exception):
    """The file is not a WordPress export; the text says what to do."""


class Term(NamedTuple):
    """A category, tag or other term of a post; `domain` names the taxonomy."""

    domain: str
    slug: str
    name: str


class Item(NamedTuple):
    """One item of the export and its first line; `error` if its XML is broken."""

    line: int
    language: str | None
    # By name, as in the file with its usual prefixes: `title`, `wp:post_id`, `content:encoded`.
    fields: dict[str, str]
    terms: tuple[Term, ...]
    meta: tuple[tuple[str, str], ...]
    error: str | None = None
    # How often it contained each character that XML forbids, by code point.
    removed_characters: Mapping[int, int] = {}
