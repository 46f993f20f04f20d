"""Addresses of the plain pages. A page of the site opens them by a form with a reader token."""

from typing import Any

import msgspec
from litestar import MediaType, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from paywall.database.engine import Database
from paywall.http.edge import answer_problem, problem_of
from paywall.problems import MALFORMED, Problem
from paywall.settings import Settings
from paywall.subscribers.export import export_reader
from paywall.tokens.guard import anyone
from paywall.tokens.revocation import refuse_revoked
from paywall.unlocks.api import SEARCH_CHARS_MAX
from paywall.web.pages.account import load_account, view_account
from paywall.web.pages.afterwards import answer_why, ask_to_withdraw, withdraw
from paywall.web.pages.changes import billing, buy, cancel, resume, unlock
from paywall.web.pages.entry import enter, leave, set_language
from paywall.web.pages.form import FORM_BYTES_MAX
from paywall.web.pages.khqr import show_khqr
from paywall.web.pages.outcomes import show_outcome
from paywall.web.pages.receipts import load_receipt, receipt_as_text, seller_of
from paywall.web.pages.rendering import HEADERS
from paywall.web.pages.requests import (
    AnyRequest,
    form_of,
    page_of,
    page_of_reader,
    render_failure,
    verify_reader,
)

PREFIX = "/account"


@get()
async def account(
    request: AnyRequest, database: NamedDependency[Database], settings: NamedDependency[Settings]
) -> Response[str]:
    """What the reader has."""
    page, caller = await page_of_reader(request, settings)
    async with database.reading() as session:
        await refuse_revoked(session, caller, database.dialect)
        mine = await load_account(session, caller.subject, settings, database.clock.now())
    return page.render("account.html", "account", view_account(mine, page.language))


@post("/search", status_code=200)
async def search(
    request: AnyRequest, database: NamedDependency[Database], settings: NamedDependency[Settings]
) -> Response[str]:
    """The account with the unlocked articles whose title has the text that was sent.

    Not by GET: what a reader looks for would be in the address, and so in the logs of proxies.
    """
    page = page_of(request, settings)
    form = await form_of(request, page)
    sought = form.get("search", "").strip()[:SEARCH_CHARS_MAX]
    caller = await verify_reader(request, page)
    async with database.reading() as session:
        await refuse_revoked(session, caller, database.dialect)
        now = database.clock.now()
        mine = await load_account(session, caller.subject, settings, now, sought)
    return page.render("account.html", "account", view_account(mine, page.language))


@get("/data")
async def data(
    request: AnyRequest, database: NamedDependency[Database], settings: NamedDependency[Settings]
) -> Response[bytes]:
    """Everything on record, as a file that a person can read."""
    _, caller = await page_of_reader(request, settings)
    async with database.reading() as session:
        await refuse_revoked(session, caller, database.dialect)
        export = await export_reader(session, caller.subject, settings, database.clock.now())
    content = msgspec.json.format(msgspec.json.encode(export), indent=2)
    headers = {**HEADERS, "Content-Disposition": 'attachment; filename="my-data.json"'}
    return Response(content, media_type=MediaType.JSON, headers=headers)


@get("/receipts/{name:str}")
async def show_receipt(
    name: FromPath[str],
    request: AnyRequest,
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> Response[str]:
    """The receipt of a payment, a cancellation or a withdrawal; with `.txt` as a file to keep."""
    page, caller = await page_of_reader(request, settings)
    own_name = name.removesuffix(".txt")
    async with database.reading() as session:
        await refuse_revoked(session, caller, database.dialect)
        receipt = await load_receipt(
            session, caller.subject, own_name, page.language, settings, database.clock.now()
        )
    if receipt is None:
        return page.render_message("no_receipt", 404)
    seller = seller_of(settings, page.language, page.site)
    reader = (page.session.name if page.session else "") or caller.subject
    if own_name == name:
        values = {"receipt": receipt, "seller": seller, "reader": reader, "name": name}
        return page.render("receipt.html", receipt.title, values)
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    text = receipt_as_text(receipt, seller, reader, page.language)
    return Response(text, media_type="text/plain", headers=headers)


@get(
    [
        "/enter",
        "/language",
        "/unlock",
        "/buy",
        "/cancel",
        "/resume",
        "/billing",
        "/withdraw",
        "/why",
        "/search",
    ]
)
async def redirect_to_account() -> Redirect:
    """The address of a form's answer, opened without the form."""
    return Redirect("/account", status_code=303)


def _render_failure(request: AnyRequest, error: Exception) -> Response[Any]:
    """What no form of ours can cause is answered as everywhere else."""
    if isinstance(error, HTTPException) or (isinstance(error, Problem) and error.kind is MALFORMED):
        return answer_problem(request, error)
    settings: Settings = request.app.state.settings
    return render_failure(page_of(request, settings), error)


def answer_unrouted(request: AnyRequest, error: Exception) -> Response[Any]:
    """For what no route answers: people who open such a page get a page, programs a problem."""
    is_unrouted = isinstance(error, NotFoundException | MethodNotAllowedException)
    if not is_unrouted or not _is_for_people(request):
        return answer_problem(request, error)
    problem = problem_of(request, error)
    page = page_of(request, request.app.state.settings)
    return page.render_missing(int(problem.kind.status), problem.headers)


def _is_for_people(request: AnyRequest) -> bool:
    """Whether a page is asked for: one of ours, or by a browser anything but the API."""
    path = f"{request.scope['path']}/"
    is_browser = "text/html" in request.headers.get("Accept", "")
    return path.startswith(f"{PREFIX}/") or (is_browser and not path.startswith("/v1/"))


ROUTES: list[ControllerRouterHandler] = [
    Router(
        PREFIX,
        route_handlers=[
            enter,
            account,
            search,
            set_language,
            leave,
            unlock,
            buy,
            cancel,
            redirect_to_account,
            resume,
            billing,
            data,
            show_outcome,
            show_receipt,
            show_khqr,
            ask_to_withdraw,
            withdraw,
            answer_why,
        ],
        guards=[anyone],
        include_in_schema=False,
        request_max_body_size=FORM_BYTES_MAX,
        exception_handlers={Exception: _render_failure},
    )
]
