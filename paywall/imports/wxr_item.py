"""What a WordPress export (WXR) holds, once it is read."""

from collections.abc import Mapping
from typing import NamedTuple


class WxrError(Exception):
    """The file is not a WordPress export; the text says what to do."""


class Term(NamedTuple):
    """A category or a tag of a post; `domain` says which, or another taxonomy."""

    domain: str
    slug: str
    name: str


class Item(NamedTuple):
    """One item of the export and the line that it starts on; `error` where its XML is broken."""

    line: int
    language: str | None
    # By name, as in the file with its usual prefixes: `title`, `wp:post_id`, `content:encoded`.
    fields: dict[str, str]
    terms: tuple[Term, ...]
    meta: tuple[tuple[str, str], ...]
    error: str | None = None
    # How often each character that XML forbids stood in it, by its code.
    taken_out: Mapping[int, int] = {}
