"""A small newspaper on real HTTP, whose responses a test can replace one by one."""

import gzip
import html
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from tests.leaks.texts import BODY, KHMER_BODY, KHMER_PREVIEW, PREVIEW, SHARED

TITLE = "A bridge with cracks in it"
PATH = "/news/bridge-with-cracks/"
KHMER_PATH = "/news/spean/"


class Request(NamedTuple):
    """What was asked of the site; header names are in lower case."""

    method: str
    target: str
    headers: dict[str, str]

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        parsed = parse_qs(urlsplit(self.target).query, keep_blank_values=True)
        return {name: values[0] for name, values in parsed.items()}


class Answer(NamedTuple):
    """A response; a body in pieces is sent piece by piece, until the client has gone."""

    body: str | bytes | Iterable[bytes] = ""
    media_type: str = "text/html; charset=utf-8"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


Rule = Callable[[Request], Answer | None]


class Site:
    """A clean site, and rules of a test, of which the first that answers goes before it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.rules: list[Rule] = []
        self.requests: list[Request] = []
        self.is_closing = Event()

    @property
    def url(self) -> str:
        return self.address + PATH

    def at(self, target: str, answer: Answer) -> None:
        """Give this answer at one path, with its query."""
        self.rules.append(lambda request: answer if request.target == target else None)

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        for rule in self.rules:
            if (answer := rule(request)) is not None:
                return answer
        return self._clean(request)

    def page(self, text: str = PREVIEW, head: str = "") -> str:
        """The article's page, with this text in place of the preview."""
        data = {"@type": "NewsArticle", "headline": TITLE, "isAccessibleForFree": False}
        return (
            f"<!doctype html><html><head><title>{TITLE}</title>{head}"
            f'<link rel="alternate" type="application/rss+xml" href="{self.address}/feed/">'
            f'<link rel="shortlink" href="{self.address}/?p=42">'
            f'<script type="application/ld+json">{json.dumps(data)}</script></head>'
            f'<body class="single postid-42"><h1>{TITLE}</h1>{text}<paywall-gate></paywall-gate>'
            f'<a rel="category tag" href="/category/politics/">Politics</a>'
            f"<aside>Other news: {SHARED}</aside></body></html>"
        )

    def feed(self, text: str = PREVIEW) -> Answer:
        return Answer(
            f"<rss><channel><item><title>{TITLE}</title><link>{self.url}</link>"
            f"<content:encoded><![CDATA[{text}]]></content:encoded></item></channel></rss>",
            "application/rss+xml",
        )

    def rest(self, text: str = PREVIEW) -> Answer:
        posts = [{"id": 42, "title": TITLE, "content": {"rendered": text, "protected": False}}]
        return Answer(json.dumps(posts), "application/json")

    def _clean(self, request: Request) -> Answer:
        words = html.escape(request.query.get("s", ""))
        front_page = f"<h1>News {words}</h1><h2>{TITLE}</h2>{PREVIEW}<p>{SHARED}</p>"
        sitemaps = f"<sitemap><loc>{self.address}/sitemap-1.xml.gz</loc></sitemap>"
        sitemap = f"<urlset><url><loc>{self.url}story.txt</loc></url></urlset>"
        answers = {
            PATH: Answer(self.page()),
            KHMER_PATH: Answer(self.page(KHMER_PREVIEW)),
            "/": Answer(front_page),
            "/category/politics/": Answer(front_page),
            "/feed/": self.feed(),
            "/wp-json/wp/v2/posts": self.rest(),
            "/wp-json/wp/v2/types": Answer('{"a": {"rest_base": "stories"}}', "application/json"),
            "/robots.txt": Answer(f"Sitemap: {self.address}/sitemap-index.xml", "text/plain"),
            "/sitemap-index.xml": Answer(f"<sitemapindex>{sitemaps}", "application/xml"),
            "/sitemap-1.xml.gz": Answer(gzip.compress(sitemap.encode()), "application/gzip"),
        }
        return answers.get(request.path, Answer("<h1>Not found</h1>", status=404))


@contextmanager
def served_site() -> Iterator[Site]:
    """The site, on a port of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    site = Site(f"http://127.0.0.1:{server.server_port}")
    _Handler.sites[server.server_port] = site
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        site.is_closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
        del _Handler.sites[server.server_port]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    sites: dict[int, Site] = {}  # noqa: RUF012 (one table for all servers of this process)

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, ThreadingHTTPServer)
        headers = {name.lower(): value for name, value in self.headers.items()}
        # Not `path`, in which the library joins slashes.
        target = self.requestline.split()[1]
        answer = self.sites[server.server_port].answer(Request(self.command, target, headers))
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.media_type)
        for name, value in answer.headers:
            self.send_header(name, value)
        body = answer.body.encode() if isinstance(answer.body, str) else answer.body
        if isinstance(body, bytes):
            self.send_header("Content-Length", str(len(body)))
        else:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            try:
                for piece in [body] if isinstance(body, bytes) else body:
                    self.wfile.write(piece)
            except (BrokenPipeError, ConnectionResetError):
                return

    do_HEAD = do_GET  # noqa: N815 (the name that the library calls)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
        """The site logs nothing."""


ARTICLES = {"42": (PATH, PREVIEW, BODY), "km": (KHMER_PATH, KHMER_PREVIEW, KHMER_BODY)}
