"""The newspaper's routes."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from importlib.resources import files
from urllib.parse import urlencode

import httpx
from litestar import Litestar, Response, get, post
from litestar.config.compression import CompressionConfig
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException, NotFoundException
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from paywall.rules.enums import Interval
from paywall.sandbox.site import failures, listings, noscript, pages
from paywall.sandbox.site.paywall_client import ENTRY_TOKEN_SECONDS, Json, PageViewer, PaywallClient
from paywall.sandbox.site.rendering import MOVED_ANCHOR, NewspaperContext
from paywall.sandbox.site.responses import (
    NewspaperServices,
    PageRequest,
    html_response,
    local_path,
    origin_of,
    page_context,
)
from paywall.sandbox.site.session import (
    LAST_ARTICLE,
    READERS,
    end_session,
    language_cookie,
    last_article_cookie,
    start_session,
    viewer_of,
    visitor_cookie,
)
from paywall.sandbox.site.stories import PICTURES
from paywall.sandbox.site.time_machine import STEPS, TimeMachine
from paywall.sandbox.site.translations import LANGUAGES

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16"'
    ' rx="3" fill="#8c1d18"/><path d="M2 10q3-4 6 0t6 0" stroke="#fff" stroke-width="2"'
    ' fill="none"/></svg>'
)


@get("/{article_id:str}")
async def read_article(
    article_id: FromPath[str], request: PageRequest, site: NamedDependency[NewspaperServices]
) -> Response[str]:
    page = await page_context(request, site)
    article = await site.paywall.article(article_id)
    if article is None:
        raise NotFoundException
    viewer, cookies = page.viewer, []
    if article["policy"] == "metered" and viewer == PageViewer():
        cookies = [visitor_cookie()]
        viewer = viewer._replace(visitor_id=cookies[0].value)
    answer = await site.paywall.body(viewer, article_id)
    gate = None
    if not answer["decision"]["granted"]:
        gate = await _noscript_gate(request, site, page, article, answer["decision"])
        cookies += [last_article_cookie(page.path)] if viewer.reader_id else []
    structured_data = await site.paywall.structured_data(article_id)
    html = pages.article_page(page, article, answer, structured_data, gate)
    return html_response(page, html, cookies=cookies)


@get("/sign-in")
async def choose_reader(
    request: PageRequest, site: NamedDependency[NewspaperServices], back: FromQuery[str] = "/"
) -> Response[str]:
    page = await page_context(request, site)
    return html_response(page, pages.sign_in_page(page, back))


@post("/sign-in")
async def sign_in(request: PageRequest) -> Redirect:
    form = await request.form()
    if form.get("reader") not in READERS:
        return Redirect("/sign-in", status_code=303)
    cookie = start_session(request.app.state, form["reader"])
    return Redirect(local_path(form.get("back")), status_code=303, cookies=[cookie])


@get("/sign-out")
async def ask_to_sign_out(
    request: PageRequest, site: NamedDependency[NewspaperServices]
) -> Response[str]:
    page = await page_context(request, site)
    return html_response(page, pages.sign_out_page(page))


@post("/sign-out")
async def sign_out(request: PageRequest, site: NamedDependency[NewspaperServices]) -> Redirect:
    """Redirect through the service, whose own pages have a session of the reader's as well."""
    cookie = end_session(request)
    query = urlencode({"back": f"{origin_of(request)}/"})
    location = f"{site.paywall.service}/account/leave?{query}"
    if not await site.paywall.is_up():
        location = "/"
    return Redirect(location, status_code=303, cookies=[cookie])


@post("/language")
async def switch_language(request: PageRequest) -> Redirect:
    form = await request.form()
    language = form.get("language")
    cookies = [language_cookie(language)] if language in LANGUAGES else []
    return Redirect(local_path(form.get("back")), status_code=303, cookies=cookies)


