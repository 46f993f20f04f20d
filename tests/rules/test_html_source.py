"""Removing source that is not counted does not change what is visible."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paywall.rules.html import escape_text, visible_pieces
from paywall.rules.html_source import (
    ATTRIBUTE_CHARACTERS_MAX,
    ATTRIBUTES_MAX,
    READ_CHARACTERS_MAX,
    READ_TAGS_MAX,
    READ_TOKENS_MAX,
    bounded_source,
)
from tests.rules.visible_text import visible_text

NAMES = (
    "p b a i div span table tr td ul li h1 img br style script xmp iframe noembed noframes"
    " textarea title svg path g text select option math mi template plaintext pre frameset"
    " foreignObject desc caption colgroup form font object ruby"
).split()
ENDS = [f"</{name}>" for name in NAMES]
TAGS = [f"<{name}>" for name in NAMES] + [
    "<p hidden>",
    '<div style="display:none">',
    '<p title="long"hidden>x',
    "<p title=long hidden=long style='display:none'>x",
    "<img alt='>' src=a.jpg>",
    '<p title="<style>">',
    "<p title='<!--'>",
    "<b x=<style y>",
    "<b x = 'a'z=\"b\"/>",
    "<b ='>",
    "<i a=>",
    "<svg/>",
    "<svg a='>'>",
    "<svg a='></svg>'>",
    '<path d="></svg>"/>',
    "</b x='>'>",
    "<STYLE>",
    "</Style\n>",
    "</script x>",
]
ODDS = [
    "<!--", "-->", "--!>", "<!-->", "<!--->", "<!", "<?", "</", "</>", "</1>", ">", "<", "<1", "&",
    "&lt", "<![CDATA[", "]]>", "'", '"', "=", "/", "\n", "\0", "\r", "x", "y ", "<p a='", '<p a="',
]  # fmt: skip
SOUP = st.lists(st.sampled_from([*TAGS, *ENDS, *ODDS]), max_size=30).map("".join)


def seen(html: str) -> str:
    """The tags and texts that a reader sees; what parts two texts without a trace is no matter."""
    return "".join(piece.html or escape_text(piece.text) for piece in visible_pieces(html))


@given(SOUP)
def test_removing_values_does_not_change_what_is_visible(html: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        dropped = bounded_source(html)
        patch.setattr("paywall.rules.html.bounded_source", lambda source: source)
        before, after = seen(html), seen(dropped)
    assert after == before


@given(SOUP)
def test_removing_a_value_changes_no_text(html: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("paywall.rules.html_source.ATTRIBUTE_CHARACTERS_MAX", 2)
        dropped = bounded_source(html)
        patch.setattr("paywall.rules.html.bounded_source", lambda source: source)
        before, after = visible_text(html), visible_text(dropped)
    assert after == before


def test_an_attribute_after_a_removed_value_stays_separate() -> None:
    value = "x" * (ATTRIBUTE_CHARACTERS_MAX + 1)
    assert bounded_source(f'<p title="{value}"hidden>') == '<p title=""hidden>'


@pytest.mark.parametrize(
    "unseen",
    [
        "<!-- " + "<w:LsdException/> " * 6_000 + "-->",
        "<style>" + ".a{color:#123456}" * 6_000 + "</style>",
        "<script>" + "if (a < b) c();" * 6_000 + "</script >",
        "<noscript>" + "<img src=a.jpg>" * 6_000 + "</noscript>",
        '<img src="data:image/png;base64,' + "A" * 100_000 + '">',
        "<img src='" + "A" * 100_000 + "'>",
        "<img src=" + "A" * 100_000 + ">",
        '<svg viewBox="0 0 9 9">' + '<path d="M0 0z"/>' * 6_000 + "</svg>",
    ],
    ids=lambda text: text[:11],
)
def test_invisible_content_does_not_use_up_the_limit(unseen: str) -> None:
    assert bounded_source(f"{unseen}<p>Text</p>").endswith("<p>Text</p>")
    # Whatever follows a drawing with a title may be read by other rules, so nothing is dropped.
    kept = bounded_source(f"<svg><title>t</title></svg>{unseen}<p>Text</p>")
    assert "<p>Text</p>" not in kept
    assert len(kept) <= READ_CHARACTERS_MAX


def test_a_long_style_is_not_removed() -> None:
    hidden = f'<p style="color:{" " * ATTRIBUTE_CHARACTERS_MAX}red;display:none">Hidden</p>'
    assert bounded_source(hidden) == hidden


def test_noscript_tags_are_renamed() -> None:
    assert bounded_source("<NoScript a>x</noscript>y") == "<noembed a></noembed>y"
    assert bounded_source("<xmp><noscript></xmp>") == "<xmp><noscript></xmp>"


ATTRIBUTES = "".join(f" a{number}" for number in range(ATTRIBUTES_MAX))


@pytest.mark.parametrize(
    ("within", "one_more"),
    [
        ("x" * READ_CHARACTERS_MAX, "y"),
        ("<br>" * READ_TAGS_MAX, "<br>"),
        ("<!---->" * (READ_TOKENS_MAX - 1) + "x", "<br>"),
        (f"<p{ATTRIBUTES}>", f"<p{ATTRIBUTES} more>"),
        ("<i " + "x" * (READ_CHARACTERS_MAX - 4) + ">", "y"),
    ],
    ids=["characters", "tags", "tokens", "attributes", "a tag"],
)
def test_reading_stops_at_each_limit(within: str, one_more: str) -> None:
    assert bounded_source(within) == within
    assert bounded_source(within + one_more) == within


@pytest.mark.parametrize("length", [ATTRIBUTE_CHARACTERS_MAX, ATTRIBUTE_CHARACTERS_MAX + 1])
def test_a_value_up_to_the_limit_is_not_removed(length: int) -> None:
    value = "x" * (length - 2)
    assert (value in bounded_source(f'<img src="{value}" alt>')) is (
        length == ATTRIBUTE_CHARACTERS_MAX
    )
