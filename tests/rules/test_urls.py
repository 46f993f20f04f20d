"""URLs are parsed as browsers parse them."""

import pytest

from paywall.rules.urls import is_image_url, is_link_url, is_web_url, origin_of


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://news.example", "https://news.example"),
        ("HTTPS://News.Example:443/a?b#c", "https://news.example"),
        ("http://news.example:80?q", "http://news.example"),
        ("http://news.example:0443/", "http://news.example:443"),
        ("https://news.example:8443#x", "https://news.example:8443"),
        ("https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443"),
        ("https://news.example/@evil", "https://news.example"),
        ("https://news.example.evil.example/", "https://news.example.evil.example"),
    ],
)
def test_origin_of_matches_browsers(address: str, origin: str) -> None:
    assert origin_of(address) == origin
    assert is_web_url(address)


@pytest.mark.parametrize(
    "address",
    ["", "null", "/", "//evil.example/x", "/\\evil.example", "https:evil.example",
     "https:/evil.example", "https:///evil.example", "https://", "https://:443", "https://a@news.example",
     "https://a:b@news.example", "https://news.example\\@evil.example", "https://news.example/\\x",
     " https://news.example", "https://news.example ", "https://news.example\n", "https://new\ts.example",
     "https://news.example/a b", "https://news.example:x", "javascript://news.example/%0aalert(1)",
     "ftp://news.example", "https://[", "https://[news.example]/", "https://news.example/\x7f"],
)  # fmt: skip
def test_urls_that_browsers_parse_differently_are_refused(address: str) -> None:
    assert origin_of(address) is None
    assert not is_web_url(address)


@pytest.mark.parametrize(
    ("text", "is_image"),
    [
        ("/a.jpg", True),
        ("https://news.example/a.jpg 1x, /b.jpg 2x", True),
        ("data:image/png;base64,AA==", True),
        ("DATA:image/GIF;base64,AA==", True),
        ("data:image/svg+xml,<svg>", False),
        ("data:text/html,x", False),
        ("/a.jpg 1x, data:text/html,x 2x", False),
        ("/a.jpg,javascript:x", False),
        ("mailto:desk@news.example", False),
    ],
)
def test_images_come_from_the_web_or_inline(text: str, *, is_image: bool) -> None:
    assert is_image_url(text) is is_image


@pytest.mark.parametrize("letter", [chr(number) for number in range(0x21)])
def test_characters_that_browsers_drop_hide_no_scheme(letter: str) -> None:
    assert not is_link_url(f"{letter}javascript:alert(1)")
