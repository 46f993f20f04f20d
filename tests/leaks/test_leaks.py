"""`paywall leaks` finds each way in which a site gives an article away, and nothing else."""

import asyncio
import html
import json
from collections.abc import Callable
from typing import NamedTuple

import pytest

from paywall.leaks.articles import StoredArticle
from paywall.leaks.client import FetchLimits, open_client
from paywall.leaks.hidden_text import HiddenText
from paywall.leaks.hosts import PinnedHosts
from paywall.leaks.search import LeakReport, LeakSearch, SearchLimits
from paywall.rules.decision import Policy
from tests.leaks.site import ARTICLES, KHMER_PATH, PATH, TITLE, Answer, Request, Site, served_site
from tests.leaks.test_hidden_text import plain
from tests.leaks.texts import BODY, KHMER_BODY, KHMER_REST, REST, SHARED

QUICK_LIMITS = FetchLimits(requests_per_second=10_000)
ALL = SearchLimits()
FEW = SearchLimits(requests_max=5)


def header_leak(name: str, part: str) -> Callable[[Site], None]:
    """The whole page for requests with this header."""

    def add(site: Site) -> None:
        site.rules.append(
            lambda request: (
                Answer(site.page(BODY))
                if request.path == PATH and part in request.headers.get(name, "")
                else None
            )
        )

    return add


def query_leak(path: str, name: str, answer: Callable[[Site], Answer]) -> Callable[[Site], None]:
    """This answer wherever the query has this name."""
    return lambda site: site.rules.append(
        lambda request: answer(site) if request.path == path and name in request.query else None
    )


def redirect_leak(site: Site) -> None:
    away = Answer(site.page(BODY), status=302, headers=(("Location", "/"),))
    site.at(f"{PATH}print/", away)


def description(site: Site) -> str:
    text = html.escape(plain(REST)[:400])
    return site.page(head=f'<meta property="og:description" content="{text}">')


def data(site: Site) -> str:
    return site.page(head=f"<script>{json.dumps({'articleBody': plain(BODY)})}</script>")


PAGE_LEAKS: dict[str, tuple[Callable[[Site], str], str]] = {
    "hidden by CSS": (
        lambda site: site.page(f'<div style="display:none">{BODY}</div>'),
        "its text",
    ),
    "structured data": (data, "a script"),
    "description": (description, "an attribute or a comment"),
}
# Each leak, the end of the address that has to be named, and the place.
LEAKS: dict[str, tuple[Callable[[Site], None], str, str]] = {
    "feed": (lambda site: site.at("/feed/", site.feed(BODY)), "/feed/", "its text"),
    "feed of the article": (
        lambda site: site.at(f"{PATH}feed/?withoutcomments=1", site.feed(BODY)),
        f"{PATH}feed/?withoutcomments=1",
        "its text",
    ),
    "feed of a category": (
        lambda site: site.at("/category/politics/feed/", site.feed(BODY)),
        "/category/politics/feed/",
        "its text",
    ),
    "archive of the folder above": (
        lambda site: site.at("/news/", Answer(f"<h1>News</h1>{BODY}")),
        "/news/",
        "its text",
    ),
    "feed of the folder above": (
        lambda site: site.at("/news/feed/", site.feed(BODY)),
        "/news/feed/",
        "its text",
    ),
    "REST by slug": (
        query_leak("/wp-json/wp/v2/posts", "slug", lambda site: site.rest(BODY)),
        "/wp-json/wp/v2/posts?slug=bridge-with-cracks&_embed",
        "its text",
    ),
    "REST by number": (
        lambda site: site.at("/wp-json/wp/v2/posts/42", site.rest(BODY)),
        "/wp-json/wp/v2/posts/42",
        "its text",
    ),
    "revisions": (
        lambda site: site.at("/wp-json/wp/v2/posts/42/revisions", site.rest(REST)),
        "/wp-json/wp/v2/posts/42/revisions",
        "its text",
    ),
    "a type of its own": (
        query_leak("/wp-json/wp/v2/stories", "slug", lambda site: site.rest(BODY)),
        "/wp-json/wp/v2/stories?slug=bridge-with-cracks&_embed",
        "its text",
    ),
    "print version": (
        query_leak(PATH, "print", lambda site: Answer(site.page(BODY))),
        f"{PATH}?print=1",
        "its text",
    ),
    "AMP": (
        lambda site: site.at(f"{PATH}amp/", Answer(site.page(BODY))),
        f"{PATH}amp/",
        "its text",
    ),
    "second page": (
        lambda site: site.at(f"{PATH}2/", Answer(site.page(REST))),
        f"{PATH}2/",
        "its text",
    ),
    "oEmbed": (
        query_leak(
            "/wp-json/oembed/1.0/embed",
            "url",
            lambda _site: Answer(json.dumps({"html": BODY}), "application/json"),
        ),
        "/wp-json/oembed/1.0/embed?url=",
        "its text",
    ),
    "search": (
        query_leak("/", "s", lambda _site: Answer(f"<p>… {plain(REST)[10:260]} …</p>")),
        "/?s=",
        "its text",
    ),
    "what a sitemap names": (
        lambda site: site.at(f"{PATH}story.txt", Answer(plain(BODY), "text/plain")),
        f"{PATH}story.txt",
        "its text",
    ),
    "front page": (lambda site: site.at("/", Answer(f"<h1>News</h1>{BODY}")), "/", "its text"),
    "Googlebot": (header_leak("user-agent", "Googlebot/2.1"), f"{PATH} as Googlebot", "its text"),
    "Referer": (
        header_leak("referer", "google"),
        f"{PATH} with Referer: https://www.google.com/",
        "its text",
    ),
    "forwarded address": (
        header_leak("x-forwarded-for", "66.249.66.1"),
        f"{PATH} with X-Forwarded-For: 66.249.66.1",
        "its text",
    ),
    "range": (header_leak("range", "bytes=0-"), f"{PATH} with Range: bytes=0-", "its text"),
    "a redirect with a body": (redirect_leak, f"{PATH}print/", "its text"),
    "page cache": (
        lambda site: site.at(
            f"/wp-content/cache/supercache/127.0.0.1{PATH}index.html", Answer(site.page(BODY))
        ),
        f"/wp-content/cache/supercache/127.0.0.1{PATH}index.html",
        "its text",
    ),
    "a header": (
        lambda site: site.at(
            f"{PATH}embed/", Answer(headers=(("X-Excerpt", " ".join(plain(REST).split())[:300]
             .encode("ascii", "ignore").decode()),))
        ),
        f"{PATH}embed/",
        "a header",
    ),
}  # fmt: skip


