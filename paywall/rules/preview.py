"""What everybody may read of an article: its first paragraphs, and never more than a share.

The cut is made in the list of pieces that the parser gives, never in the HTML itself: what is
not on the list before the cut is not in the preview.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from paywall.rules.html import INLINE, Kind, Piece, escaped, is_stable, pieces

# They accompany a paragraph and are none themselves.
ACCOMPANYING = frozenset("h1 h2 h3 h4 h5 h6 caption figcaption legend summary".split())
BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*")
COUNTED = re.compile(r"\s+|\S")
SPACES = re.compile(r"\s+")
EDITORS_CUT = re.compile(
    r"<!--(?:more|\s{0,20}(?:wp:more|wp:nextpage|(?:more|nextpage|members-only)\s{0,20}--))",
    re.IGNORECASE,
)
"""Where WordPress and Ghost end what everybody reads. WordPress takes `<!--more` and any text."""
WORD_CHARACTERS_MAX = 60
WORD_SPACES = re.compile("[\\s\u200b]")  # Khmer is written with zero-width spaces, where with any
VIRAMA = 9  # the combining class of what joins the next consonant, such as the Khmer coeng
LETTERS_THAT_JOIN = re.compile("[\u0e33\u0eb3\u1160-\u11ff\ud7b0-\ud7ff]")


class Run(NamedTuple):
    """The text of one paragraph, `[start, end)` in the body's visible text."""

    start: int
    end: int
    is_paragraph: bool


class Reading(NamedTuple):
    """What a reader sees of some HTML."""

    pieces: Sequence[Piece]
    text: str
    runs: Sequence[Run]


def preview(body_html: str, *, paragraphs: int, share: float) -> str:
    """The first `paragraphs` paragraphs of a body, as HTML; empty where the share allows none.

    At most `share` (0 to 1) of the characters that a reader sees, and nothing after the editor's
    own cut. A long body is read up to `READ_CHARACTERS_MAX` and `READ_TAGS_MAX`, and the share is
    one of what was read.
    """
    whole = _read(body_html)
    cut = EDITORS_CUT.search(body_html)
    # By the source, not by the parsed tree: a parser moves text out of tables, before the marker.
    shown = _read(body_html[: cut.start()]) if cut else whole
    end = _end(shown, paragraphs, _limit(shown, whole, share))
    if end == 0:
        return ""
    html = _written(shown.pieces, end)
    return html if is_stable(html) else _plain(shown, end)


def visible_text(html: str) -> str:
    """The characters that a reader sees of a body or of a preview."""
    return "".join(piece.text for piece in pieces(html)).strip()


def _read(html: str) -> Reading:
    body = _without_leading_space(pieces(html))
    text = "".join(piece.text for piece in body)
    return Reading(body, text, _runs(body, text))


def _without_leading_space(body: Iterable[Piece]) -> list[Piece]:
    kept: list[Piece] = []
    begun = False
    for piece in body:
        text = piece.text if begun else piece.text.lstrip()
        begun = begun or text != ""
        if piece.kind is not Kind.TEXT or text:
            kept.append(piece._replace(text=text))
    return kept


def _runs(body: Sequence[Piece], text: str) -> list[Run]:
    """Paragraphs are parted by blocks, by two line breaks and by blank lines."""
    runs: list[Run] = []
    start = offset = accompanying = breaks = 0

    def part(end: int) -> None:
        nonlocal start
        words = text[start:end].strip()
        if words:
            first = text.index(words, start)
            runs.append(Run(first, first + len(words), accompanying == 0))
        start = end

    for piece in body:
        if piece.kind is Kind.TEXT:
            for blank in BLANK_LINE.finditer(piece.text):
                part(offset + blank.start())
            offset += len(piece.text)
            breaks = breaks if piece.text.isspace() else 0
            continue
        breaks += piece.tag == "br"
        if breaks > 1 or piece.tag not in INLINE:
            part(offset)
        if piece.tag in ACCOMPANYING:
            accompanying += 1 if piece.kind is Kind.START else -1
    part(offset)
    return runs


def _end(shown: Reading, paragraphs: int, limit: int) -> int:
    """Where the preview ends in the visible text: always after a paragraph's own words."""
    end = 0
    for run in [run for run in shown.runs if run.is_paragraph][:paragraphs]:
        if run.end > limit:
            cut = _boundary(shown.text, run.start, limit)
            return cut if cut > run.start else end
        end = run.end
    return end


def _limit(shown: Reading, whole: Reading, share: float) -> int:
    """Where the share ends, with every space counted and with as few as a reader sees."""
    allowed = math.floor(share * sum(_counts(whole)))
    limit = math.floor(share * len(whole.text.rstrip()))
    for run, count in zip(shown.runs, _counts(shown), strict=True):
        if allowed <= 0:
            return 0
        if allowed <= count:
            counted = COUNTED.finditer(shown.text, run.start, run.end)
            last = next(islice(counted, allowed - 1, None))
            return min(last.end(), limit)
        allowed -= count
    return min(len(shown.text), limit)


def _counts(reading: Reading) -> list[int]:
    """The characters of each run, with as few spaces as a reader sees."""
    return [len(SPACES.sub(" ", reading.text[run.start : run.end])) for run in reading.runs]


def _boundary(text: str, start: int, limit: int) -> int:
    """The last place up to `limit` that parts words, or at least no grapheme cluster."""
    if limit <= start:
        return start
    for place in range(limit, max(start, limit - WORD_CHARACTERS_MAX), -1):
        if WORD_SPACES.match(text[place]):
            return start + len(text[start:place].rstrip())
    for place in range(limit, start, -1):
        if _parts_graphemes(text[place - 1], text[place]):
            return place
    return start


def _parts_graphemes(before: str, after: str) -> bool:
    """Sure to part two grapheme clusters (UAX #29): rather no cut than one within a cluster."""
    return (
        unicodedata.category(after)[0] in "LNPZ"
        and not LETTERS_THAT_JOIN.match(after)
        and unicodedata.combining(before) != VIRAMA
        and unicodedata.category(before) != "Cf"
    )


def _written(body: Sequence[Piece], end: int) -> str:
    written: list[str] = []
    opened: list[str] = []
    offset = 0
    for piece in body:
        text = piece.text[: end - offset]
        written.append(escaped(text) if piece.kind is Kind.TEXT else piece.html)
        offset += len(text)
        if offset == end:
            break
        if piece.kind is Kind.START:
            opened.append(piece.tag)
        elif piece.kind is Kind.END:
            opened.pop()
    return "".join([*written, *(f"</{tag}>" for tag in reversed(opened))])


def _plain(shown: Reading, end: int) -> str:
    """The words alone, where the tags would be read differently a second time."""
    words = [
        " ".join(shown.text[run.start : min(run.end, end)].split())
        for run in shown.runs
        if run.start < end
    ]
    return "".join(f"<p>{escaped(paragraph)}</p>" for paragraph in words)
