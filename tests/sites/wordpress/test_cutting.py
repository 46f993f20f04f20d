"""Where a text is cut: three parts that are the whole, and whole HTML in what is shown."""

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

Parts = tuple[bytes, bytes, bytes]
PLUGIN_FOLDER = Path(__file__).parents[3] / "paywall" / "wordpress" / "plugin"
CLOSER = rb"\s*(?:</[a-zA-Z][^>]*>|<!-- /wp:[a-z0-9/_-]+ -->|\[/[a-zA-Z_][^\]]*\])"
VOID = {"br", "img", "hr", "input", "embed"}


class Cutter:
    """A PHP process with nothing but the plug-in's function."""

    def __init__(self) -> None:
        program = Path(__file__).with_name("cut.php")
        self.process = subprocess.Popen(
            [shutil.which("php") or "php", str(program), str(PLUGIN_FOLDER)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def cut(self, text: bytes, paragraphs: int = 2, share: float = 0.5) -> Parts:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        asked = {
            "text": base64.b64encode(text).decode(), "paragraphs": paragraphs, "share": share,
        }  # fmt: skip
        self.process.stdin.write(json.dumps(asked).encode() + b"\n")
        self.process.stdin.flush()
        head, rest, tail = (
            base64.b64decode(part) for part in json.loads(self.process.stdout.readline())
        )
        return head, rest, tail


@pytest.fixture(scope="module")
def cutter() -> Iterator[Cutter]:
    made = Cutter()
    with made.process:
        yield made
    assert made.process.returncode == 0


WORDS = st.sampled_from(
    [
        "rice",
        "តម្លៃអង្ករ។",
        "ធ្លាក់\u200bចុះ",
        "a < b",
        "1 & 2 &amp; &nbsp;",
        "\\ $1 'it\"s'",
        "\n\n",
        " \r\n\r\n ",
        "<br>",
        "<br />",
        "<img alt='a>b' src=x>",
        "<!-- a note -->",
        "[gallery ids=1]",
        "<b>bold</b>",
        "<script>if (a<b) '</p>'</script>",
        "<!--nextpage-->",
        "[not a code]",
        "\n",
    ]
)
BROKEN = st.sampled_from(
    [
        "<p>",
        "</p>",
        "<div class='x",
        "</div>",
        "<ul><li>one<li>two</ul>",
        "<!-- unclosed",
        "[/caption]",
        "<",
        ">",
        "]]>",
        "<!-- /wp:group -->",
        "<!--more-->",
        "<!--more Read on-->",
        "<!-- wp:more -->\n<!--more-->\n<!-- /wp:more -->",
        "<style>p{}</style",
        "<!--paywall:rest 0123456789abcdef0123456789abcdef-->",
    ]
)
WRAPPERS = [
    ("<p>", "</p>"),
    ('<div class="a > b">', "</div>"),
    ("<blockquote>", "</blockquote>\n"),
    ("<em>", "</em>"),
    ("<!-- wp:paragraph -->\n<p>", "</p>\n<!-- /wp:paragraph -->\n\n"),
    ('<!-- wp:group {"a":{"b":1}} -->\n<div>', "</div>\n<!-- /wp:group -->"),
    ('[row][col w="1"]', "[/col][/row]"),
    ("<UL><LI>", "</LI></UL>"),
]


def wrapped(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(inner, min_size=1, max_size=5)
    return st.builds(
        lambda pair, parts, between: pair[0] + between.join(parts) + pair[1],
        st.sampled_from(WRAPPERS), several, st.sampled_from(["", " ", "\n\n"]),
    )  # fmt: skip


SOUND = st.recursive(WORDS, wrapped, max_leaves=12)
TEXTS = st.lists(SOUND | BROKEN | st.text(max_size=20), max_size=8).map("".join)


def unclosed(html: str) -> list[str]:
    """What a text leaves open, by Python's parser: not by the rules of the code under test."""
    still_open: list[str] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, _: object) -> None:
            if tag not in VOID:
                still_open.append(tag)

        def handle_endtag(self, tag: str) -> None:
            if tag in still_open:
                while still_open.pop() != tag:
                    pass

    parser = Parser(convert_charrefs=False)
    parser.feed(html)
    parser.close()
    return still_open


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(TEXTS, st.integers(0, 4), st.sampled_from([0.0, 0.2, 0.5, 1.0]))
@example("<p>one</p><!--more--><p>two</p>", 0, 0.0)
@example("<div><p>one</p><!--more--><p>two</p></div>", 0, 0.0)
def test_the_parts_are_the_text_and_the_tail_only_closes(
    cutter: Cutter, text: str, paragraphs: int, share: float
) -> None:
    head, rest, tail = cutter.cut(text.encode(), paragraphs, share)
    assert head + rest + tail == text.encode()
    assert re.fullmatch(rb"(?:%s)*\s*" % CLOSER, tail), tail
    for name in re.findall(rb"</([a-zA-Z]+)", tail):
        assert name.lower().decode() in unclosed(head.decode()), (head, tail)
    more = re.search(rb"<!--more(.*?)?-->", text.encode())
    if more:
        allowed = text.encode()[: more.end()] + b"\n<!-- /wp:more -->"
        assert allowed.startswith(head) or rest == b"" or rest.strip(), (head, rest)
        visible = re.sub(rb"^\s*<!-- /wp:more -->", b"", head[more.end() :])
        assert visible.strip() == b"" or rest == b"", head
    assert b"<!--nextpage-->" not in head or rest == b""


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(wrapped(WORDS), min_size=3, max_size=8).map("\n".join))
def test_a_sound_text_has_a_sound_preview(cutter: Cutter, text: str) -> None:
    head, _, tail = cutter.cut(text.encode())
    assert unclosed((head + tail).decode()) == unclosed(text)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=200))
