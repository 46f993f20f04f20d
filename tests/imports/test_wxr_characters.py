"""Characters that XML forbids: each is dropped and reported, and no post is lost for it."""

import io
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from paywall.cli.main import main
from paywall.imports.wxr import read_items
from paywall.imports.wxr_item import Item, WxrError
from paywall.imports.xml_text import CHUNK_CHARACTERS, MARK, CleanXml, removed_characters, unmarked
from tests.installation import Installation

HEAD = (
    '<rss xmlns:wp="http://wordpress.org/export/1.2/"'
    ' xmlns:content="http://purl.org/rss/1.0/modules/content/">\n<channel>\n'
)
FOOT = "</channel>\n</rss>\n"
PARTS = ["a", " ", "ក", MARK, "\x0b", "\x00", "\ufffe", "&amp;", "&lt;p&gt;", "&#233;", "]"]
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def post(number: int, body: str, title: str = "T") -> str:
    return (
        f"<item>\n<title>{title}</title>\n<content:encoded>{body}</content:encoded>\n"
        f"<wp:post_id>{number}</wp:post_id>\n<wp:status>publish</wp:status>\n"
        f"<wp:post_type>post</wp:post_type>\n</item>\n"
    )


def items_of(export: str, encoding: str = "utf-8") -> list[Item]:
    return list(read_items(io.BytesIO(export.encode(encoding))))


def body_of(item: Item) -> str:
    assert item.error is None
    return item.fields["content:encoded"]


@pytest.fixture
def imported(here: Installation, tmp_path: Path) -> "Import":
    return Import(here, tmp_path)


class Import:
    """Type the command for a file."""

    def __init__(self, here: Installation, folder: Path) -> None:
        self.here, self.folder = here, folder

    def of(self, export: str) -> Result:
        (self.folder / "given.xml").write_bytes(export.encode())
        return CliRunner().invoke(main, ["import", "wxr", "given.xml"])


@pytest.mark.parametrize("line_end", ["\n", ""])
def test_a_character_is_dropped_and_every_post_is_kept(imported: Import, line_end: str) -> None:
    export = HEAD + "".join(post(n, f"<![CDATA[<p>{n}</p>]]>") for n in range(1, 11)) + FOOT
    export = export.replace("<p>3", "<p>\x0b3\x0b").replace("<p>7", "<p>\x007")
    done = imported.of(export.replace("\n", line_end))
    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, "new: 10"), done.output
    assert "bad: 0\ncharacters dropped: 3\n" in done.stdout
    third, seventh = done.stderr.splitlines()
    assert ": post 3: imported without what XML forbids: U+000B (2)." in third
    assert ": post 7: imported without what XML forbids: U+0000 (1)." in seventh
    assert [imported.here.body(str(n)) for n in (2, 3, 4, 7)] == [
        "<p>2</p>", "<p>3</p>", "<p>4</p>", "<p>7</p>",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "left", "dropped"),
    [
        ("a&#x8;b", "ab", {8: 1}),
        ("a&#8;b&#xB;&#x000000B;", "ab", {8: 1, 11: 2}),
        ("a&#xD800;&#xFFFE;&#0;b", "ab", {0xD800: 1, 0xFFFE: 1, 0: 1}),
        ("a&#x110000;b&#99999999999;", "ab", {0x10000: 2}),
        ("a&#x10FFFF;b&#xE9;", "a\U0010ffffbé", {}),
        ("<![CDATA[a&#x8;b]]>", "a&#x8;b", {}),
        ("<![CDATA[a\x08b]]]]><![CDATA[>&#8;]]>", "ab]]>&#8;", {8: 1}),
        ("<!-- <![CDATA[ \x08 -->a&#x8;", "a", {8: 1}),
        ("<?php \x08 '<![CDATA[' ?>a\x08", "a", {8: 1}),
        (f"{MARK}a{MARK}{MARK}\x08b", f"{MARK}a{MARK}{MARK}b", {8: 1}),
    ],
)
def test_what_is_forbidden_is_dropped_wherever_it_stands(
    body: str, left: str, dropped: dict[int, int]
) -> None:
    first, item, last = items_of(HEAD + post(1, "x") + post(2, body) + post(3, "y") + FOOT)
    assert (body_of(item), dict(item.removed_characters)) == (left, dropped)
    assert (body_of(first), body_of(last)) == ("x", "y")


