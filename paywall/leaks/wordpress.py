"""Requests for one article to the interfaces of WordPress, which other sites answer with 404."""

import re
from collections.abc import Iterator
from urllib.parse import quote

from paywall.leaks.links import REST_BASE, slug_of
from paywall.leaks.probes import Probe

REST_ROOT = re.compile(r"<link[^<>]{0,200}https://api\.w\.org/[^<>]{0,200}>", re.IGNORECASE)
HREF = re.compile(r"href=[\"']([^\"'<>]{1,1000})[\"']", re.IGNORECASE)
REST_TYPES_MAX = 10
# Types that are no articles.
OTHER_TYPES = frozenset(
    "posts pages media blocks templates template-parts navigation menu-items global-styles"
    " font-families".split()
)
# The body of a post, and what can hold parts of it.
POST_QUERIES = ("", "?_embed", "?context=edit", "?context=embed", "?password=")
POST_FOLDERS = ("revisions", "autosaves", "autosaves?context=edit", "revisions?context=edit")
BY_NUMBER = (
    "?p={}", "?page_id={}", "?p={}&preview=true", "?p={}&feed=rss2",
    "?p={}&feed=rss2&withoutcomments=1", "?p={}&embed=true", "?attachment_id={}",
    "index.php?p={}", "wp-json/wp/v2/comments?post={}&_embed", "wp-json/wp/v2/media?parent={}",
)  # fmt: skip
GRAPHQL = 'graphql?query={{post(id:"{}",idType:SLUG){{content,excerpt}}}}'


def rest_root_of(page: str, root: str) -> str:
    """Where the page says that the REST interface is, or where it is by default."""
    tag = REST_ROOT.search(page)
    found = HREF.search(tag[0]) if tag else None
    return found[1].replace("&amp;", "&") if found else f"{root}wp-json/"


def wordpress_probes(
    url: str, *, root: str, rest_root: str, post_id: str | None, words: str
) -> Iterator[Probe]:
    """The article by its slug, its number and its words; `words` are hidden ones."""
    slug, query, encoded = slug_of(url), quote(words, safe=""), quote(url, safe="")
    yield Probe(rest_root)
    for path in (
        "wp/v2/types", f"wp/v2/search?search={query}&_embed", f"wp/v2/posts?search={query}&_embed",
        "wp/v2/posts?_embed", "wp/v2/posts?orderby=modified&_fields=content,excerpt",
        f"wp/v2/comments?search={query}", f"wp/v2/blocks?search={query}",
        f"oembed/1.0/embed?url={encoded}", f"oembed/1.0/embed?url={encoded}&format=xml",
        f"yoast/v1/get_head?url={encoded}", f"rankmath/v1/getHead?url={encoded}",
    ):  # fmt: skip
        yield _rest(rest_root, path)
    if slug:
        for base in ("posts", "pages"):
            yield _rest(rest_root, f"wp/v2/{base}?slug={slug}&_embed")
        yield Probe(f"{root}?rest_route=/wp/v2/posts&slug={slug}")
        yield Probe(f"{root}?name={slug}")
        yield Probe(f"{root}?name={slug}&feed=rss2&withoutcomments=1")
        yield Probe(root + quote(GRAPHQL.format(slug), safe="/?=&"))
    if post_id:
        for added in POST_QUERIES:
            yield _rest(rest_root, f"wp/v2/posts/{post_id}{added}")
        for folder in POST_FOLDERS:
            yield _rest(rest_root, f"wp/v2/posts/{post_id}/{folder}")
        yield Probe(f"{root}?rest_route=/wp/v2/posts/{post_id}")
        yield from (Probe(root + path.format(post_id)) for path in BY_NUMBER)


def type_probes(source: str, *, rest_root: str, slug: str) -> Iterator[Probe]:
    """The article among the site's own types of posts, from the list of types."""
    bases = [base for base in REST_BASE.findall(source) if base not in OTHER_TYPES]
    for base in bases[:REST_TYPES_MAX]:
        yield _rest(rest_root, f"wp/v2/{base}?slug={slug}&_embed")


def _rest(rest_root: str, path: str) -> Probe:
    """Without permalinks the root is `/?rest_route=/`, and a query is joined with `&`."""
    return Probe(rest_root + (path.replace("?", "&", 1) if "?" in rest_root else path))