def test_bytes_that_are_no_text_are_cut_without_loss(cutter: Cutter, text: bytes) -> None:
    assert b"".join(cutter.cut(text)) == text


@pytest.mark.parametrize(
    ("text", "head", "tail"),
    [
        # Two paragraphs, and not the picture behind them.
        ("<p>A b.</p><p>C d.</p><img src=x><p>E f g h i.</p>", "<p>A b.</p><p>C d.</p>", ""),
        # At most half of the text.
        ("<p>A b.</p><p>C d e f g h.</p>", "<p>A b.</p>", ""),
        # Classic text, whose paragraphs are lines.
        ("A b.\n\nC d.\n\nE f g h i j.", "A b.\n\nC d.\n\n", ""),
        # One paragraph: words, and its end.
        ("<p>One two three four.</p>", "<p>One two ", "</p>"),
        ("<p>តម្លៃអង្ករ\u200bធ្លាក់ចុះតម្លៃអង្ករ</p>", "<p>តម្លៃអង្ករ\u200b", "</p>"),
        # No end of a word: nothing.
        ("<p>តម្លៃអង្ករធ្លាក់ចុះ</p>", "", ""),
        # Within containers, if the end of the text closes them.
        ("<div><p>A</p><p>B c d</p></div>", "<div><p>A</p>", "</div>"),
        ("[row][col]\nA\n\nB c d[/col][/row]", "[row][col]\nA\n\n", "[/col][/row]"),
        ("<div><p>A</p><!--more--><p>B</p></div>", "<div><p>A</p><!--more-->", "</div>"),
        ("<div><p>A</p><!--more--><p>B</p></div><p>C</p>", "", ""),
        # The author's marker counts, whatever the share.
        ("<p>A b c d e f g.</p>\n<!--more-->\n<p>H</p>", "<p>A b c d e f g.</p>\n<!--more-->", ""),
        # Nothing of the second page.
        ("A<!--nextpage-->B c<!--more-->d", "", ""),
        # Pictures alone.
        ("<img src=a><img src=b>", "", ""),
        # Blocks whose words are in their attributes, which only PHP reads.
        ('<p>A</p><!--more--><!-- wp:acf/x {"a":"b>c"} /-->', "<p>A</p><!--more-->", ""),
        ('<!-- wp:acf/x {"a":"b"} /-->', "", ""),
        # Everything is in front of the marker.
        ("<p>A</p><!--more-->", "<p>A</p><!--more-->", ""),
    ],
)
def test_a_text_is_cut_where_its_author_expects(
    cutter: Cutter, text: str, head: str, tail: str
) -> None:
    found = cutter.cut(text.encode())
    assert (found[0].decode(), found[2].decode()) == (head, tail)


def test_a_long_text_is_cut_in_one_pass(cutter: Cutter) -> None:
    text = (
        "<!-- wp:group --><div>"
        + "[code a=1]<p>Rice <b>grows</b>.</p>[/code]\n\n" * 20_000
        + "</div><!-- /wp:group -->"
    ).encode()
    head, rest, tail = cutter.cut(text)
    assert head + rest + tail == text
    assert 0 < len(head) < 200


@pytest.mark.parametrize("form", ["<!-- {} --><p>B</p>", "<p>A</p><!-- {}<p>B</p>"])
def test_a_text_that_php_cannot_search_is_shown_to_nobody(cutter: Cutter, form: str) -> None:
    # More than pcre.backtrack_limit allows for one match.
    text = form.format("a \n" * 1_000_000).encode()
    head, rest, tail = cutter.cut(text)
    assert (head, rest == text, tail) == (b"", True, b"")