def test_every_field_is_cleaned_and_attributes_too() -> None:
    more = (
        '<category domain="post_tag" nicename="a>\x08&#x8;">N\x0b</category>'
        "<wp:postmeta><wp:meta_key>k\x0b</wp:meta_key><wp:meta_value>v</wp:meta_value></wp:postmeta>"
    )
    (item,) = items_of(
        HEAD + post(1, "x", title="T\x0c").replace("</item>", more + "</item>") + FOOT
    )
    assert item.error is None
    assert item.fields["title"] == "T"
    assert [(term.slug, term.name) for term in item.terms] == [("a>", "N")]
    assert item.meta == (("k", "v"),)
    assert dict(item.removed_characters) == {8: 2, 0xB: 2, 0xC: 1}


@pytest.mark.parametrize("before", range(CHUNK_CHARACTERS - 20, CHUNK_CHARACTERS + 4))
def test_what_lies_across_two_pieces_is_read_as_any_other(before: int) -> None:
    body = "<![CDATA[ក&#8;\x08]]>&#x8;<!-- \x08 --><![CDATA[x]]>"
    start = HEAD + "<!---->"
    export = start + " " * (before - len(start)) + post(1, body) + FOOT
    (item,) = items_of(export)
    assert (body_of(item), dict(item.removed_characters)) == ("ក&#8;x", {8: 2})


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-8", "UTF-16"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "utf-16"),
        ("utf-16-be", "utf-16"),
        ("iso-8859-1", "ISO-8859-1"),
        ("cp1252", "windows-1252"),
        ("koi8-r", "KOI8-R"),
    ],
)
def test_the_encoding_is_what_the_file_says(encoding: str, declared: str) -> None:
    letter = "Ж" if encoding == "koi8-r" else "é"
    head = f'<?xml version="1.0" encoding="{declared}"?>\n{HEAD}'
    first, second = items_of(
        head + post(1, f"{letter}\x0b&#x8;") + post(2, letter) + FOOT, encoding
    )
    assert (body_of(first), dict(first.removed_characters)) == (letter, {0xB: 1, 8: 1})
    assert body_of(second) == letter


def test_an_unknown_encoding_is_refused() -> None:
    for name in ("no-such", "base64"):
        export = f'<?xml version="1.0" encoding="{name}"?>{HEAD}{FOOT}'
        with pytest.raises(WxrError, match="encoding is unknown"):
            items_of(export)


def test_bytes_that_are_no_text_cost_their_post_alone() -> None:
    export = (HEAD + post(1, "caf@") + post(2, "x") + FOOT).replace("\n", "")
    first, second = read_items(io.BytesIO(export.encode().replace(b"@", b"\xe9")))
    assert first.error is not None
    assert "bytes that are no text" in first.error
    assert body_of(second) == "x"


def test_a_tag_that_is_not_closed_hides_nothing_that_follows() -> None:
    export = post(1, "1 < 2's") + post(2, "<![CDATA[&#8;\x08']]>")
    clean = b"".join(iter(CleanXml(io.BytesIO(export.encode())).read, b"")).decode()
    assert "<![CDATA[&#8;" in clean
    assert unmarked(clean) == export.replace("\x08", "")
    assert removed_characters(clean) == {8: 1}


@given(st.lists(st.lists(st.sampled_from(PARTS), max_size=6).map("".join), min_size=1, max_size=5))
def test_any_posts_are_kept_without_what_is_forbidden(bodies: list[str]) -> None:
    """Compared with a plain replacement in each body, before it is put into the file."""
    export = HEAD + "".join(post(n, body) for n, body in enumerate(bodies)) + FOOT
    plain = HEAD + "".join(post(n, FORBIDDEN.sub("", b)) for n, b in enumerate(bodies)) + FOOT
    items, expected = items_of(export.replace("\n", "")), items_of(plain)
    assert [body_of(item) for item in items] == [body_of(item) for item in expected]
    assert [sum(item.removed_characters.values()) for item in items] == [
        len(FORBIDDEN.findall(body)) for body in bodies
    ]


def test_a_large_file_is_read_a_piece_at_a_time() -> None:
    class Endless(io.RawIOBase):
        given = 0

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            assert 0 < size <= CHUNK_CHARACTERS
            self.given += size
            return b"\x0b" * size

    endless = Endless()
    clean = CleanXml(endless)  # type: ignore[arg-type]  # as much of a file as is needed
    clean.read()
    assert endless.given <= 2 * CHUNK_CHARACTERS
