"""The newspaper's addresses."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any

import httpx
from litestar import Litestar, Request, Response, get, post
from litestar.datastructures import Cookie, State
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from paywall.sandbox.site import pages
from paywall.sandbox.site.pages import Frame
from paywall.sandbox.site.publisher import Json, Publisher, Viewer
from paywall.sandbox.site.session import READERS, new_visitor, sign_in, sign_out, viewer_of

Asking = Request[Any, Any, State]
ENTRY_SECONDS = 300
DAYS_AT_ONCE_MAX = 31
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16"'
    ' rx="3" fill="#8c1d18"/><path d="M2 10q3-4 6 0t6 0" stroke="#fff" stroke-width="2"'
    ' fill="none"/></svg>'
)


@get("/")
async def front(request: Asking, publisher: NamedDependency[Publisher]) -> Response[str]:
    frame = await _frame(request, publisher)
    articles = await publisher.articles()
    ids = [article["id"] for article in articles]
    decisions = await publisher.decisions(frame.viewer, ids)
    return _html(frame, pages.NAME, pages.front(articles, decisions))


@get("/{article_id:str}")
async def read(
    article_id: FromPath[str], request: Asking, publisher: NamedDependency[Publisher]
) -> Response[str]:
    frame = await _frame(request, publisher)
    article = await publisher.article(article_id)
    if article is None:
        return _html(frame, pages.NAME, pages.missing_page(), status=404)
    viewer, cookies = frame.viewer, []
    if article["policy"] == "metered" and viewer == Viewer():
        cookies = [new_visitor()]
        viewer = viewer._replace(visitor_id=cookies[0].value)
    told = await publisher.body(viewer, article_id)
    entry = await _entry(publisher, frame, page="unlock", article=article_id)
    data = await publisher.structured_data(article_id)
    return _html(
        frame,
        f"{article['title']} · {pages.NAME}",
        pages.article_page(article, told, entry),
        language=article["language"] or "en",
        head=f'<script type="application/ld+json">{data}</script>',
        cookies=cookies,
    )


@get("/sign-in")
async def choose_reader(
    request: Asking, publisher: NamedDependency[Publisher], back: FromQuery[str] = "/"
) -> Response[str]:
    frame = await _frame(request, publisher)
    return _html(frame, "Sign in", pages.sign_in_page(back))


@post("/sign-in")
async def begin_session(request: Asking) -> Redirect:
    form = await request.form()
    if form.get("reader") not in READERS:
        return Redirect("/sign-in", status_code=303)
    cookie = sign_in(request.app.state, form["reader"])
    return Redirect(_here(form.get("back")), status_code=303, cookies=[cookie])


@post("/sign-out")
async def end_session(request: Asking) -> Redirect:
    return Redirect("/", status_code=303, cookies=[sign_out(request)])


@post("/paywall-token", status_code=200)
async def reader_token(
    request: Asking, publisher: NamedDependency[Publisher]
) -> Response[Json | None]:
    """What paywall.js asks: a token for who is signed in, or 204."""
    viewer = viewer_of(request)
    if viewer.reader_id is None:
        return Response(None, status_code=204)
    token = await publisher.reader_token(viewer.reader_id)
    return Response(token, headers={"Cache-Control": "no-store"})


@get("/account")
async def account(
    request: Asking, publisher: NamedDependency[Publisher]
) -> Response[str] | Redirect:
    frame = await _frame(request, publisher)
    if not frame.is_signed_in:
        return Redirect("/sign-in?back=/account", status_code=303)
    entry = await _entry(publisher, frame, page="account")
    return _html(frame, "Your account", pages.account_page(entry))


@get("/offers")
async def offers(request: Asking, publisher: NamedDependency[Publisher]) -> Response[str]:
    frame = await _frame(request, publisher)
    return _html(frame, "Subscribe", pages.offers_page(frame))


@get("/paid")
async def paid(request: Asking, publisher: NamedDependency[Publisher]) -> Response[str]:
    frame = await _frame(request, publisher)
    return _html(frame, "Your payment", pages.paid_page())


@post("/time")
async def move_time(request: Asking, publisher: NamedDependency[Publisher]) -> Redirect:
    form = await request.form()
    days = int(form["days"]) if form.get("days", "").isdecimal() else 0
    if 0 < days <= DAYS_AT_ONCE_MAX and publisher.clock_url:
        await publisher.move_time(days)
    return Redirect(_here(form.get("back")), status_code=303)


@get("/feed.xml")
async def rss(request: Asking, publisher: NamedDependency[Publisher]) -> Response[str]:
    origin = str(request.base_url).rstrip("/")
    content = pages.feed(await publisher.articles(), origin)
    return Response(content, media_type="application/rss+xml")


@get("/site.css", sync_to_thread=False)
def style() -> Response[str]:
    css = files("paywall.sandbox.site").joinpath("site.css").read_text("utf-8")
    return Response(css, media_type="text/css")


@get("/icon.svg", sync_to_thread=False)
def icon() -> Response[str]:
    return Response(ICON, media_type="image/svg+xml")


async def _frame(request: Asking, publisher: Publisher) -> Frame:
    return Frame(
        service=publisher.service,
        parts=await publisher.parts(),
        viewer=viewer_of(request),
        path=request.url.path,
        has_time_machine=bool(publisher.clock_url),
    )


async def _entry(publisher: Publisher, frame: Frame, **fields: str) -> str:
    """The way into the service's own pages, for a reader who is signed in."""
    reader_id = frame.viewer.reader_id
    if reader_id is None:
        return ""
    token = await publisher.reader_token(reader_id, ENTRY_SECONDS)
    return pages.entry_form(publisher.service, token["token"], **fields)


def _here(address: str | None) -> str:
    """Only ever to a page of the newspaper itself."""
    is_here = address is not None and address.startswith("/") and "\\" not in address
    return address if address and is_here and not address.startswith("//") else "/"


def _html(
    frame: Frame,
    title: str,
    main: str,
    *,
    language: str = "en",
    head: str = "",
    status: int = 200,
    cookies: list[Cookie] | None = None,
) -> Response[str]:
    content = pages.page(frame, title, main, language=language, head=head)
    source = f"'self' {frame.service}"
    policy = (
        f"default-src 'none'; script-src {source}; style-src {source}; connect-src {source};"
        f" img-src 'self'; form-action {source}; base-uri 'none'; frame-ancestors 'none'"
    )
    return Response(
        content,
        status_code=status,
        media_type="text/html",
        headers={"Cache-Control": "no-store", "Content-Security-Policy": policy},
        cookies=cookies,
    )


def _sorry(_request: Asking, _error: httpx.HTTPError) -> Response[str]:
    """No answer of the service is no permission: nothing is shown."""
    return Response(pages.sorry_page(), status_code=503, media_type="text/html")


def newspaper(publisher: Publisher) -> Litestar:
    """The newspaper, selling through this service."""

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncGenerator[None]:
        yield
        await publisher.close()

    return Litestar(
        route_handlers=[
            front,
            read,
            choose_reader,
            begin_session,
            end_session,
            reader_token,
            account,
            offers,
            paid,
            move_time,
            rss,
            style,
            icon,
        ],
        dependencies={"publisher": Provide(lambda: publisher, sync_to_thread=False)},
        exception_handlers={httpx.HTTPError: _sorry},
        lifespan=[lifespan],
        state=State({"sessions": {}}),
        openapi_config=None,
        logging_config=None,
    )
