"""The contract for machines (`/openapi.json`) and for people (`/docs`)."""

from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from paywall import problems
from paywall.contract.document import document
from paywall.http.static_files import Asset, asset, respond
from paywall.problems import NOT_FOUND, Problem
from paywall.tokens.guard import anyone
from paywall.web.page import page_of

CODES = frozenset(kind.code for kind in problems.ALL)
HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


class Docs(NamedTuple):
    """The contract's files, each compressed once."""

    contract: Asset
    page: Asset
    style: Asset
    script: Asset


@lru_cache(maxsize=1)
def docs_of(app: Litestar) -> Docs:
    """Made once for a process: it takes half a second, for which nobody else is served."""
    contract, folder = document(app), files("paywall.web")
    return Docs(
        contract=asset(msgspec.json.encode(contract), "application/json"),
        page=asset(page_of(contract).encode(), "text/html"),
        style=asset(folder.joinpath("docs.css").read_bytes(), "text/css"),
        script=asset(folder.joinpath("docs.js").read_bytes(), "text/javascript"),
    )


@get("/openapi.json", guards=[anyone], include_in_schema=False, sync_to_thread=False)
def openapi_json(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The contract as OpenAPI 3.1."""
    return respond(request, docs_of(request.app).contract, HEADERS)


@get("/docs", guards=[anyone], include_in_schema=False, sync_to_thread=False)
def docs(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The contract as a page: it needs no script, and loads nothing from elsewhere."""
    return respond(request, docs_of(request.app).page, HEADERS)


@get("/docs.css", guards=[anyone], include_in_schema=False, sync_to_thread=False)
def docs_css(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The page's style sheet."""
    return respond(request, docs_of(request.app).style, HEADERS)


@get("/docs.js", guards=[anyone], include_in_schema=False, sync_to_thread=False)
def docs_js(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The page's script, for search and copying."""
    return respond(request, docs_of(request.app).script, HEADERS)


@get("/problems/{code:str}", guards=[anyone], include_in_schema=False, sync_to_thread=False)
def explain_problem(code: FromPath[str]) -> Redirect:
    """Where the `type` of a problem leads."""
    if code not in CODES:
        raise Problem(NOT_FOUND)
    return Redirect(f"/docs#problem-{code}", status_code=303, headers=HEADERS)


ROUTES: list[ControllerRouterHandler] = [openapi_json, docs, docs_css, docs_js, explain_problem]
