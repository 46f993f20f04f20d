"""The visible part of body HTML, as a flat list of pieces.

Parsed by lexbor, which follows the HTML Living Standard (§13.2). Only what the lists below allow
is output: no scripts, comments, templates or hidden elements, only web, mail and telephone links,
and no attribute that could contain a copy of the text (`title`, `style`, `on*`, `data-*` except
those of lazy-loaded images).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from paywall.rules.html_source import bounded_source
from paywall.rules.urls import is_image_url, is_link_url

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
REPLACEMENTS = {"form": "section", "listing": "pre", "plaintext": "pre", "xmp": "pre"}
# Embeds, drawings and formulas cannot be cut, and their text cannot be relied on.
OMITTED_ELEMENTS = frozenset(
    "applet area audio base basefont bgsound button canvas datalist dialog embed frame frameset"
    " head iframe input link map marquee math meta meter noembed noframes noscript object optgroup"
    " option param progress script select style svg template textarea title track video".split()
)
VOID = frozenset("br col hr img source wbr".split())
# Wrappers that contained only omitted elements, such as the figure of a video, are omitted too.
WRAPPERS = frozenset("a aside center div figure p picture section span".split())
ATTRIBUTES = frozenset(
    "alt class colspan datetime dir height hreflang lang loading media rel reversed rowspan scope"
    " sizes span start type width".split()
)
LINKS = frozenset("cite href".split())
IMAGE_ATTRIBUTES = frozenset(
    "data-lazy-sizes data-lazy-src data-lazy-srcset data-sizes data-src data-srcset src srcset"
    .split()
)  # fmt: skip
HIDING_ATTRIBUTES = frozenset("hidden popover".split())
HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)", re.IGNORECASE)


class PieceKind(Enum):
    """The type of a piece; OMITTED stands for an element that is not output."""

    START = "start"
    END = "end"
    VOID = "void"
    TEXT = "text"
    OMITTED = "omitted"


class HtmlPiece(NamedTuple):
    """A tag with its output `html`, a `text`, or a placeholder for an omitted element."""

    kind: PieceKind
    tag: str = ""
    html: str = ""
    text: str = ""


@dataclass
class _OpenElement:
    """An open element, and the `index` of its start tag among the pieces."""

    index: int
    has_content: bool = False
    has_omitted: bool = False


def visible_pieces(body_html: str) -> Iterator[HtmlPiece]:
    """The visible pieces at the beginning of a body, in document order."""
    return iter(_without_empty_wrappers(islice(_walk(bounded_source(body_html)), PIECES_MAX)))


def _walk(html: str) -> Iterator[HtmlPiece]:
    node = LexborHTMLParser(html, is_fragment=True).root
    opened: list[LexborNode] = []
    while node is not None or opened:
        if node is None:
            node = opened.pop()
            yield _end(node)
        elif node.is_text_node:
            yield HtmlPiece(PieceKind.TEXT, text=node.text_content or "")
        elif _is_shown(node):
            start = _start(node)
            yield start
            if start.kind is PieceKind.START:
                opened.append(node)
                node = node.first_child
                continue
        elif node.is_element_node:
            yield HtmlPiece(PieceKind.OMITTED)
        node = node.next


def _without_empty_wrappers(walked: Iterable[HtmlPiece]) -> list[HtmlPiece]:
    """Omit wrappers whose whole content was omitted; their places still separate paragraphs."""
    output: list[HtmlPiece] = []
    opened: list[_OpenElement] = [_OpenElement(0)]
    for piece in walked:
        inner = opened[-1]
        match piece.kind:
            case PieceKind.OMITTED:
                inner.has_omitted = True
                continue
            case PieceKind.START:
                opened.append(_OpenElement(len(output)))
            case PieceKind.END:
                opened.pop()
                is_empty = inner.has_omitted and not inner.has_content
                if is_empty and piece.tag in WRAPPERS:
                    opened[-1].has_omitted = True
                    output[inner.index] = HtmlPiece(PieceKind.OMITTED, piece.tag)
                    continue
                opened[-1].has_content = True
            case PieceKind.VOID:
                inner.has_content = True
            case PieceKind.TEXT:
                inner.has_content = inner.has_content or not piece.text.isspace()
        output.append(piece)
    return output


def escape_text(text: str) -> str:
    """Escape text as the standard serializes it (§13.3)."""
    return (
        text.replace("&", "&amp;")
        .replace("\xa0", "&nbsp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
    )


def survives_reparsing(html: str) -> bool:
    """Whether parsing and serializing it gives the same HTML, so that every page shows it alike."""
    return LexborHTMLParser(html, is_fragment=True).inner_html == html


def _is_shown(node: LexborNode) -> bool:
    if not node.is_element_node or node.tag in OMITTED_ELEMENTS:
        return False
    attributes = node.attributes
    is_hidden = not HIDING_ATTRIBUTES.isdisjoint(attributes)
    return not is_hidden and not HIDDEN_STYLE.search(attributes.get("style") or "")


def _start(node: LexborNode) -> HtmlPiece:
    tag = _output_tag(node)
    attributes = "".join(
        f' {name}="{escape_text(value or "").replace(chr(34), "&quot;")}"'
        for name, value in node.attributes.items()
        if _is_allowed_attribute(tag, name, value or "")
    )
    return HtmlPiece(
        PieceKind.VOID if tag in VOID else PieceKind.START, tag, f"<{tag}{attributes}>"
    )


def _is_allowed_attribute(tag: str, name: str, value: str) -> bool:
    if name in LINKS:
        return value != "" and is_link_url(value)
    if name in IMAGE_ATTRIBUTES:
        return tag in ("img", "source") and value != "" and is_image_url(value)
    return name in ATTRIBUTES


def _end(node: LexborNode) -> HtmlPiece:
    tag = _output_tag(node)
    return HtmlPiece(PieceKind.END, tag, f"</{tag}>")


def _output_tag(node: LexborNode) -> str:
    """Browsers treat an unknown element like a span, so it is output as one."""
    tag = node.tag or ""
    tag = REPLACEMENTS.get(tag, tag)
    return tag if tag in INLINE or tag in BLOCKS else "span"
