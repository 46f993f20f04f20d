"""Addresses of the same article that a page, a sitemap or a REST index names."""

import html
import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from paywall.leaks.hosts import is_same_site
from paywall.leaks.letters import TAG
from paywall.leaks.probes import Probe
from paywall.rules.html_source import ATTRIBUTE

TAGS_MAX = 20_000
# A longer tag is cut: reading the attributes of a tag takes long on purpose-made ones.
TAG_CHARACTERS_MAX = 4_096
TAG_NAME = re.compile(r"<([a-zA-Z][a-zA-Z0-9-]*+)")
# At most so many addresses of each sort are followed from one page.
RELATED_MAX = 25
MENTIONED_MAX = 25
ARCHIVES_MAX = 8
SITEMAPS_MAX = 10
SITEMAP_ARTICLES_MAX = 10
SLUG_CHARACTERS_MIN = 4
URL_ATTRIBUTES = frozenset("href src action content data-src data-href data-url data-api".split())
# Relations that lead to no text of an article.
UNRELATED = frozenset(
    "stylesheet icon shortcut apple-touch-icon mask-icon manifest dns-prefetch preconnect pingback"
    " edituri wlwmanifest license me modulepreload profile".split()
)
ARCHIVE_RELATIONS = frozenset(["tag", "category", "author"])
ARCHIVE_PATH = re.compile(r"/(?:category|tag|author|topic|section|sujet|archives?)/[^/]+/?\Z")
NO_TEXT_FILE = re.compile(
    r"\.(?:css|m?js|png|jpe?g|gif|webp|avif|svg|ico|woff2?|ttf|mp[34]|webm)\Z", re.IGNORECASE
)
LINK_HEADER = re.compile(r"<([^<>]{1,2000})>")
LOCATION = re.compile(r"<loc>\s*([^<\s]{1,2000})\s*</loc>", re.IGNORECASE)
SITEMAP_LINE = re.compile(r"^\s*sitemap\s*:\s*(\S{1,2000})", re.IGNORECASE | re.MULTILINE)
POST_ID = re.compile(
    r"postid-(\d{1,12})\b|[?&]p=(\d{1,12})\b|/wp/v2/posts/(\d{1,12})\b|id=[\"']post-(\d{1,12})\b"
)
REST_BASE = re.compile(r"\"rest_base\"\s*:\s*\"([a-z0-9_-]{1,40})\"")


class PageLink(NamedTuple):
    """An address in a tag of a page, and its relations to the page."""

    tag: str
    relations: frozenset[str]
    url: str


class PageLinks(NamedTuple):
    """What a page names on its own site: versions of itself, and lists that it stands in."""

    related: list[str]
    archives: list[str]
    mentioned: list[str]


def links_of_page(source: str, url: str, link_headers: list[str]) -> PageLinks:
    """The links of an article's page, to the same site alone."""
    related: dict[str, None] = {}
    archives: dict[str, None] = {}
    mentioned: dict[str, None] = {}
    slug = slug_of(url)
    found = [*_in_headers(link_headers, url), *_in_tags(source, url)]
    for link in found:
        if not is_same_site(link.url, url) or NO_TEXT_FILE.search(urlsplit(link.url).path):
            continue
        if link.tag == "link" and not link.relations & UNRELATED:
            related[link.url] = None
        elif link.relations & ARCHIVE_RELATIONS or ARCHIVE_PATH.search(urlsplit(link.url).path):
            archives[link.url] = None
        elif slug and slug in link.url:
            mentioned[link.url] = None
    return PageLinks(
        list(islice(related, RELATED_MAX)),
        list(islice(archives, ARCHIVES_MAX)),
        list(islice(mentioned, MENTIONED_MAX)),
    )


def slug_of(url: str) -> str:
    """The last part of the path, by which other addresses of an article are recognised."""
    slug = urlsplit(url).path.rstrip("/").rpartition("/")[2]
    return slug if len(slug) >= SLUG_CHARACTERS_MIN else ""


def post_id_in(source: str) -> str | None:
    """The post's number in WordPress, as its page names it."""
    found = POST_ID.search(source)
    return next(filter(None, found.groups())) if found else None


def sitemap_probes(source: str, url: str, site_url: str) -> Iterator[Probe]:
    """Further sitemaps that a sitemap or robots.txt names, and this article's addresses in it."""
    named = [*SITEMAP_LINE.findall(source), *LOCATION.findall(source)]
    own = [urljoin(url, html.unescape(location)) for location in named]
    own = [location for location in own if is_same_site(location, site_url)]
    slug = slug_of(site_url)
    maps = (location for location in own if "sitemap" in location.lower())
    articles = (location for location in own if slug and slug in location)
    yield from (Probe(location) for location in islice(maps, SITEMAPS_MAX))
    yield from (Probe(location) for location in islice(articles, SITEMAP_ARTICLES_MAX))


def _in_headers(link_headers: list[str], url: str) -> Iterator[PageLink]:
    for header in link_headers:
        for target in LINK_HEADER.findall(header):
            yield PageLink("link", frozenset(), urljoin(url, target))


def _in_tags(source: str, url: str) -> Iterator[PageLink]:
    for tag in islice(TAG.finditer(source), TAGS_MAX):
        source_of_tag = tag[0][:TAG_CHARACTERS_MAX].rstrip("/>")
        if (tag_name := TAG_NAME.match(source_of_tag)) is None:
            continue
        attributes = {
            name.lower(): html.unescape((value or "").strip("\"'"))
            for _, name, value in ATTRIBUTE.findall(source_of_tag, tag_name.end())
        }
        relations = frozenset(attributes.get("rel", "").lower().split())
        for name in URL_ATTRIBUTES & attributes.keys():
            if target := _joined(url, attributes[name]):
                yield PageLink(tag_name[1].lower(), relations, target)


def _joined(url: str, target: str) -> str | None:
    """The absolute address, without its fragment; None where it is none."""
    try:
        joined = urljoin(url, target.strip()).partition("#")[0]
    except ValueError:
        return None
    return joined if joined.startswith(("http://", "https://")) and " " not in joined else None
