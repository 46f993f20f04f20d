"""Requests that an anonymous reader or a program can make for one article."""

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote, urlsplit, urlunsplit

# A claim to be a program that sites often serve in full.
CLAIMED_PROGRAMS = {
    "Googlebot": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Googlebot on a phone": (
        "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like"
        " Gecko) Chrome/140.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1;"
        " +http://www.google.com/bot.html)"
    ),
    "Googlebot-News": "Googlebot-News",
    "Google's advertising": "Mediapartners-Google",
    "Bingbot": "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Facebook": (
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)"
    ),
    "Twitterbot": "Twitterbot/1.0",
    "LinkedInBot": "LinkedInBot/1.0 (compatible; Mozilla/5.0; +http://www.linkedin.com)",
    "Applebot": "Mozilla/5.0 (compatible; Applebot/0.1; +http://www.apple.com/go/applebot)",
    "the Internet Archive": (
        "Mozilla/5.0 (compatible; archive.org_bot +http://archive.org/details/archive.org_bot)"
    ),
    "GPTBot": "Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "a feed reader": "Feedly/1.0 (+http://www.feedly.com/fetcher.html)",
    "a phone": (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
        " Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
    ),
    "a text browser": "Lynx/2.9.2 libwww-FM/2.14",
}  # fmt: skip
SEARCH_ENGINES = (
    "https://www.google.com/", "https://news.google.com/", "https://www.bing.com/",
    "https://www.facebook.com/", "https://t.co/",
)  # fmt: skip
# An address of Google's crawler, and this machine's own.
FORWARDED_ADDRESSES = ("66.249.66.1", "127.0.0.1")
PAGE_HEADERS = (
    ("Range", "bytes=0-"), ("Range", "bytes=-60000"), ("X-Requested-With", "XMLHttpRequest"),
    ("X-PJAX", "true"), ("HX-Request", "true"), ("Accept", "application/json"),
    ("Accept", "application/activity+json"), ("Accept", "application/ld+json"),
    ("Accept", "text/markdown"), ("Accept", "application/rss+xml"), ("Save-Data", "on"),
    ("Sec-Purpose", "prefetch"), ("RSC", "1"), ("Turbo-Frame", "article"),
)  # fmt: skip
PAGE_QUERIES = (
    "print=1", "print=true", "print=print", "printable=1", "view=print", "format=print",
    "amp=1", "amp", "output=amp", "outputType=amp", "format=amp", "noamp=mobile", "mobile=1",
    "preview=true", "preview=1", "preview_id=1&preview=true", "revision=1", "draft=1",
    "page=2", "paged=2", "pg=2", "view=all", "all=1", "full=1", "single=1", "showall=1",
    "format=json", "json=1", "_format=json", "output=json", "format=xml", "format=txt",
    "format=feed", "feed=rss2", "feed=rss2&withoutcomments=1", "feed=atom", "embed=true",
    "embed=1", "iframe=1", "reader=1", "ajax=1", "partial=1", "share=facebook", "replytocom=1",
    "utm_source=newsletter", "fbclid=1", "gclid=1", "gift=1", "access=free", "unlocked=1",
    "paywall=0", "nocache=1", "elementor-preview=1", "theme=print", "type=98", "tmpl=component",
)  # fmt: skip
PAGE_PATHS = (
    "amp/", "print/", "embed/", "feed/", "feed/?withoutcomments=1", "feed/atom/",
    "feed/rss/", "feed/json/", "2/", "3/", "page/2/", "page-2/", "all/", "full/", "comments/",
    "json/", "index.html", "index.md", "index.json", "_payload.json", "__data.json",
    "amp.html", "print.html",
)  # fmt: skip
PAGE_ENDINGS = (".amp", ".html", ".json", ".md", ".txt", ".pdf", ".xml", ".rsc")
PATH_PREFIXES = ("amp", "print", "m", "embed", "api", "_next/data/development", "page-data")
SITE_FEEDS = (
    "feed/", "feed/atom/", "feed/rss/", "feed/rdf/", "feed/json/", "?feed=rss2", "?feed=atom",
    "?feed=rdf", "comments/feed/", "?feed=comments-rss2", "rss", "rss.xml", "atom.xml",
    "feed.xml", "index.xml", "feed.json", "rss/full", "news/rss", "turbo-feed.xml",
)  # fmt: skip
SITE_PAGES = (
    "", "page/2/", "blog/", "news/", "latest/", "archive/", "?author=1", "?cat=1", "llms.txt",
    "llms-full.txt",
)  # fmt: skip
SITEMAPS = (
    "robots.txt", "sitemap.xml", "sitemap_index.xml", "wp-sitemap.xml", "news-sitemap.xml",
    "sitemap-news.xml", "wp-sitemap-posts-post-1.xml", "post-sitemap.xml",
)  # fmt: skip
# Of a deep path, such as one with the day, so many folders from the last.
PARENTS_MAX = 4
SEARCHES = (
    "?s={}", "?s={}&feed=rss2", "search/{}/", "search/{}/feed/rss2/", "search?q={}",
    "search/?q={}", "search?query={}", "?q={}", "search.json?q={}", "api/search?q={}",
)  # fmt: skip
PAGE_CACHES = (
    "wp-content/cache/supercache/{host}{path}index.html",
    "wp-content/cache/supercache/{host}{path}index-https.html",
    "wp-content/cache/page_enhanced/{host}{path}_index.html",
    "wp-content/cache/page_enhanced/{host}{path}_index_ssl.html",
    "wp-content/cache/wp-rocket/{host}{path}index.html",
    "wp-content/cache/wp-rocket/{host}{path}index-https.html",
    "wp-content/cache/all{path}index.html",
)


