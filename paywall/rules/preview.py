"""The public preview of an article: its first paragraphs, at most a share of the text.

The cut is made in the list of visible pieces, never in the HTML source, so the preview contains
nothing that is not in the list before the cut.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from paywall.rules.html import (
    INLINE,
    HtmlPiece,
    PieceKind,
    escape_text,
    survives_reparsing,
    visible_pieces,
)

# These elements belong to a paragraph and are not counted as one.
NOT_PARAGRAPHS = frozenset("h1 h2 h3 h4 h5 h6 caption figcaption legend summary".split())
BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*")
COUNTED_CHARACTER = re.compile(r"\s+|\S")
SPACES = re.compile(r"\s+")
# The markers at which WordPress and Ghost end the public part. WordPress accepts any text after
# `<!--more`.
EDITOR_MARKER = re.compile(
    r"<!--(?:more|\s{0,20}(?:wp:more|wp:nextpage|(?:more|nextpage|members-only)\s{0,20}--))",
    re.IGNORECASE,
)
WORD_CHARACTERS_MAX = 60
WORD_SPACES = re.compile("[\\s\u200b]")  # Khmer separates words with zero-width spaces, if at all
VIRAMA = 9  # the combining class of signs that join the next consonant, such as the Khmer coeng
LETTERS_THAT_JOIN = re.compile("[\u0e33\u0eb3\u1160-\u11ff\ud7b0-\ud7ff]")


class TextRun(NamedTuple):
    """A paragraph or heading: the interval `[start, end)` of the visible text."""

    start: int
    end: int
    is_paragraph: bool


class VisibleHtml(NamedTuple):
    """The visible pieces of some HTML, their text and its runs."""

    pieces: Sequence[HtmlPiece]
    text: str
    runs: Sequence[TextRun]


def preview(body_html: str, *, paragraphs: int, share: float) -> str:
    """The first `paragraphs` paragraphs of a body, as HTML; empty if the share allows none.

    At most `share` (0 to 1) of the visible characters, and nothing after the editor's marker. A
    long body is read up to `READ_CHARACTERS_MAX` and `READ_TAGS_MAX`; the share is then a share of
    the part that was read.
    """
    whole = _visible(body_html)
    cut = EDITOR_MARKER.search(body_html)
    # Cut the source, not the parsed tree: the parser moves text out of tables, before the marker.
    shown = _visible(body_html[: cut.start()]) if cut else whole
    end = _end(shown, paragraphs, _limit(shown, whole, share))
    if end == 0:
        return ""
    html = _html_up_to(shown.pieces, end)
    return html if survives_reparsing(html) else _plain_paragraphs(shown, end)


def _visible(html: str) -> VisibleHtml:
    body = _without_leading_space(visible_pieces(html))
    text = "".join(piece.text for piece in body)
    return VisibleHtml(body, text, _runs(body, text))


def _without_leading_space(body: Iterable[HtmlPiece]) -> list[HtmlPiece]:
    output: list[HtmlPiece] = []
    has_text = False
    for piece in body:
        text = piece.text if has_text else piece.text.lstrip()
        has_text = has_text or text != ""
        if piece.kind is not PieceKind.TEXT or text:
            output.append(piece._replace(text=text))
    return output


def _runs(body: Sequence[HtmlPiece], text: str) -> list[TextRun]:
    """Split the text into runs at block elements, double line breaks and blank lines."""
    runs: list[TextRun] = []
    start = offset = accompanying = breaks = 0

    def end_run(end: int) -> None:
        nonlocal start
        words = text[start:end].strip()
        if words:
            first = text.index(words, start)
            runs.append(TextRun(first, first + len(words), accompanying == 0))
        start = end

    for piece in body:
        if piece.kind is PieceKind.TEXT:
            for blank in BLANK_LINE.finditer(piece.text):
                end_run(offset + blank.start())
            offset += len(piece.text)
            breaks = breaks if piece.text.isspace() else 0
            continue
        breaks += piece.tag == "br"
        if breaks > 1 or piece.tag not in INLINE:
            end_run(offset)
        if piece.tag in NOT_PARAGRAPHS:
            accompanying += 1 if piece.kind is PieceKind.START else -1
    end_run(offset)
    return runs


def _end(shown: VisibleHtml, paragraphs: int, limit: int) -> int:
    """The end of the preview in the visible text: always at the end of a word if possible."""
    end = 0
    for run in [run for run in shown.runs if run.is_paragraph][:paragraphs]:
        if run.end > limit:
            cut = _cut_position(shown.text, run.start, limit)
            return cut if cut > run.start else end
        end = run.end
    return end


def _limit(shown: VisibleHtml, whole: VisibleHtml, share: float) -> int:
    """The end of the share, by whichever count is stricter: all spaces, or collapsed spaces."""
    allowed = math.floor(share * sum(_counts(whole)))
    limit = math.floor(share * len(whole.text.rstrip()))
    for run, count in zip(shown.runs, _counts(shown), strict=True):
        if allowed <= 0:
            return 0
        if allowed <= count:
            counted = COUNTED_CHARACTER.finditer(shown.text, run.start, run.end)
            last = next(islice(counted, allowed - 1, None))
            return min(last.end(), limit)
        allowed -= count
    return min(len(shown.text), limit)


def _counts(reading: VisibleHtml) -> list[int]:
    """The number of characters in each run, with collapsed spaces."""
    return [len(SPACES.sub(" ", reading.text[run.start : run.end])) for run in reading.runs]


def _cut_position(text: str, start: int, limit: int) -> int:
    """The last position up to `limit` between two words, or else between grapheme clusters."""
    if limit <= start:
        return start
    for position in range(limit, max(start, limit - WORD_CHARACTERS_MAX), -1):
        if WORD_SPACES.match(text[position]):
            return start + len(text[start:position].rstrip())
    for position in range(limit, start, -1):
        if _is_grapheme_boundary(text[position - 1], text[position]):
            return position
    return start


def _is_grapheme_boundary(before: str, after: str) -> bool:
    """Whether this is certainly a grapheme cluster boundary (UAX #29); False when in doubt."""
    return (
        unicodedata.category(after)[0] in "LNPZ"
        and not LETTERS_THAT_JOIN.match(after)
        and unicodedata.combining(before) != VIRAMA
        and unicodedata.category(before) != "Cf"
    )


def _html_up_to(body: Sequence[HtmlPiece], end: int) -> str:
    output: list[str] = []
    opened: list[str] = []
    offset = 0
    for piece in body:
        text = piece.text[: end - offset]
        output.append(escape_text(text) if piece.kind is PieceKind.TEXT else piece.html)
        offset += len(text)
        if offset == end:
            break
        if piece.kind is PieceKind.START:
            opened.append(piece.tag)
        elif piece.kind is PieceKind.END:
            opened.pop()
    return "".join([*output, *(f"</{tag}>" for tag in reversed(opened))])


def _plain_paragraphs(shown: VisibleHtml, end: int) -> str:
    """The text alone, for HTML whose tags would be parsed differently a second time."""
    words = [
        " ".join(shown.text[run.start : min(run.end, end)].split())
        for run in shown.runs
        if run.start < end
    ]
    return "".join(f"<p>{escape_text(paragraph)}</p>" for paragraph in words)