@post("/paywall-token", status_code=200)
async def reader_token(
    request: PageRequest, site: NamedDependency[NewspaperServices]
) -> Response[Json | None]:
    """A token for the reader who is signed in, or 204; paywall.js calls this.

    403 to pages of other sites, and 503 if the service does not answer.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return Response(None, status_code=403)
    viewer = viewer_of(request)
    if viewer.reader_id is None:
        return Response(None, status_code=204)
    token = await site.paywall.reader_token(viewer.reader_id)
    return Response(token, headers={"Cache-Control": "no-store"})


@get("/account")
async def account(
    request: PageRequest, site: NamedDependency[NewspaperServices]
) -> Response[str] | Redirect:
    page = await page_context(request, site)
    translate = page.translator.translate
    if page.reader_id is None:
        return Redirect(page.sign_in_url, status_code=303)
    fields = {"page": "account", "back": f"{origin_of(request)}{page.path}"}
    form = await _plain_pages_form(site, page, translate("all_data"), fields)
    html = pages.account_page(page, translate(page.reader_id), form)
    return html_response(page, html)


@get("/offers")
async def offers(request: PageRequest, site: NamedDependency[NewspaperServices]) -> Response[str]:
    page = await page_context(request, site)
    for_sale = await site.paywall.offers()
    fields = {"page": "buy", **_return_urls(request, page)}
    form = await _plain_pages_form(site, page, page.translator.translate("offers"), fields)
    return html_response(page, pages.offers_page(page, for_sale, form))


@get("/paid")
async def paid(
    request: PageRequest,
    site: NamedDependency[NewspaperServices],
    since: FromQuery[int | None] = None,
) -> Response[str]:
    """Where a payment returns to; `since` (Unix) is when a page without script led to it."""
    page = await page_context(request, site)
    purchase, unpaid = None, "nothing_to_confirm"
    if page.reader_id is not None and since is not None:
        purchase = await site.paywall.paid_since(page.reader_id, since)
        is_pending = purchase is None and await site.paywall.has_pending(page.reader_id)
        unpaid = "bank_working" if is_pending else "not_paid_yet"
    back = local_path(request.cookies.get(LAST_ARTICLE, "/account"))
    html = pages.paid_page(page, purchase, unpaid, await site.paywall.offers(), back)
    return html_response(page, html)


@post("/time")
async def move_time(
    request: PageRequest, site: NamedDependency[NewspaperServices]
) -> Response[str] | Redirect:
    """The time machine: redirects once everything on the page is of the new time."""
    form = await request.form()
    back = local_path(form.get("back"))
    has_all_arrived = True
    if site.time.is_available and form.get("step") in STEPS:
        has_all_arrived = await site.time.move(Interval(form["step"]))
    if has_all_arrived:
        return Redirect(f"{back}#{MOVED_ANCHOR}", status_code=303)
    page = (await page_context(request, site))._replace(path=back)
    return html_response(page, pages.failure_page(page, "sorry", "arriving"), status=503)


@get("/pictures/{name:str}", sync_to_thread=False)
def picture(name: FromPath[str]) -> Response[str]:
    if name not in PICTURES:
        raise NotFoundException
    return Response(
        PICTURES[name], media_type="image/svg+xml", headers={"Cache-Control": "max-age=3600"}
    )


@get("/site.css", sync_to_thread=False)
def style() -> Response[str]:
    css = files("paywall.sandbox.site").joinpath("site.css").read_text("utf-8")
    return Response(css, media_type="text/css")


@get("/icon.svg", sync_to_thread=False)
def icon() -> Response[str]:
    return Response(ICON, media_type="image/svg+xml")


async def _noscript_gate(
    request: PageRequest,
    site: NewspaperServices,
    page: NewspaperContext,
    article: Json,
    decision: Json,
) -> noscript.NoscriptGate:
    for_sale = await site.paywall.offers()
    text = page.translator.translate(
        noscript.BUTTON_TEXTS.get(decision["reason"], "unlock_article")
    )
    fields = {"page": "unlock", "article": article["id"], **_return_urls(request, page)}
    form = await _plain_pages_form(site, page, text, fields)
    return noscript.gate(page.translator, article, decision, for_sale, form)


async def _plain_pages_form(
    site: NewspaperServices, page: NewspaperContext, text: str, fields: Mapping[str, str]
) -> noscript.PlainPagesForm | None:
    """The form to the service's own pages, for a reader who is signed in."""
    if page.reader_id is None:
        return None
    token = await site.paywall.reader_token(page.reader_id, ENTRY_TOKEN_SECONDS)
    reader = {"language": page.language, "name": page.translator.translate(page.reader_id)}
    return noscript.PlainPagesForm(
        action=f"{page.service}/account/enter",
        text=text,
        fields={**reader, "token": token["token"], **fields},
    )


def _return_urls(request: PageRequest, page: NewspaperContext) -> dict[str, str]:
    """Where the service's own pages return to, after a payment and without one.

    The processor sees the address after a payment, so it names no article: a cookie does.
    """
    query = f"?since={int(page.now.timestamp())}" if page.now else ""
    origin = origin_of(request)
    return {"return": f"{origin}/paid{query}", "back": f"{origin}{page.path}"}


def newspaper(paywall: PaywallClient, time: TimeMachine) -> Litestar:
    """The newspaper as an application that sells through this service."""
    site = NewspaperServices(paywall, time)

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncGenerator[None]:
        yield
        await paywall.close()
        await time.close()

    return Litestar(
        route_handlers=[
            listings.front,
            listings.section_page,
            listings.archive,
            listings.newsletter,
            listings.feed,
            read_article,
            choose_reader,
            sign_in,
            ask_to_sign_out,
            sign_out,
            switch_language,
            reader_token,
            account,
            offers,
            paid,
            move_time,
            picture,
            style,
            icon,
        ],
        dependencies={"site": Provide(lambda: site, sync_to_thread=False)},
        exception_handlers={
            HTTPException: failures.refused,
            httpx.HTTPError: failures.unavailable,
            Exception: failures.failed,
        },
        lifespan=[lifespan],
        state=State({"sessions": {}}),
        compression_config=CompressionConfig(backend="gzip", minimum_size=1_000),
        openapi_config=None,
        logging_config=None,
    )
