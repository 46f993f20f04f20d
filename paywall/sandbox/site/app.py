"""The newspaper's addresses."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any, NamedTuple
from urllib.parse import urlencode

import httpx
from litestar import Litestar, Request, Response, get, post
from litestar.datastructures import Cookie, State
from litestar.di import NamedDependency, Provide
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from paywall.rules.addresses import is_web_address
from paywall.rules.enums import Interval
from paywall.sandbox.site import noscript, pages
from paywall.sandbox.site.layout import MOVED_ANCHOR, NewspaperContext, page
from paywall.sandbox.site.paywall_client import ENTRY_TOKEN_SECONDS, Json, PageViewer, PaywallClient
from paywall.sandbox.site.session import (
    LAST_ARTICLE,
    READERS,
    end_session,
    language_cookie,
    last_article_cookie,
    start_session,
    translator_of,
    viewer_of,
    visitor_cookie,
)
from paywall.sandbox.site.time_machine import STEPS, TimeMachine
from paywall.sandbox.site.translations import LANGUAGES

PageRequest = Request[Any, Any, State]


class NewspaperServices(NamedTuple):
    """What the newspaper asks: the service, and what time it is."""

    publisher: PaywallClient
    time: TimeMachine


ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16"'
    ' rx="3" fill="#8c1d18"/><path d="M2 10q3-4 6 0t6 0" stroke="#fff" stroke-width="2"'
    ' fill="none"/></svg>'
)


@get("/")
async def front(request: PageRequest, site: NamedDependency[NewspaperServices]) -> Response[str]:
    frame = await _page_context(request, site)
    articles = await site.publisher.articles()
    ids = [article["id"] for article in articles]
    decisions = await site.publisher.decisions(frame.viewer, ids)
    main = pages.front(frame.words, articles, decisions)
    return _html_response(frame, frame.words.translate("front"), main)


@get("/{article_id:str}")
async def read(
    article_id: FromPath[str], request: PageRequest, site: NamedDependency[NewspaperServices]
) -> Response[str]:
    frame = await _page_context(request, site)
    article = await site.publisher.article(article_id)
    if article is None:
        raise NotFoundException
    viewer, cookies = frame.viewer, []
    if article["policy"] == "metered" and viewer == PageViewer():
        cookies = [visitor_cookie()]
        viewer = viewer._replace(visitor_id=cookies[0].value)
    told = await site.publisher.body(viewer, article_id)
    decision, way_on = told["decision"], ""
    if not decision["granted"]:
        way_on = await _noscript_gate(request, site, frame, article, decision)
        cookies += [last_article_cookie(frame.here)] if viewer.reader_id else []
    data = await site.publisher.structured_data(article_id)
    return _html_response(
        frame,
        article["title"],
        pages.article_page(frame.words, article, told, way_on),
        head=f'<script type="application/ld+json">{data}</script>',
        cookies=cookies,
    )


@get("/sign-in")
async def choose_reader(
    request: PageRequest, site: NamedDependency[NewspaperServices], back: FromQuery[str] = "/"
) -> Response[str]:
    frame = await _page_context(request, site)
    title = frame.words.translate("sign_in")
    return _html_response(frame, title, pages.sign_in_page(frame.words, back))


@post("/sign-in")
async def sign_in(request: PageRequest) -> Redirect:
    form = await request.form()
    if form.get("reader") not in READERS:
        return Redirect("/sign-in", status_code=303)
    cookie = start_session(request.app.state, form["reader"])
    return Redirect(_local_path(form.get("back")), status_code=303, cookies=[cookie])


@post("/sign-out")
async def sign_out(request: PageRequest, site: NamedDependency[NewspaperServices]) -> Redirect:
    """By way of the service, whose own pages have a session of the reader's, too."""
    cookie = end_session(request)
    query = urlencode({"back": f"{_origin(request)}/"})
    way = f"{site.publisher.service}/account/leave?{query}"
    if not await site.publisher.is_there():
        way = "/"
    return Redirect(way, status_code=303, cookies=[cookie])


@post("/language")
async def switch_language(request: PageRequest) -> Redirect:
    form = await request.form()
    language = form.get("language")
    cookies = [language_cookie(language)] if language in LANGUAGES else []
    return Redirect(_local_path(form.get("back")), status_code=303, cookies=cookies)


