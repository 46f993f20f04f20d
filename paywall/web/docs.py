"""The contract for machines (`/openapi.json`) and for people (`/docs`)."""

from functools import lru_cache
from importlib.resources import files
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from paywall import problems
from paywall.contract.document import document
from paywall.problems import NOT_FOUND, Problem
from paywall.tokens.guard import anyone
from paywall.web.page import page_of

CODES = frozenset(kind.code for kind in problems.ALL)
HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


@get("/openapi.json", guards=[anyone], include_in_schema=False, sync_to_thread=False)
def openapi_json(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The contract as OpenAPI 3.1."""
    return Response(_document(request.app), media_type="application/json", headers=HEADERS)


@get("/docs", guards=[anyone], include_in_schema=False, sync_to_thread=False)
def docs(request: Request[Any, Any, Any]) -> Response[str]:
    """The contract as a page: no script, nothing from elsewhere."""
    return Response(_page(request.app), media_type="text/html", headers=HEADERS)


@get("/docs.css", guards=[anyone], include_in_schema=False, sync_to_thread=False)
def docs_css() -> Response[str]:
    """The page's style sheet."""
    css = files("paywall.web").joinpath("docs.css").read_text("utf-8")
    return Response(css, media_type="text/css", headers=HEADERS)


@get("/problems/{code:str}", guards=[anyone], include_in_schema=False, sync_to_thread=False)
def explain_problem(code: FromPath[str]) -> Redirect:
    """Where the `type` of a problem leads."""
    if code not in CODES:
        raise Problem(NOT_FOUND)
    return Redirect(f"/docs#problem-{code}", status_code=303, headers=HEADERS)


@lru_cache(maxsize=1)
def _document(app: Litestar) -> bytes:
    return msgspec.json.encode(document(app))


@lru_cache(maxsize=1)
def _page(app: Litestar) -> str:
    return page_of(document(app))


ROUTES: list[ControllerRouterHandler] = [openapi_json, docs, docs_css, explain_problem]
