"""A path names one article, or none: no proxy may read it as the file of another."""

import posixpath
import re
from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paywall.rules.article_paths import (
    PATH_BYTES_MAX,
    PathRefusal,
    PathRule,
    article_at,
    parse_path_rule,
)

NOT_CANONICAL, NO_RULE, AMBIGUOUS = PathRefusal


def rules_of(*templates: str) -> list[PathRule]:
    parsed = [parse_path_rule(template) for template in templates]
    assert None not in parsed
    return [rule for rule in parsed if rule is not None]


ARTICLES = rules_of("/articles/{id}/", "/articles/{id}.html", "/*/{id}/amp/**")
# Each has another reading in some program, or is not how a browser spells a path.
CROOKED = [
    "", "articles/42/", "*", "http://news.example/articles/42/", "//articles/42/", "/articles//42/",
    "/articles/42//", "/articles/./42/", "/articles/../articles/42/", "/articles/42/.",
    "/articles/42/..", "/./articles/42/", "/%2e/articles/42/", "/articles/%2E%2e/articles/42/",
    "/articles/42%2f", "/articles%2F42/", "/articles/42%5c", "/articles\\42/", "/articles/42\\",
    "/articles/42;x=1/", "/articles;/42/", "/articles/42/;", "/articles/42%3b/", "/articles/42%00/",
    "/articles/42%00.html", "/articles/42\0/", "/articles/42\t/", "/articles/42 /",
    "/articles/42#/", "/articles/42%23/", "/articles/42%3f/", "/articles/%342/", "/%61rticles/42/",
    "/articles/4%32/", "/articles/%2542/", "/articles/42%252f", "/articles/42%2520/",
    "/articles/42%", "/articles/42%4", "/articles/42%zz/", "/articles/42%u0041/",
    "/articles/%c0%af42/", "/articles/%c0%ae/", "/articles/%ed%a0%80/", "/articles/%ff/",
    "/articles/%e1%9e/", "/articles/42%20/", "/articles/%2042/", "/articles/.42/",
    "/articles/.html", "/articles/42./", "/articles/42.html.", "/articles/42:x/",
    "/articles/42::$DATA", "/articles/42+/", "/articles/42|/", "/articles/<42>/",
    "/articles/42\x7f/", "/articles/42%7f/", "/articles/42%0a/", "/articles/42\r\n/",
    "/articles/caf\u00e9/", "/articles/" + "4" * PATH_BYTES_MAX + "/",
]  # fmt: skip
UNNAMED = [
    "/", "/articles/", "/articles", "/articles/42", "/Articles/42/", "/ARTICLES/42/",
    "/articles/42.HTML", "/articles/42/index.html", "/articles/42/photo.jpg", "/sitemap.xml",
    "/en/42/amp",
]  # fmt: skip


@pytest.mark.parametrize("path", CROOKED)
def test_a_path_with_two_readings_names_no_article(path: str) -> None:
    assert article_at(path.encode(), ARTICLES) is NOT_CANONICAL


@pytest.mark.parametrize("path", UNNAMED)
def test_a_path_that_no_rule_names_has_no_article(path: str) -> None:
    assert article_at(path.encode(), ARTICLES) is NO_RULE


@pytest.mark.parametrize(
    ("path", "article_id"),
    [
        ("/articles/42/", "42"),
        ("/articles/42/?utm_source=x&a=//../%2e#y", "42"),
        ("/articles/the-rice_bank~2.v1/", "the-rice_bank~2.v1"),
        ("/articles/42.html", "42"),
        ("/articles/a%20b.html", "a b"),
        ("/articles/%E1%9E%80/", "\u1780"),
        ("/articles/%e1%9e%80/", "\u1780"),
        ("/en/42/amp/", "42"),
        ("/en/42/amp/photos/1.jpg", "42"),
    ],
)
def test_a_plain_path_names_its_article(path: str, article_id: str) -> None:
    assert article_at(path.encode(), ARTICLES) == article_id


