"""The beginning of a body's HTML source, with limits on what could be visible.

Comments, the content of elements that do not display it, and overlong attribute values are removed
before counting, so that a 100 kB image or style sheet before the text does not use up the limit.
This module only tokenizes (HTML Living Standard §13.2.5); the parser interprets the tags. After a
tag whose content has its own syntax, everything is copied and counted unchanged, because a wrong
guess could make hidden text visible.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

# The standard's algorithm is quadratic in nesting, attributes and unclosed emphasis: 4 MiB of
# `<div>` take minutes. With these limits the worst known body takes less than half a second.
READ_CHARACTERS_MAX = 65_536
READ_TAGS_MAX = 2_000
# Tags, comments and texts, including removed ones.
READ_TOKENS_MAX = 20_000
# A longer value is removed, except that of `style`, which can hide an element.
ATTRIBUTE_CHARACTERS_MAX = 4_096
# Reading stops at a tag with more attributes.
ATTRIBUTES_MAX = 1_000

_SPACE = r"[\t\n\f\r ]"
_NAME = r"[^\t\n\f\r />][^\t\n\f\r />=]*+"
_VALUE = r"\"[^\"]*+\"|'[^']*+'|[^\t\n\f\r >\"'][^\t\n\f\r >]*+|(?=>)"
ATTRIBUTE = re.compile(
    rf"([\t\n\f\r /]*+)({_NAME})(?:{_SPACE}*+={_SPACE}*+({_VALUE})|(?!{_SPACE}*+=))"
)
_ATTRIBUTES = (
    rf"(?:[\t\n\f\r /]*+{_NAME}(?:{_SPACE}*+={_SPACE}*+(?:{_VALUE})|(?!{_SPACE}*+=)))"
    rf"{{0,{ATTRIBUTES_MAX}}}+"
)
TAG = re.compile(
    r"<(?P<slash>/?)(?P<name>[a-zA-Z][^\t\n\f\r />]*+)"
    rf"(?P<attributes>{_ATTRIBUTES})(?P<end>[\t\n\f\r /]*+>)"
)
MARKUP = re.compile(r"<(?:[a-zA-Z!?]|/[^>])")
TAG_START = re.compile(r"</?[a-zA-Z]")
# Replaces each comment, so that the source before and after it does not join into one token.
COMMENT = "<!---->"
SHORT_COMMENT = re.compile(r"<!---?>")
COMMENT_END = re.compile(r"--!?>")
# An inline SVG without anything that HTML parses differently inside SVG.
PLAIN_SVG = re.compile(
    rf"<svg(?={_SPACE}|>){_ATTRIBUTES}{_SPACE}*+>"
    r"(?:[^<]++|</?(?:circle|clipPath|defs|ellipse|g|line|linearGradient|mask|path|pattern|polygon"
    r"|polyline|radialGradient|rect|stop|symbol|text|tspan|use)"
    rf"(?={_SPACE}|[/>]){_ATTRIBUTES}[\t\n\f\r /]*+>)*+"
    rf"</svg{_SPACE}*+>",
    re.IGNORECASE,
)

# Their content is text up to their own end tag; of these only xmp shows it.
RAW_TEXT_ELEMENTS = frozenset(
    "iframe noembed noframes noscript script style textarea title xmp".split()
)
RAW_TEXT_END = {
    name: re.compile(rf"</{name}(?={_SPACE}|[/>])", re.IGNORECASE) for name in RAW_TEXT_ELEMENTS
}
SCRIPT = re.compile("<script", re.IGNORECASE)
OWN_SYNTAX_ELEMENTS = frozenset("frameset math plaintext select svg".split())
UNFINISHED_REFERENCE = re.compile(r"&[^<>&;\s]*\Z")


class _Token(NamedTuple):
    """A part of the source up to `end`, its `visible` part, and the name of its tag.

    The name is empty for text; `is_ambiguous` if only a parser can interpret what follows.
    """

    end: int
    source: str
    visible: str
    name: str = ""
    is_ambiguous: bool = False


def bounded_source(html: str) -> str:
    """The source up to the limits, as a browser would interpret it.

    With scripting on, browsers parse noscript like noembed, as raw text. lexbor has no such
    option, so noscript is renamed to noembed.
    """
    output: list[str] = []
    characters, tags = READ_CHARACTERS_MAX, READ_TAGS_MAX
    is_plain = True
    for token in islice(_tokens(html), READ_TOKENS_MAX):
        is_plain = is_plain and not token.is_ambiguous
        source = token.visible if is_plain else token.source
        if not token.name and len(source) > characters:
            output.append(UNFINISHED_REFERENCE.sub("", source[:characters]))
            break
        if source != COMMENT:
            characters -= len(source)
            tags -= source.count("<") if token.name or not is_plain else 0
        if characters < 0 or tags < 0:
            break
        output.append(source)
    return "".join(output)


def _tokens(html: str) -> Iterator[_Token]:
    position = 0
    while markup := MARKUP.search(html, position):
        start = markup.start()
        if start > position:
            yield _Token(start, html[position:start], html[position:start])
        position = start
        for token in _markup(html, start):
            yield token
            position = token.end
        if position == start:
            # A tag without an end is dropped by parsers, with everything after it.
            return
    if position < len(html):
        yield _Token(len(html), html[position:], html[position:])


def _markup(html: str, start: int) -> Iterator[_Token]:
    """The tag or comment that starts here, and its content if that is raw text."""
    if drawing := PLAIN_SVG.match(html, start):
        yield _Token(drawing.end(), drawing[0], "<svg></svg>", "svg")
    elif not TAG_START.match(html, start):
        end = _end_of_comment(html, start)
        yield _Token(end, html[start:end], COMMENT, "!")
    elif tag := TAG.match(html, start):
        yield from _tag(html, tag)


def _end_of_comment(html: str, start: int) -> int:
    """The end of a comment or of what parsers treat as one; without an end, the whole rest."""
    if not html.startswith("<!--", start):
        return html.find(">", start) + 1 or len(html)
    end = SHORT_COMMENT.match(html, start) or COMMENT_END.search(html, start + 4)
    return end.end() if end else len(html)


def _tag(html: str, tag: re.Match[str]) -> Iterator[_Token]:
    name = tag["name"].lower()
    written = tag["name"] if name != "noscript" else "noembed"
    source = f"<{tag['slash']}{written}{tag['attributes']}{tag['end']}"
    is_start = not tag["slash"]
    visible = f"<{tag['slash']}{written}{_without_long_values(tag['attributes'])}{tag['end']}"
    yield _Token(
        tag.end(), source, visible, name, is_ambiguous=is_start and name in OWN_SYNTAX_ELEMENTS
    )
    if is_start and name in RAW_TEXT_ELEMENTS:
        end_tag = RAW_TEXT_END[name].search(html, tag.end())
        end = end_tag.start() if end_tag else len(html)
        yield _content(html[tag.end() : end], end, name)
    elif is_start and name == "plaintext":
        yield _Token(len(html), html[tag.end() :], html[tag.end() :])


def _content(text: str, end: int, name: str) -> _Token:
    escaped = text.find("<!--") if name == "script" else -1
    # After `<!--`, a script can continue past its first end tag (§13.2.5.17).
    is_ambiguous = escaped >= 0 and SCRIPT.search(text, escaped) is not None
    return _Token(end, text, text if name == "xmp" else "", is_ambiguous=is_ambiguous)


def _without_long_values(attributes: str) -> str:
    """Remove values that are too long, such as inline images."""
    if len(attributes) <= ATTRIBUTE_CHARACTERS_MAX:
        return attributes
    return ATTRIBUTE.sub(_without_long_value, attributes)


def _without_long_value(attribute: re.Match[str]) -> str:
    space, name, value = attribute.groups()
    is_short = len(value or "") <= ATTRIBUTE_CHARACTERS_MAX
    return attribute[0] if is_short or name.lower() == "style" else f'{space}{name}=""'
