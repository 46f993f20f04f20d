"""What counts as given away, whatever form it is in."""

import base64
import html
import json
import re
from collections.abc import Callable
from urllib.parse import quote

import pytest

from paywall.leaks.decodings import Place, decode_body, placed_texts
from paywall.leaks.hidden_text import Disclosure, HiddenText, HiddenTexts, disclosure_of
from tests.leaks.texts import BODY, KHMER_BODY, KHMER_PREVIEW, KHMER_REST, PREVIEW, REST, SHARED

TITLE = "A bridge with cracks in it"


def found_in(source: str, body: str = BODY, preview: str = PREVIEW) -> Disclosure | None:
    """What a response with this source gives away, by all of its texts together."""
    texts = HiddenTexts([HiddenText(body, [preview, TITLE])])
    covered = bytearray(len(texts.texts[0].letters))
    for placed in placed_texts(source):
        for letters in texts.find(placed.text).values():
            covered = bytearray(a | b for a, b in zip(covered, letters, strict=True))
    return disclosure_of(texts.texts[0], covered) if any(covered) else None


def leaks(source: str, body: str = BODY, preview: str = PREVIEW) -> bool:
    found = found_in(source, body, preview)
    return found is not None and found.is_leak


def plain(source: str) -> str:
    return re.sub(r"<[^>]*>", " ", source)


FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "without markup": plain,
    "hidden by a style": '<div style="display:none">{}</div>'.format,
    "in a comment": "<!-- {} -->".format,
    "in a comment without tags": lambda text: f"<!-- {plain(text)} -->",
    "in an attribute": lambda text: f'<meta content="{html.escape(plain(text))}">',
    "in an attribute, with its markup": lambda text: f'<div data-text="{html.escape(text)}">',
    "in JSON": lambda text: json.dumps({"content": {"rendered": text}}),
    "in JSON with its tags escaped": lambda text: json.dumps(text).replace("<", "\\u003c"),
    "in JSON in an attribute": lambda text: f"<div data-x='{html.escape(json.dumps(text))}'>",
    "as JSON-LD": lambda text: (
        f'<script type="application/ld+json">{json.dumps({"articleBody": plain(text)})}</script>'
    ),
    "in CDATA": "<content:encoded><![CDATA[{}]]></content:encoded>".format,
    "with numeric entities": lambda text: "".join(f"&#{ord(letter)};" for letter in text),
    "in base64": lambda text: f'<i data-b="{base64.b64encode(text.encode()).decode()}">',
    "percent-encoded": lambda text: f"<a href='?text={quote(text)}'>",
    "with a zero-width space after each letter": "\u200b".join,
    "with soft hyphens": lambda text: plain(text).replace("er", "e&shy;r"),
    "in capitals, on many lines": lambda text: plain(text).upper().replace(" ", "\n"),
    "with a tag around each word": lambda text: re.sub(r"(\w+)", r"<b>\1</b>", plain(text)),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize(
    ("body", "preview", "rest"),
    [(BODY, PREVIEW, REST), (KHMER_BODY, KHMER_PREVIEW, KHMER_REST)],
    ids=["english", "khmer"],
)
def test_the_hidden_part_is_found_in_every_form(
    form: Callable[[str], str], body: str, preview: str, rest: str
) -> None:
    found = found_in(f"<h1>{TITLE}</h1>{preview}{form(rest)}", body, preview)
    assert found is not None
    assert found.is_leak
    assert found.share > 0.9


@pytest.mark.parametrize(
    "source",
    [
        f"<h1>{TITLE}</h1>{PREVIEW}",
        f"<h1>{TITLE}</h1>{PREVIEW}<p>{SHARED}</p>",
        f"<p>{SHARED}</p><p>{SHARED}</p><aside>{TITLE}: {SHARED}</aside>",
        "<p>The ministry opened a bridge, and engineers inspected the pier.</p>",
    ],
)
def test_preview_title_and_a_shared_sentence_are_no_leak(source: str) -> None:
    assert not leaks(source)