def test_two_rules_that_disagree_name_no_article() -> None:
    rules = rules_of("/{id}/*", "/*/{id}")
    assert article_at(b"/a/b", rules) is AMBIGUOUS
    assert article_at(b"/a/a", rules) == "a"


def test_a_slash_behind_the_file_of_another_article_names_none() -> None:
    """Where both templates are in use, `42.html` could be an id and the file of 42."""
    assert article_at(b"/articles/42.html/", ARTICLES) is AMBIGUOUS
    assert article_at(b"/articles/42.html/", rules_of("/articles/{id}/")) == "42.html"


@pytest.mark.parametrize(
    "template",
    [
        "", "articles/{id}", "/articles/", "/{id}/{id}", "/{id}*", "/{id}-*", "/a//{id}", "/./{id}",
        "/../{id}", "/**/{id}", "/{id}**", "/{id}/***", "/{slug}", "/{id", "/id}", "/{id}?",
        "/{id}#", "/%61/{id}", "/a\\{id}", "/a;{id}", "/{id}/**/", "/.{id}", "/{id}.", "/a b /{id}",
    ],
)  # fmt: skip
def test_a_rule_that_is_not_clear_is_refused(template: str) -> None:
    assert parse_path_rule(template) is None


def nginx_file(path: bytes) -> bytes:
    """The file that nginx serves: decoded once, slashes merged, dot segments resolved."""
    decoded = unquote_to_bytes(path.partition(b"?")[0])
    return posixpath.normpath(re.sub(rb"/+", b"/", decoded).split(b"\0")[0])


def caddy_file(path: bytes) -> bytes:
    """The file that Caddy serves: Go decodes once, and cleans the path that it joins."""
    decoded = unquote_to_bytes(path.partition(b"?")[0])
    return posixpath.join(b"/", posixpath.normpath(b"/" + decoded.lstrip(b"/")))


def java_file(path: bytes) -> bytes:
    """As programs read it that drop parameters, take backslashes and decode once more."""
    decoded = unquote_to_bytes(unquote_to_bytes(path.partition(b"?")[0])).replace(b"\\", b"/")
    return posixpath.normpath(re.sub(rb";[^/]*", b"", re.sub(rb"/+", b"/", decoded)))


PIECES = st.sampled_from(
    [
        "/", "//", "articles", "/articles/", "42", "43", ".html", "amp", ".", "..", "%2e", "%2E",
        "%2f", "%2F", "%5c", "\\", ";", ";a=1", "%3b", "%00", "\0", "%20", " ", "%25", "%252e",
        "%252f", "#", "%23", "?", "%3f", "%c0%af", "%e1%9e%80", "%E1%9E%80", "%ff", "%34", "%",
        "index.html", "A", "~",
    ]
)  # fmt: skip
PATHS = st.lists(PIECES | st.text(max_size=3), max_size=12).map(
    lambda pieces: "".join(["/articles/", *pieces]).encode("utf-8", "surrogatepass")
)


@given(PATHS)
def test_every_reading_of_a_granted_path_is_the_articles_own_file(path: bytes) -> None:
    article_id = article_at(path, ARTICLES)
    if isinstance(article_id, PathRefusal):
        return
    own = article_id.encode()
    files = {nginx_file(path), caddy_file(path), java_file(path)}
    assert len(files) == 1
    segments = files.pop().split(b"/")[1:]
    page = own if path.partition(b"?")[0].endswith(b"/") else own + b".html"
    assert segments == [b"articles", page] or segments[1:3] == [own, b"amp"]


IDS = st.text("abcXYZ019-_~ \u1780\u17b6\u00e9", min_size=1, max_size=12).map(str.strip)


@given(IDS.filter(bool))
def test_every_plain_id_is_reached_by_its_own_path(article_id: str) -> None:
    path = f"/articles/{quote(article_id, safe='')}/".encode()
    assert article_at(path, ARTICLES) == article_id
    assert nginx_file(path) == caddy_file(path) == f"/articles/{article_id}".encode()
