"""Which article the path of a request belongs to, for a proxy that serves files.

Proxies and file systems read an unusual path in different ways, so only one spelling is accepted:
the service and the proxy then cannot mean different files.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

PATH_BYTES_MAX = 2000
ID, ANY, BELOW = "{id}", "*", "**"
# Escapes only where a browser needs them: for a space and for what is not ASCII.
SPELLING = re.compile(rb"/(?:[A-Za-z0-9._~/-]|%20|%[89A-Fa-f][0-9A-Fa-f])*")
# A segment of a rule: at most one placeholder, because two could divide a name in two ways.
SEGMENT = re.compile(r"([^\x00-\x1f\x7f%?#\\;{}*/]*)(\{id\}|\*)?([^\x00-\x1f\x7f%?#\\;{}*/]*)")
# Some systems drop them at the end of a name, and names that begin with a dot are not for readers.
EDGES = (".", " ")


class PathRefusal(StrEnum):
    """Why a path does not name an article."""

    NOT_CANONICAL = "path_not_canonical"
    NO_RULE = "path_without_rule"
    AMBIGUOUS = "path_ambiguous"


class SegmentRule(NamedTuple):
    """One segment of a path: a placeholder or none, with the text before and after it."""

    before: str
    placeholder: str
    after: str

    def matches(self, segment: str) -> bool:
        if not self.placeholder:
            return segment == self.before
        is_longer = len(segment) > len(self.before) + len(self.after)
        return is_longer and segment.startswith(self.before) and segment.endswith(self.after)

    def value_in(self, segment: str) -> str:
        return segment[len(self.before) : len(segment) - len(self.after)]


class PathRule(NamedTuple):
    """The paths of one template such as `/articles/{id}/`."""

    segments: tuple[SegmentRule, ...]
    # Whether everything below belongs to the article, too.
    takes_below: bool

    def article_in(self, segments: list[str]) -> str | None:
        count = len(self.segments)
        fits = len(segments) > count if self.takes_below else len(segments) == count
        pairs = list(zip(self.segments, segments, strict=False))
        if not fits or not all(rule.matches(segment) for rule, segment in pairs):
            return None
        return next(rule.value_in(segment) for rule, segment in pairs if rule.placeholder == ID)


def parse_path_rule(template: str) -> PathRule | None:
    """The rule of a template; None if it is not one.

    `{id}` stands once for the article's id. `*` stands for any text in a segment, and `/**` at the
    end for everything below.
    """
    takes_below = template.endswith(f"/{BELOW}")
    first, *segments = template.removesuffix(f"/{BELOW}").split("/")
    matches = [SEGMENT.fullmatch(segment) for segment in segments]
    if first or not _are_canonical(segments):
        return None
    rules = [SegmentRule(match[1], match[2] or "", match[3]) for match in matches if match]
    placeholders = [rule.placeholder for rule in rules]
    if len(rules) < len(segments) or placeholders.count(ID) != 1:
        return None
    return PathRule(tuple(rules), takes_below)


def article_at(path: bytes, rules: Iterable[PathRule]) -> str | PathRefusal:
    """The article of a path, as the client sent it; the query is ignored."""
    segments = _canonical_segments(path.partition(b"?")[0])
    if segments is None:
        return PathRefusal.NOT_CANONICAL
    # Some programs serve the file `a` for `/a/`, too.
    readings = [segments, segments[:-1]] if segments[-1] == "" else [segments]
    found = [[rule.article_in(reading) for reading in readings] for rule in rules]
    named = {article_id for ids in found for article_id in ids if article_id is not None}
    if all(ids[0] is None for ids in found):
        return PathRefusal.NO_RULE
    return named.pop() if len(named) == 1 else PathRefusal.AMBIGUOUS


def _canonical_segments(path: bytes) -> list[str] | None:
    """The decoded segments of a path in its only accepted spelling; None for any other."""
    if len(path) > PATH_BYTES_MAX or not SPELLING.fullmatch(path):
        return None
    try:
        segments = unquote_to_bytes(path).decode("utf-8").split("/")[1:]
    except UnicodeDecodeError:
        return None
    return segments if _are_canonical(segments) else None


def _are_canonical(segments: list[str]) -> bool:
    """Whether no segment is empty, except for the last one, or has a dot or space at an end."""
    is_slash_doubled = "" in segments[:-1]
    return not is_slash_doubled and not any(
        segment.startswith(EDGES) or segment.endswith(EDGES) for segment in segments
    )