class Searched(NamedTuple):
    """One run, and what the site was asked."""

    report: LeakReport
    requests: list[Request]
    progress: list[tuple[int, int]]

    @property
    def leaks(self) -> dict[str, str]:
        """The place of the leak by its address."""
        return {leak.address: leak.place for of in self.report.articles for leak in of.leaks}


async def search(
    site: Site, *ids: str, policy: Policy = Policy.PREMIUM, limits: SearchLimits = ALL
) -> Searched:
    articles = []
    for article_id in ids or ["42"]:
        path, preview, body = ARTICLES[article_id]
        stored = StoredArticle(article_id, site.address + path, TITLE, policy, preview, body)
        articles.append((stored, HiddenText(body, [preview, TITLE])))
    progress: list[tuple[int, int]] = []
    site.requests.clear()
    async with open_client(PinnedHosts(allow_private=True), QUICK_LIMITS) as client:
        run = LeakSearch(client, articles, limits, lambda *known: progress.append(known))
        return Searched(await run.run(), list(site.requests), progress)


@pytest.fixture(scope="module")
def clean() -> Searched:
    """Both articles of a site that gives nothing away."""
    with served_site() as site:
        return asyncio.run(search(site, "42", "km"))


def test_a_clean_site_gives_nothing_away(clean: Searched) -> None:
    assert (clean.leaks, clean.report.not_checked) == ({}, [])
    assert clean.report.compared == len(clean.requests) > 300


def test_a_sentence_that_stands_elsewhere_too_is_reported_apart(clean: Searched) -> None:
    first, _ = clean.report.articles
    assert {shared.words for shared in first.shared} == {len(SHARED.split())}


def test_no_address_is_asked_twice_in_the_same_way(clean: Searched) -> None:
    asked = [
        (request.method, request.target, tuple(request.headers.items()))
        for request in clean.requests
    ]
    assert len(asked) == len(set(asked))


def test_its_own_name_is_sent_but_for_claims(clean: Searched) -> None:
    pages = {PATH, KHMER_PATH}
    agents = {r.headers["user-agent"] for r in clean.requests if r.target not in pages}
    assert agents == {"paywall-leaks/1 (checks this site for its publisher)"}


