"""Text reduced to its letters, so that two copies of it compare equal however they are set.

Letters, digits and combining marks are kept; spaces, punctuation, zero-width and other invisible
characters are not. So curly quotes, line breaks, markup between two letters and the zero-width
spaces of Khmer make no difference, and scripts without spaces need no treatment of their own.
"""

import re
import unicodedata

# Combining characters that are not visible: Khmer inherent vowels and variation selectors.
INVISIBLE = frozenset(
    "\u17b4\u17b5\u034f\u180b\u180c\u180d" + "".join(map(chr, range(0xFE00, 0xFE10)))
)
KEPT_CATEGORIES = frozenset("LMN")
# Elements whose content is not part of a body's text, and comments.
_NO_TEXT = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|template|noscript)\b[^>]*>.*?(?:</\1\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_INLINE_TAG = re.compile(
    r"</?(?:a|abbr|b|bdi|bdo|cite|code|em|font|i|ins|kbd|mark|q|s|small|span|strong|sub|sup|u|wbr)"
    r"\b[^<>]*>",
    re.IGNORECASE,
)
TAG = re.compile(r"<[^<>]*>")


class _KeptLetters(dict[int, str | None]):
    """A translation table that decides about a character when it first occurs."""

    def __missing__(self, code_point: int) -> str | None:
        character = chr(code_point)
        is_kept = (
            unicodedata.category(character)[0] in KEPT_CATEGORIES and character not in INVISIBLE
        )
        self[code_point] = character if is_kept else None
        return self[code_point]


_KEPT = _KeptLetters()


def letters_of(text: str) -> str:
    """The letters of a text, in one case and in one form of each character."""
    return unicodedata.normalize("NFKC", text).casefold().translate(_KEPT)


def text_of_body(body_html: str) -> str:
    """The text of a body's HTML, one block a line; entities are left to the caller.

    Made without a parser, so that no nesting makes it slow. What a browser would hide is kept.
    """
    without = _INLINE_TAG.sub("", _NO_TEXT.sub(" ", body_html))
    return TAG.sub("\n", without)