def test_a_shared_sentence_is_reported_all_the_same() -> None:
    found = found_in(f"<p>{SHARED}</p>")
    assert found is not None
    assert found.words == len(SHARED.split())
    assert found.first_words.startswith("Officials in the province welcomed")


def test_a_passage_over_the_end_of_a_sentence_is_a_leak() -> None:
    assert leaks(
        "… bidder was excluded one day before the envelopes were opened. The committee gave"
    )


def test_half_of_a_short_hidden_part_is_a_leak() -> None:
    body = f"{PREVIEW}<p>The winner is the mayor of the northern town.</p>"
    assert leaks("<p>Now we know: the winner is the mayor of the northern town.</p>", body)


def test_the_words_are_counted_and_quoted() -> None:
    found = found_in(REST)
    assert found is not None
    assert abs(found.words - len(plain(REST).split())) <= 2
    assert found.share == 1
    assert found.first_words == "Documents seen by this newspaper show that the"


def test_a_khmer_sentence_is_no_leak_and_two_are() -> None:
    first, second, _ = KHMER_REST.removeprefix("<p>").split("។", 2)
    long_body = KHMER_BODY + "<p>" + " ".join(f"{n} {PREVIEW}" for n in range(9)) + "</p>"
    assert not leaks(f"<p>{first[:60]}</p>", long_body, KHMER_PREVIEW)
    assert leaks(f"<p>{first}។{second}។</p>", long_body, KHMER_PREVIEW)


def test_a_body_that_the_preview_shows_wholly_hides_nothing() -> None:
    assert not HiddenText(PREVIEW, [PREVIEW]).is_comparable


def test_a_passage_of_a_body_of_two_megabytes_is_found() -> None:
    numbers = " ".join(f"statement {number} of the witness." for number in range(60_000))
    assert leaks(numbers[1_000_000:1_000_600], f"{PREVIEW}<p>{numbers}</p>")


def test_two_articles_are_told_apart_in_one_response() -> None:
    texts = HiddenTexts([HiddenText(BODY, [PREVIEW]), HiddenText(KHMER_BODY, [KHMER_PREVIEW])])
    assert set(texts.find(KHMER_REST)) == {1}
    assert set(texts.find(REST + KHMER_REST)) == {0, 1}


@pytest.mark.parametrize(
    ("source", "place"),
    [
        (REST, Place.TEXT),
        (f"<script>{json.dumps(REST)}</script>", Place.SCRIPT),
        (f'<meta content="{html.escape(plain(REST))}">', Place.MARKUP),
        (base64.b64encode(REST.encode()).decode(), Place.BASE64),
    ],
)
def test_the_place_in_the_response_is_named(source: str, place: Place) -> None:
    texts = HiddenTexts([HiddenText(BODY, [PREVIEW])])
    assert place in {placed.place for placed in placed_texts(source) if texts.find(placed.text)}


@pytest.mark.parametrize(
    "hostile",
    [
        "<" * 500_000,
        "<!--" * 200_000,
        "<script>" * 100_000,
        "<div " * 200_000,
        "\\u003c" * 200_000,
        "%3C" * 300_000,
        "&lt;" * 300_000,
        "A" * 2_000_000,
        "<![CDATA[" * 100_000,
    ],
)
def test_hostile_markup_is_read_to_its_end(hostile: str) -> None:
    assert leaks(f"{REST}{hostile}")


@pytest.mark.parametrize(
    ("encoding", "content_type"),
    [
        ("utf-8", "text/html"),
        ("utf-16", "application/rss+xml"),
        ("windows-1252", "text/html; charset=windows-1252"),
        ("utf-8", "text/html; charset=no-such-charset"),
        ("utf-8", "text/html; charset=utf-7�"),
    ],
)
def test_the_charset_is_the_responses_own(encoding: str, content_type: str) -> None:
    assert leaks(decode_body(REST.encode(encoding), content_type))
