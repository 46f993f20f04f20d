"""Asks a site for its articles in every known way, and reports what gave away hidden text."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from paywall.leaks.articles import StoredArticle
from paywall.leaks.client import Fetched, Hop, SiteClient
from paywall.leaks.decodings import Place, PlacedText, decode_body, placed_texts
from paywall.leaks.hidden_text import HiddenText, HiddenTexts, disclosure_of
from paywall.leaks.links import PageLinks, links_of_page, post_id_in, sitemap_probes, slug_of
from paywall.leaks.probes import (
    Probe,
    cache_probes,
    page_probes,
    parent_probes,
    root_of,
    search_probes,
    site_probes,
    variant_probes,
)
from paywall.leaks.wordpress import rest_root_of, type_probes, wordpress_probes
from paywall.rules.decision import Policy

REQUESTS_MAX = 500
# An article's page that is not there, or that cannot be shown.
NO_PAGE = frozenset([404, 410, 500])

Progress = Callable[[int, int], None]


class Disclosed(msgspec.Struct, frozen=True):
    """An address that gave away hidden text: how much of it, and where it stands."""

    address: str
    words: int
    share: float
    place: str
    begins: str


class NotChecked(msgspec.Struct, frozen=True):
    """An address that could not be compared, or not wholly."""

    address: str
    why: str


class ArticleReport(msgspec.Struct):
    """What the site gave away of one article."""

    article_id: str
    url: str
    hidden_words: int
    leaks: list[Disclosed]
    # No more than a sentence that two texts can share.
    shared: list[Disclosed]
    # The page of a metered article, which a new visitor may read.
    opened_by_meter: list[Disclosed]
    # False if the article's page could not be read, so that nothing else was asked.
    is_page_read: bool = True


class LeakReport(msgspec.Struct):
    """What was found, and what could not be checked."""

    articles: list[ArticleReport]
    compared: int
    not_checked: list[NotChecked]
    # Redirects to other sites, which are not followed.
    not_followed: list[NotChecked]

    @property
    def leaks(self) -> bool:
        return any(article.leaks for article in self.articles)


class SearchLimits(NamedTuple):
    """How much is asked for one article."""

    requests_max: int = REQUESTS_MAX
    seconds_max: float = 1800.0


class LeakSearch:
    """One run: each response is compared with all of the articles, and no request is repeated."""

    def __init__(
        self,
        client: SiteClient,
        articles: Sequence[tuple[StoredArticle, HiddenText]],
        limits: SearchLimits,
        progress: Progress,
    ) -> None:
        self._client = client
        self._articles = articles
        self._texts = HiddenTexts([text for _, text in articles])
        self._limits = limits
        self._progress = progress
        self._asked: set[Probe] = set()
        self.report = LeakReport(
            [
                ArticleReport(article.id, article.url, text.words, [], [], [])
                for article, text in articles
            ],
            0, [], [],
        )  # fmt: skip

    async def run(self) -> LeakReport:
        for (article, text), found in zip(self._articles, self.report.articles, strict=True):
            page = await self._visit(Probe(article.url), article.url)
            if (why := _why_no_page(page)) is None:
                await self._search_article(page, article, text)
            else:
                found.is_page_read = False
                self.report.not_checked.append(
                    NotChecked(article.url, f"{why}; nothing else was asked")
                )
        return self.report

    async def _search_article(
        self, page: Fetched, article: StoredArticle, text: HiddenText
    ) -> None:
        url, article_id = article.url, article.id
        queue = deque(_probes_of(page.hops[-1], article_id, text))
        ends_at = asyncio.get_running_loop().time() + self._limits.seconds_max
        asked = 1
        while queue:
            probe = queue.popleft()
            if probe in self._asked:
                continue
            if asked >= self._limits.requests_max or asyncio.get_running_loop().time() >= ends_at:
                self._give_up(probe, queue)
                return
            fetched = await self._visit(probe, url)
            asked += 1
            queue.extend(_followed(fetched, url))
            self._progress(asked, asked + len(queue))

    def _give_up(self, probe: Probe, queue: Iterable[Probe]) -> None:
        """Report what is left in the queue as not checked."""
        why = "not asked: the limit of requests or of time for one article was reached"
        for left in dict.fromkeys([probe, *queue]):
            if left not in self._asked:
                self.report.not_checked.append(NotChecked(left.name, why))

    async def _visit(self, probe: Probe, site_url: str) -> Fetched:
        self._asked.add(probe)
        fetched = await self._client.fetch(probe, site_url)
        if fetched.hops:
            self.report.compared += 1
            self._compare(fetched)
        why = fetched.problem or _why_unreadable(fetched)
        if why is not None:
            self.report.not_checked.append(NotChecked(probe.name, why))
        if fetched.left_to is not None:
            why = f"leads to {fetched.left_to}, on another site"
            self.report.not_followed.append(NotChecked(probe.name, why))
        return fetched

    def _compare(self, fetched: Fetched) -> None:
        covered: dict[int, bytearray] = {}
        places: dict[int, tuple[int, Place]] = {}
        for placed in _texts_of(fetched.hops):
            for number, letters in self._texts.find(placed.text).items():
                places[number] = max(
                    places.get(number, (0, placed.place)), (sum(letters), placed.place)
                )
                known = covered.get(number)
                covered[number] = letters if known is None else _united(known, letters)
        for number, letters in covered.items():
            self._record(number, letters, places[number][1], fetched)

    def _record(self, number: int, letters: bytearray, place: Place, fetched: Fetched) -> None:
        found = disclosure_of(self._texts.texts[number], letters)
        report, article = self.report.articles[number], self._articles[number][0]
        disclosed = Disclosed(
            fetched.probe.name, found.words, round(found.share, 3), str(place), found.first_words
        )
        if not found.is_leak:
            report.shared.append(disclosed)
        elif article.policy is Policy.METERED and _is_page_of(fetched.hops[-1], article.url):
            report.opened_by_meter.append(disclosed)
        else:
            report.leaks.append(disclosed)


def _probes_of(page: Hop, article_id: str, text: HiddenText) -> Iterator[Probe]:
    """Everything to ask for an article whose page this is, the likeliest leaks first."""
    url, root, words = page.url, root_of(page.url), text.query()
    source = decode_body(page.body, page.headers.get("Content-Type", ""))
    links = links_of_page(source, url, page.headers.get_list("Link"))
    post_id = post_id_in(source) or (article_id if article_id.isdecimal() else None)
    yield from page_probes(url)
    yield from _linked_probes(links)
    yield from wordpress_probes(
        url, root=root, rest_root=rest_root_of(source, root), post_id=post_id, words=words
    )
    yield from site_probes(root)
    yield from parent_probes(url)
    yield from search_probes(root, words)
    yield from variant_probes(url)
    yield from cache_probes(root, url)


def _linked_probes(links: PageLinks) -> Iterator[Probe]:
    yield from map(Probe, links.related)
    yield from map(Probe, links.mentioned)
    for archive in links.archives:
        yield Probe(archive)
        if "?" not in archive:
            yield Probe(archive.rstrip("/") + "/feed/")


def _followed(fetched: Fetched, site_url: str) -> Iterator[Probe]:
    """What a response of the site names for this article."""
    if not fetched.hops:
        return
    hop = fetched.hops[-1]
    path = urlsplit(hop.url)
    if "sitemap" in path.path or path.path == "/robots.txt":
        source = decode_body(hop.body, hop.headers.get("Content-Type", ""))
        yield from sitemap_probes(source, hop.url, site_url)
    elif fetched.probe.url.endswith("wp/v2/types"):
        source = decode_body(hop.body, hop.headers.get("Content-Type", ""))
        rest_root = fetched.probe.url.removesuffix("wp/v2/types")
        yield from type_probes(source, rest_root=rest_root, slug=slug_of(site_url))


def _texts_of(hops: Iterable[Hop]) -> Iterator[PlacedText]:
    for hop in hops:
        yield PlacedText(Place.HEADER, "\n".join(hop.headers.values()))
        yield from placed_texts(decode_body(hop.body, hop.headers.get("Content-Type", "")))


def _united(one: bytearray, other: bytearray) -> bytearray:
    size = len(one)
    return bytearray(
        (int.from_bytes(one, "big") | int.from_bytes(other, "big")).to_bytes(size, "big")
    )


def _why_no_page(page: Fetched) -> str | None:
    if not page.hops:
        return "the page cannot be read"
    if page.left_to is not None:
        return "the page is on another site: give its address there"
    status = page.hops[-1].status
    return f"the page has status {status}" if status in NO_PAGE else None


def _why_unreadable(fetched: Fetched) -> str | None:
    is_pdf = any(hop.headers.get("Content-Type", "").startswith("application/pdf")
                 for hop in fetched.hops)  # fmt: skip
    return "a PDF, whose text cannot be compared" if is_pdf else None


def _is_page_of(hop: Hop, url: str) -> bool:
    is_html = hop.headers.get("Content-Type", "").startswith("text/html")
    return is_html and urlsplit(hop.url).path.strip("/") == urlsplit(url).path.strip("/")