class Probe(NamedTuple):
    """One request; `how` says what it has besides its address, such as `as Googlebot`."""

    url: str
    how: str = ""
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        return f"{self.url} {self.how}".strip()


def page_probes(url: str) -> Iterator[Probe]:
    """The page itself, as different programs ask for it."""
    yield Probe(url, "with HEAD", "HEAD")
    for name, agent in CLAIMED_PROGRAMS.items():
        yield Probe(url, f"as {name}", headers=(("User-Agent", agent),))
    for referer in SEARCH_ENGINES:
        yield Probe(url, f"with Referer: {referer}", headers=(("Referer", referer),))
    for address in FORWARDED_ADDRESSES:
        forwarded = tuple(
            (name, address)
            for name in ("X-Forwarded-For", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP")
        )
        yield Probe(url, f"with X-Forwarded-For: {address}", headers=forwarded)
    for name, value in PAGE_HEADERS:
        yield Probe(url, f"with {name}: {value}", headers=((name, value),))


def variant_probes(url: str) -> Iterator[Probe]:
    """The page under other addresses: printed, accelerated, previewed, its further pages."""
    parts = urlsplit(url)
    query = f"{parts.query}&" if parts.query else ""
    for added in PAGE_QUERIES:
        yield Probe(urlunsplit(parts._replace(query=query + added, fragment="")))
    bare = parts._replace(query="", fragment="")
    folder = bare._replace(path=parts.path.rstrip("/") + "/")
    name = bare._replace(path=parts.path.rstrip("/") or "/")
    yield Probe(urlunsplit(folder if parts.path != folder.path else name))
    yield from (Probe(urlunsplit(folder) + added) for added in PAGE_PATHS)
    if name.path != "/":
        yield from (Probe(urlunsplit(name) + ending) for ending in PAGE_ENDINGS)
        yield Probe(urlunsplit(bare._replace(path=f"/{parts.path}")))
        yield Probe(urlunsplit(bare._replace(path=parts.path.upper())))
    for prefix in PATH_PREFIXES:
        path = f"/{prefix}{name.path}"
        if prefix == "page-data":
            path += "/page-data.json"
        yield Probe(urlunsplit(bare._replace(path=path + (".json" if "_next" in prefix else ""))))


def site_probes(root: str) -> Iterator[Probe]:
    """Feeds, sitemaps and pages of the site, which are the same for all of its articles."""
    for path in (*SITEMAPS, *SITE_FEEDS, *SITE_PAGES):
        yield Probe(root + path)


def search_probes(root: str, words: str) -> Iterator[Probe]:
    """The site's own search by hidden words, whose results can quote them."""
    for pattern in SEARCHES:
        yield Probe(root + pattern.format(quote(words, safe="")))


def parent_probes(url: str) -> Iterator[Probe]:
    """The folders above the page, such as a year's archive, and their feeds."""
    parts = urlsplit(url)
    names = parts.path.strip("/").split("/")[:-1]
    for length in range(len(names), max(len(names) - PARENTS_MAX, 0), -1):
        folder = f"/{'/'.join(names[:length])}/"
        for path in (folder, f"{folder}feed/"):
            yield Probe(urlunsplit(parts._replace(path=path, query="", fragment="")))


def cache_probes(root: str, url: str) -> Iterator[Probe]:
    """Files in which page caches keep a page."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/") + "/"
    for pattern in PAGE_CACHES:
        yield Probe(root + pattern.format(host=parts.hostname, path=path))


def root_of(url: str) -> str:
    """The address of the site's front page, which ends in `/`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"