@post("/paywall-token", status_code=200)
async def reader_token(
    request: PageRequest, site: NamedDependency[NewspaperServices]
) -> Response[Json | None]:
    """What paywall.js asks: a token for who is signed in, or 204."""
    viewer = viewer_of(request)
    if viewer.reader_id is None:
        return Response(None, status_code=204)
    token = await site.publisher.reader_token(viewer.reader_id)
    return Response(token, headers={"Cache-Control": "no-store"})


@get("/account")
async def account(
    request: PageRequest, site: NamedDependency[NewspaperServices]
) -> Response[str] | Redirect:
    frame = await _page_context(request, site)
    reader_id, say = frame.viewer.reader_id, frame.words.translate
    if reader_id is None:
        return Redirect(frame.sign_in, status_code=303)
    unlocks = await site.publisher.unlocks(reader_id)
    languages = {one["id"]: one["language"] for one in await site.publisher.articles()}
    unlocks = [one | {"language": languages.get(one["article_id"])} for one in unlocks]
    wish = {"page": "account", "back": f"{_origin(request)}{frame.here}"}
    entry = await _plain_pages_form(site, frame, say("all_data"), wish)
    return _html_response(frame, say("your_account"), pages.account_page(frame, unlocks, entry))


@get("/offers")
async def offers(request: PageRequest, site: NamedDependency[NewspaperServices]) -> Response[str]:
    frame = await _page_context(request, site)
    title = frame.words.translate("offers")
    goods = await site.publisher.offers()
    wish = {"page": "buy", **_return_urls(request, frame)}
    entry = await _plain_pages_form(site, frame, title, wish)
    return _html_response(frame, title, pages.offers_page(frame, goods, entry))


@get("/paid")
async def paid(
    request: PageRequest,
    site: NamedDependency[NewspaperServices],
    since: FromQuery[int | None] = None,
) -> Response[str]:
    """Where paying leads to; who came by a page without script was there at `since` (Unix)."""
    frame = await _page_context(request, site)
    reader_id = frame.viewer.reader_id
    purchase = None
    if reader_id is not None and since is not None:
        purchase = await site.publisher.paid_since(reader_id, since)
    back = _local_path(request.cookies.get(LAST_ARTICLE, "/account"))
    said = noscript.paid(frame, purchase, await site.publisher.offers(), back)
    return _html_response(
        frame, frame.words.translate("payment"), pages.paid_page(frame.words, said)
    )


@post("/time")
async def move_time(
    request: PageRequest, site: NamedDependency[NewspaperServices]
) -> Response[str] | Redirect:
    """The time machine; the page that it leads back to is of the time moved to, in everything."""
    form = await request.form()
    back = _local_path(form.get("back"))
    has_all_arrived = True
    if site.time.is_there and form.get("step") in STEPS:
        has_all_arrived = await site.time.move(Interval(form["step"]))
    if has_all_arrived:
        return Redirect(f"{back}#{MOVED_ANCHOR}", status_code=303)
    frame = (await _page_context(request, site))._replace(here=back)
    title = frame.words.translate("sorry")
    return _html_response(frame, title, pages.later_page(frame, "sorry", "arriving"), status=503)


@get("/feed.xml")
async def rss(request: PageRequest, site: NamedDependency[NewspaperServices]) -> Response[str]:
    content = pages.feed(await site.publisher.articles(), _origin(request))
    return Response(content, media_type="application/rss+xml")


@get("/site.css", sync_to_thread=False)
def style() -> Response[str]:
    css = files("paywall.sandbox.site").joinpath("site.css").read_text("utf-8")
    return Response(css, media_type="text/css")


@get("/icon.svg", sync_to_thread=False)
def icon() -> Response[str]:
    return Response(ICON, media_type="image/svg+xml")


async def _page_context(request: PageRequest, site: NewspaperServices) -> NewspaperContext:
    return NewspaperContext(
        viewer=viewer_of(request),
        words=translator_of(request),
        here=_request_path(request),
        service=site.publisher.service,
        parts=await site.publisher.parts(),
        now=await site.time.now(),
        has_time_machine=site.time.is_there,
    )


