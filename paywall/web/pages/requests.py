"""What every plain page does with a request: find the session and its reader, and show failures."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response
from litestar.response import Redirect
from litestar.status_codes import HTTP_401_UNAUTHORIZED, HTTP_403_FORBIDDEN

from paywall.database.engine import Database
from paywall.http.bodies import ResponseModel
from paywall.http.cookies import find_cookie
from paywall.http.edge import as_problem
from paywall.problems import INVALID_TOKEN, Problem
from paywall.rules.client_address import client_address, parse_network
from paywall.settings import Settings
from paywall.tokens.caller import Caller, TokenKind
from paywall.tokens.guard import authenticate
from paywall.tokens.verify import Verifier
from paywall.tokens.write_limits import WriteLimits
from paywall.web.pages.form import read_form
from paywall.web.pages.rendering import PageRenderer
from paywall.web.pages.session import COOKIE, COOKIE_BYTES_MAX, PageSession, decode_session

AnyRequest = Request[Any, Any, Any]
# A page, or the way to one.
Page = Response[str] | Redirect
ModelT = TypeVar("ModelT", bound=ResponseModel)
# The proxies that a request can have come through.
FORWARDED_MAX = 20
# The text that a reader gets for a problem; any other problem gets "failed".
MESSAGES = {
    "unavailable": "unreachable",
    "rate_limited": "unreachable",
    "article_unknown": "not_to_be_had",
    "no_subscription": "no_subscription",
    "subscription_unknown": "no_subscription",
    "subscription_ended": "cancelled_now",
    "already_subscribed": "subscribed_already",
    "payment_pending": "payment_pending",
    "no_billing": "no_billing",
    "withdrawal_lost": "withdrawal_lost",
    "withdrawal_over": "withdrawal_over",
    "not_withdrawable": "not_withdrawable",
}


class SessionOver(Exception):  # noqa: N818 (a state of things, shown to a reader)
    """There is no cookie, or the form was not made for it."""


def session_of(request: AnyRequest) -> PageSession | None:
    cookie = find_cookie(request.scope["headers"], COOKIE, bytes_max=COOKIE_BYTES_MAX)
    return decode_session(cookie or "")


def page_of(request: AnyRequest, settings: Settings) -> PageRenderer:
    return PageRenderer(request, settings, session_of(request))


async def form_of(request: AnyRequest, page: PageRenderer) -> Mapping[str, str]:
    """The fields of a form that we made for this session; raises SessionOver for any other."""
    fields = await read_form(request)
    if page.session is None or not page.session.has_made(fields.get("form_token", "")):
        raise SessionOver
    return fields


async def page_of_reader(request: AnyRequest, settings: Settings) -> tuple[PageRenderer, Caller]:
    """A page and its reader; `refuse_revoked` is still to be called, within the reading.

    Raises SessionOver, or Problem for an invalid token.
    """
    page = page_of(request, settings)
    return page, await verify_reader(request, page)


async def verify_reader(request: AnyRequest, page: PageRenderer) -> Caller:
    """The reader of a page, as `page_of_reader`."""
    if page.session is None:
        raise SessionOver
    verifier: Verifier = request.app.state.verifier
    return await verifier.verify(page.session.token, TokenKind.READER)


async def authenticate_reader(
    request: AnyRequest, page: PageRenderer, database: Database
) -> Caller:
    """The reader of the session, before a change. Raises as `verify_reader` does."""
    if page.session is None:
        raise SessionOver
    verifier: Verifier = request.app.state.verifier
    caller = await authenticate(verifier, database, page.session.token, TokenKind.READER)
    limits: WriteLimits = request.app.state.write_limits
    limits.count(caller)
    return caller


def address_of_client(request: AnyRequest, settings: Settings) -> str:
    """By which sign-ins are counted."""
    peer = request.client.host if request.client else ""
    values = request.headers.getall("x-forwarded-for", [])
    forwarded = [text for value in values for text in value.split(",")][-FORWARDED_MAX:]
    trusted = [network for it in settings.trusted_proxies if (network := parse_network(it))]
    return client_address(peer, forwarded, trusted)


async def find_reader(request: AnyRequest, session: PageSession | None) -> Caller | None:
    """The reader of a session; None where its token is invalid."""
    if session is None:
        return None
    verifier: Verifier = request.app.state.verifier
    try:
        return await verifier.verify(session.token, TokenKind.READER)
    except Problem as problem:
        if problem.kind is not INVALID_TOKEN:
            raise
        return None


def content_of(response: Response[Any], model: type[ModelT]) -> ModelT:
    """The response of an API handler as its model; a stored one is encoded already."""
    content = response.content
    return content if isinstance(content, model) else msgspec.json.decode(content, type=model)


def render_failure(page: PageRenderer, error: Exception) -> Response[str]:
    """A session whose token is invalid is over; every other problem gets a message."""
    if isinstance(error, SessionOver):
        return page.render_over()
    problem = as_problem(error)
    if problem.kind.status in (HTTP_401_UNAUTHORIZED, HTTP_403_FORBIDDEN):
        return page.render_over()
    message = MESSAGES.get(problem.kind.code, "failed")
    return page.render_message(message, int(problem.kind.status), problem.headers)
