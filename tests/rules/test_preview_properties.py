"""Properties of the preview of any body."""

import math
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from tests.rules.test_preview import CANARY, first
from tests.rules.visible_text import visible_text


class Body(NamedTuple):
    """HTML, and the text that a reader sees of it, known without any parser."""

    html: str
    text: str


WORDS = st.text("ab ក្មែ\u200bé<&>\"'\xa0\n", min_size=1, max_size=12)
HIDDEN = st.sampled_from(
    [
        "<!-- c -->",
        "<script>if (a</b/) {}</script>",
        "<style>p {}</style>",
        "<template><p>t</template>",
        "<span hidden>h</span>",
        "<iframe src='/v'>f</iframe>",
        "<svg><text>s</text></svg>",
    ]
).map(lambda html: Body(html, ""))
VOID = st.sampled_from(["<br>", "<img src=i alt='a'>", "<wbr>"]).map(lambda html: Body(html, ""))
TEXT = WORDS.map(
    lambda text: Body(
        text.replace("&", "&amp;").replace("<", "&lt;").replace("\xa0", "&nbsp;"), text
    )
)


def _element(tags: list[str], inner: st.SearchStrategy[Body]) -> st.SearchStrategy[Body]:
    return st.builds(
        lambda tag, parts: Body(
            f"<{tag} class='c' data-x='y'>{''.join(part.html for part in parts)}</{tag}>",
            "".join(part.text for part in parts),
        ),
        st.sampled_from(tags),
        st.lists(inner, max_size=4),
    )


INLINE = st.recursive(
    TEXT | VOID | HIDDEN,
    lambda inner: _element(["b", "em", "span", "x-y", "code"], inner),
    max_leaves=5,
)
BLOCK = _element(["p", "h2", "div"], INLINE) | INLINE
BLOCKS = BLOCK | _element(["div", "section", "blockquote", "figure", "article"], BLOCK)
BODIES = st.lists(BLOCKS, max_size=8).map(
    lambda parts: Body("".join(part.html for part in parts), "".join(part.text for part in parts))
)
SOUP = st.lists(
    st.sampled_from(
        [
            f"<{slash}{tag}>"
            for tag in (
                "p a b i div table tr td ul li h1 h2 form button select option svg math title nobr"
                " template noscript plaintext pre x-foo body html script style caption ruby rt dl"
                " dd font center details summary object iframe textarea figure".split()
            )
            for slash in ("", "/")
        ]
        + [
            "<!--more-->",
            "<!-- wp:more -->",
            "<br>",
            "<img alt=q>",
            "<hr>",
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            "\n\n",
            "&#13;",
            "\0",
        ]
    )
    | WORDS,
    max_size=40,
).map("".join)
SHARES = st.floats(0, 1)
PARAGRAPHS = st.integers(0, 6)


def text_of(html: str) -> str:
    """All text of a preview, visible or not."""
    root = LexborHTMLParser(html, is_fragment=True).root
    nodes = [] if root is None else root.traverse(include_text=True)
    return "".join(node.text_content or "" for node in nodes if node.is_text_node)


def ink(text: str) -> str:
    return "".join(text.split())


@given(BODIES, PARAGRAPHS, SHARES)
def test_a_preview_is_a_prefix_within_the_share(body: Body, paragraphs: int, share: float) -> None:
    text = text_of(first(body.html, paragraphs, share))
    assert ink(body.text).startswith(ink(text))
    assert len(text) <= math.floor(share * len(body.text))
    assert len(" ".join(text.split())) <= math.ceil(share * len(" ".join(body.text.split())))


@given(BODIES, PARAGRAPHS, SHARES)
def test_a_well_formed_body_keeps_its_spaces(body: Body, paragraphs: int, share: float) -> None:
    text = text_of(first(body.html, paragraphs, share))
    assert body.text.lstrip().startswith(text)


@given(SOUP, PARAGRAPHS, SHARES)
def test_a_preview_survives_reparsing(body: str, paragraphs: int, share: float) -> None:
    given_out = first(body, paragraphs, share)
    assert LexborHTMLParser(given_out, is_fragment=True).inner_html == given_out


@given(SOUP, PARAGRAPHS, SHARES)
def test_no_tag_soup_exceeds_the_share(body: str, paragraphs: int, share: float) -> None:
    text, seen = text_of(first(body, paragraphs, share)), visible_text(body)
    assert ink(seen).startswith(ink(text))
    assert len(text) <= math.floor(share * len(seen))


@given(SOUP, SOUP, st.sampled_from(["<!--more-->", "<!--more x-->", "<!--members-only-->"]), SHARES)
def test_nothing_after_the_editors_marker_is_in_a_preview(
    before: str, after: str, marker: str, share: float
) -> None:
    given_out = first(f"{before}{marker}<p>{CANARY}</p>{after}", 9, share)
    assert CANARY not in given_out


@given(BODIES, SOUP, SOUP, PARAGRAPHS, st.floats(0, 0.4), st.data())
def test_a_canary_after_the_cut_is_not_in_the_preview(
    head: Body, before: str, after: str, paragraphs: int, share: float, data: st.DataObject
) -> None:
    carrier = data.draw(
        st.sampled_from(
            [
                f"<p>{CANARY}</p>",
                CANARY,
                f"<!-- {CANARY} -->",
                f"<img alt='{CANARY}' src='{CANARY}'>",
                f"<b title='{CANARY}' class='{CANARY}' data-{CANARY}='1'>x</b>",
                f"<script>{CANARY}</script>",
                f"<template>{CANARY}</template>",
                f"<noscript>{CANARY}</noscript>",
                f"<body class='{CANARY}'>",
                f"<{CANARY}>",
            ]
        )
    )
    closed = "".join(data.draw(st.lists(INLINE, max_size=4).map(lambda p: [x.html for x in p])))
    filler = "<p>" + "x" * (len(head.text) * 2 + 50) + "</p>"
    body = f"<div>{head.html}</div>{filler}<div>{closed}{carrier}{before}{after}</div>"
    assert CANARY not in first(body, paragraphs, share)