async def _noscript_gate(
    request: PageRequest,
    site: NewspaperServices,
    frame: NewspaperContext,
    article: Json,
    decision: Json,
) -> str:
    """What stands under a preview where no script runs."""
    offers = await site.publisher.offers()
    text = frame.words.translate(noscript.BUTTON_TEXTS.get(decision["reason"], "unlock_article"))
    wish = {"page": "unlock", "article": article["id"], **_return_urls(request, frame)}
    entry = await _plain_pages_form(site, frame, text, wish)
    return noscript.gate(frame, article, decision, offers, entry)


def _return_urls(request: PageRequest, frame: NewspaperContext) -> dict[str, str]:
    """From the service's own pages: for who has paid, and for who would rather not.

    Where paying leads to is told to the processor, so it names no article: a cookie does.
    """
    query = f"?since={int(frame.now.timestamp())}" if frame.now else ""
    origin = _origin(request)
    return {"return": f"{origin}/paid{query}", "back": f"{origin}{frame.here}"}


def _origin(request: PageRequest) -> str:
    return str(request.base_url).rstrip("/")


def _request_path(request: PageRequest) -> str:
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path


async def _plain_pages_form(
    site: NewspaperServices, frame: NewspaperContext, text: str, wish: dict[str, str]
) -> str:
    """The way into the service's own pages, for a reader who is signed in."""
    reader_id = frame.viewer.reader_id
    if reader_id is None:
        return ""
    token = await site.publisher.reader_token(reader_id, ENTRY_TOKEN_SECONDS)
    return pages.entry_form(frame, text, {"token": token["token"], **wish})


def _local_path(address: str | None) -> str:
    """Only ever to a page of the newspaper itself."""
    is_path = address is not None and address.startswith("/") and not address.startswith("//")
    return address if address and is_path and is_web_address(f"http://here{address}") else "/"


def _html_response(
    frame: NewspaperContext,
    title: str,
    main: str,
    *,
    head: str = "",
    status: int = 200,
    cookies: list[Cookie] | None = None,
) -> Response[str]:
    source = f"'self' {frame.service}"
    policy = (
        f"default-src 'none'; script-src {source}; style-src {source}; connect-src {source};"
        f" img-src 'self'; form-action {source}; base-uri 'none'; frame-ancestors 'none'"
    )
    return Response(
        page(frame, title, main, head=head),
        status_code=status,
        media_type="text/html",
        headers={"Cache-Control": "no-store", "Content-Security-Policy": policy},
        cookies=cookies,
    )


def _not_found_page(request: PageRequest, _error: NotFoundException) -> Response[str]:
    frame = _offline_context(request)
    title = frame.words.translate("missing")
    return _html_response(frame, title, pages.missing_page(frame.words), status=404)


def _unavailable_page(request: PageRequest, _error: httpx.HTTPError) -> Response[str]:
    """No answer of the service is no permission: nothing is shown."""
    frame = _offline_context(request)
    title = frame.words.translate("sorry")
    return _html_response(frame, title, pages.later_page(frame, "sorry", "sorry_why"), status=503)


def _offline_context(request: PageRequest) -> NewspaperContext:
    """For a page without the service."""
    here = _request_path(request) if request.method == "GET" else "/"
    return NewspaperContext(viewer_of(request), translator_of(request), here)


def newspaper(publisher: PaywallClient, time: TimeMachine) -> Litestar:
    """The newspaper, selling through this service."""
    site = NewspaperServices(publisher, time)

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncGenerator[None]:
        yield
        await publisher.close()
        await time.close()

    return Litestar(
        route_handlers=[
            front,
            read,
            choose_reader,
            sign_in,
            sign_out,
            switch_language,
            reader_token,
            account,
            offers,
            paid,
            move_time,
            rss,
            style,
            icon,
        ],
        dependencies={"site": Provide(lambda: site, sync_to_thread=False)},
        exception_handlers={NotFoundException: _not_found_page, httpx.HTTPError: _unavailable_page},
        lifespan=[lifespan],
        state=State({"sessions": {}}),
        openapi_config=None,
        logging_config=None,
    )
