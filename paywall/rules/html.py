"""Body HTML as a flat list of pieces: the part of it that a reader sees, and nothing else.

Read by lexbor, which follows the HTML Living Standard (§13.2). What is not on the lists below
never gets out: no script, comment or template, no hidden element, and no attribute that could
carry a second copy of the text (`data-*`, `title`, `style`, `on*`).
"""

import re
from collections.abc import Iterator
from enum import Enum
from itertools import islice
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

# The standard's own algorithm is quadratic in nesting, attributes and unclosed emphasis: 4 MiB of
# `<div>` takes minutes. These keep the worst body that we could make under half a second.
READ_CHARACTERS_MAX = 65_536
READ_TAGS_MAX = 2_000
PIECES_MAX = 10_000

INLINE = frozenset(
    "a abbr b bdi bdo big br cite code del dfn em font i img ins kbd mark nobr picture q rb rp rt"
    " rtc ruby s samp small source span strike strong sub sup td th time tt u var wbr".split()
)
BLOCKS = frozenset(
    "address article aside blockquote caption center col colgroup dd details div dl dt fieldset"
    " figcaption figure footer h1 h2 h3 h4 h5 h6 header hgroup hr legend li main menu nav ol p pre"
    " search section summary table tbody tfoot thead tr ul".split()
)
REPLACED = {"form": "section", "listing": "pre", "plaintext": "pre", "xmp": "pre"}
# An embed, a drawing or a formula cannot be given in part, and its text is not to be counted on.
LEFT_OUT = frozenset(
    "applet area audio base basefont bgsound button canvas datalist dialog embed frame frameset"
    " head iframe input link map marquee math meta noembed noframes noscript object optgroup option"
    " param script select style svg template textarea title track video".split()
)
VOID = frozenset("br col hr img source wbr".split())
ATTRIBUTES = frozenset(
    "alt cite class colspan datetime dir height href hreflang lang loading media rel reversed"
    " rowspan scope sizes span src srcset start type width".split()
)
HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)", re.IGNORECASE)
# A page with scripts reads noscript like noembed, as raw text; lexbor has no such switch.
NOSCRIPT = re.compile(r"(</?)noscript(?=[\s/>])", re.IGNORECASE)
UNFINISHED = re.compile(r"[<&][^<>&;\s]*\Z")


class Kind(Enum):
    """What a piece is."""

    START = "start"
    END = "end"
    VOID = "void"
    TEXT = "text"


class Piece(NamedTuple):
    """A tag with the `html` that it is written as, or a `text` as it is read."""

    kind: Kind
    tag: str = ""
    html: str = ""
    text: str = ""


def pieces(body_html: str) -> Iterator[Piece]:
    """What a reader sees of the beginning of a body, in the order of the page."""
    return islice(_walk(NOSCRIPT.sub(r"\1noembed", _beginning(body_html))), PIECES_MAX)


def _walk(html: str) -> Iterator[Piece]:
    node = LexborHTMLParser(html, is_fragment=True).root
    opened: list[LexborNode] = []
    while node is not None or opened:
        if node is None:
            node = opened.pop()
            yield _end(node)
        elif node.is_text_node:
            yield Piece(Kind.TEXT, text=node.text_content or "")
        elif _is_shown(node):
            start = _start(node)
            yield start
            if start.kind is Kind.START:
                opened.append(node)
                node = node.first_child
                continue
        node = node.next


def escaped(text: str) -> str:
    """Text as the standard writes it (§13.3)."""
    return (
        text.replace("&", "&amp;")
        .replace("\xa0", "&nbsp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
    )


def is_stable(html: str) -> bool:
    """Read and written again it is the same: every page shows it as it was meant."""
    return LexborHTMLParser(html, is_fragment=True).inner_html == html


def _beginning(body_html: str) -> str:
    end = min(len(body_html), READ_CHARACTERS_MAX)
    for number, tag in enumerate(re.finditer("<", body_html[:end])):
        if number == READ_TAGS_MAX:
            end = tag.start()
            break
    if end == len(body_html):
        return body_html
    return UNFINISHED.sub("", body_html[:end])


def _is_shown(node: LexborNode) -> bool:
    if not node.is_element_node or node.tag in LEFT_OUT:
        return False
    attributes = node.attributes
    return "hidden" not in attributes and not HIDDEN_STYLE.search(attributes.get("style") or "")


def _start(node: LexborNode) -> Piece:
    tag = _name(node)
    attributes = "".join(
        f' {name}="{escaped(value or "").replace(chr(34), "&quot;")}"'
        for name, value in node.attributes.items()
        if name in ATTRIBUTES
    )
    return Piece(Kind.VOID if tag in VOID else Kind.START, tag, f"<{tag}{attributes}>")


def _end(node: LexborNode) -> Piece:
    tag = _name(node)
    return Piece(Kind.END, tag, f"</{tag}>")


def _name(node: LexborNode) -> str:
    """An element that is not known is read like a span, so it can be written as one."""
    tag = node.tag or ""
    tag = REPLACED.get(tag, tag)
    return tag if tag in INLINE or tag in BLOCKS else "span"
