"""Origins in the form that browsers send."""

import pytest

from paywall.rules.origin import canonical_origin

CANONICAL = [
    "https://news.example",
    "http://localhost:8000",
    "https://news.example:8443",
    "http://127.0.0.1:3000",
    "http://[::1]:8000",
    "https://xn--mnchen-3ya.example",
    "https://a_b.example",
    "https://news.example.",
    "https://news.example:80",
]
WRITTEN_OTHERWISE = {
    "https://news.example/": "https://news.example",
    "https://news.example/path?q#f": "https://news.example",
    "https://news.example?q": "https://news.example",
    "https://News.Example": "https://news.example",
    "HTTPS://news.example": "https://news.example",
    "https://news.example:443": "https://news.example",
    "http://news.example:80/": "http://news.example",
    "https://news.example:08443": "https://news.example:8443",
    "https://münchen.example": "https://xn--mnchen-3ya.example",
    "http://[0:0:0:0:0:0:0:1]": "http://[::1]",
}
NONE = [
    "",
    "*",
    "null",
    "news.example",
    "//news.example",
    "https://",
    "https:///path",
    "https://*",
    "https://*.example",
    "https://news.example*",
    "https://news.example:*",
    "https://user@news.example",
    "https://news..example",
    "https://news.example:0",
    "https://news.example:65536",
    "https://news.example:x",
    "https://1.2.3",
    "https://1.2.3.400",
    "https://[::g]",
    "https://[::1",
    "https://a b.example",
    "https://news.example, https://b.example",
    "ftp://news.example",
    "file:///etc",
    # Python would make another name of each than browsers do, and that may be anybody's.
    "https://straße.example",
    "https://STRAẞE.example",
    "https://σας.example",
    "https://x\u200cy.example",
    "https://x\u200dy.example",
    "https://" + "a" * 64 + ".example",
    "https://" + "a." * 127,
]


@pytest.mark.parametrize("origin", CANONICAL)
def test_what_a_browser_sends_is_canonical(origin: str) -> None:
    assert canonical_origin(origin) == origin


@pytest.mark.parametrize(("text", "origin"), WRITTEN_OTHERWISE.items())
def test_other_spellings_become_the_canonical_origin(text: str, origin: str) -> None:
    assert canonical_origin(text) == origin


@pytest.mark.parametrize("text", NONE)
def test_impossible_origins_are_none(text: str) -> None:
    assert canonical_origin(text) is None