def test_progress_counts_what_is_asked_and_known(clean: Searched) -> None:
    assert clean.progress[0][0] == 2
    assert all(asked <= known for asked, known in clean.progress)


@pytest.mark.parametrize(("make", "place"), PAGE_LEAKS.values(), ids=PAGE_LEAKS)
async def test_a_page_that_hides_the_body_from_the_eye_alone_is_named(
    make: Callable[[Site], str], place: str, site: Site
) -> None:
    site.at(PATH, Answer(make(site)))
    assert (await search(site, limits=FEW)).leaks[site.url] == place


async def test_each_leak_is_found_and_its_address_named(site: Site) -> None:
    for add, _, _ in LEAKS.values():
        add(site)
    found = (await search(site)).leaks
    not_named = [
        name
        for name, (_, address, place) in LEAKS.items()
        if not any(
            at == site.address + address
            # What is searched for and the port follow.
            or (address.endswith("=") and at.startswith(site.address + address))
            for at in found
            if found[at] == place
        )
    ]
    assert not_named == []


async def test_what_is_clean_is_not_named_beside_leaks(site: Site) -> None:
    names = ["feed", "AMP", "REST by number", "revisions"]
    for name in names:
        LEAKS[name][0](site)
    assert set((await search(site)).leaks) == {site.address + LEAKS[name][1] for name in names}


async def test_the_khmer_article_is_found_too(site: Site) -> None:
    site.at("/feed/", site.feed(KHMER_REST.replace("ទ", "ទ\u200b")))
    assert f"{site.address}/feed/" in (await search(site, "km")).leaks


async def test_a_page_of_one_article_that_gives_away_another_is_named(site: Site) -> None:
    site.at(PATH, Answer(site.page(KHMER_BODY)))
    first, second = (await search(site, "42", "km", limits=FEW)).report.articles
    assert first.leaks == []
    assert site.url in [leak.address for leak in second.leaks]


async def test_a_metered_page_may_open_and_its_feed_may_not(site: Site) -> None:
    site.at(PATH, Answer(site.page(BODY)))
    site.at("/feed/", site.feed(BODY))
    searched = await search(site, policy=Policy.METERED)
    [report] = searched.report.articles
    assert set(searched.leaks) == {f"{site.address}/feed/"}
    assert len(report.opened_by_meter) > 30


async def test_no_cookie_is_sent_back(site: Site) -> None:
    cookie = (("Set-Cookie", "paywall_visitor=1; Path=/"),)
    site.at(PATH, Answer(site.page(), headers=cookie))
    searched = await search(site, limits=FEW)
    assert not [request for request in searched.requests if "cookie" in request.headers]


@pytest.mark.parametrize("limits", [FEW, SearchLimits(seconds_max=0)])
async def test_what_a_limit_left_out_is_named(site: Site, limits: SearchLimits) -> None:
    searched = await search(site, limits=limits)
    assert len(searched.requests) <= FEW.requests_max
    left = {left.address: left.why for left in searched.report.not_checked}
    assert left[f"{site.address}/feed/atom/"].startswith("not asked: the limit of requests or of")
    assert len(left) + len(searched.requests) > 200


@pytest.mark.parametrize("status", [404, 410, 500])
async def test_a_page_that_is_not_there_is_not_clean(site: Site, status: int) -> None:
    site.at(PATH, Answer(status=status))
    searched = await search(site)
    why = f"the page has status {status}; nothing else was asked"
    assert [left.why for left in searched.report.not_checked] == [why]
    assert len(searched.requests) == 1


async def test_a_page_on_another_site_is_not_clean(site: Site) -> None:
    site.at(PATH, Answer(status=301, headers=(("Location", "https://other.example/"),)))
    searched = await search(site)
    assert "on another site" in searched.report.not_checked[0].why
    assert searched.report.not_followed[0].why == "leads to https://other.example/, on another site"


async def test_what_cannot_be_compared_is_named(site: Site) -> None:
    site.at("/wp-json/", Answer(status=503))
    site.at(f"{PATH}?print=1", Answer(b"%PDF-1.7", "application/pdf"))
    searched = await search(site)
    assert {left.address: left.why for left in searched.report.not_checked} == {
        f"{site.address}/wp-json/": "answered with status 503",
        f"{site.url}?print=1": "a PDF, whose text cannot be compared",
    }
