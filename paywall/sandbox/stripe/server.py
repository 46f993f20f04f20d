"""The stand-in over HTTP: Stripe's API under `/v1/`, and pages for a person."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any

from litestar import Litestar, Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ASGIApp, Receive, Scope, Send

from paywall.ending import end
from paywall.sandbox.stripe.checkout_page import pay_checkout, show_checkout
from paywall.sandbox.stripe.desk_page import seconds_of, show_desk, use_desk
from paywall.sandbox.stripe.door import answer_api
from paywall.sandbox.stripe.pages import HEADERS, alert, page
from paywall.sandbox.stripe.portal_page import show_portal, use_portal
from paywall.sandbox.stripe.refusal import Refusal
from paywall.sandbox.stripe.running import Running
from paywall.sandbox.stripe.shapes import Json
from paywall.telemetry import logger

Asking = Request[Any, Any, Any]


@get("/")
async def desk(running: NamedDependency[Running]) -> Response[str]:
    """The bank's desk, with the clock."""
    return show_desk(running)


@post("/")
async def act_on_desk(
    request: Asking, running: NamedDependency[Running]
) -> Response[str] | Redirect:
    """One of the desk's buttons."""
    return use_desk(running, await _form(request))


@get("/checkout/{session_id:str}")
async def checkout(running: NamedDependency[Running], session_id: FromPath[str]) -> Response[str]:
    """The page of a Checkout session."""
    return show_checkout(running.stand_in.account, session_id)


@post("/checkout/{session_id:str}")
async def act_on_checkout(
    request: Asking, running: NamedDependency[Running], session_id: FromPath[str]
) -> Response[str] | Redirect:
    """The payer pays, or tries to."""
    return pay_checkout(running.stand_in.account, session_id, await _form(request))


@get("/portal/{portal_id:str}")
async def portal(running: NamedDependency[Running], portal_id: FromPath[str]) -> Response[str]:
    """The page of a billing portal session."""
    return show_portal(running.stand_in.account, portal_id)


@post("/portal/{portal_id:str}")
async def act_on_portal(
    request: Asking, running: NamedDependency[Running], portal_id: FromPath[str]
) -> Response[str] | Redirect:
    """One of the portal's buttons."""
    return use_portal(running.stand_in.account, portal_id, await _form(request))


@get("/clock")
async def clock(running: NamedDependency[Running]) -> Json:
    """The account's time, which the service follows where `sandbox_clock_url` is set."""
    return _told(running)


@post("/clock/advance", status_code=200)
async def advance_clock(request: Asking, running: NamedDependency[Running]) -> Json:
    """Move the account's clock by the form's `seconds`, and tell of it when all was delivered.

    `undelivered` is how many events the service has not taken even so.
    """
    running.advance(seconds_of(await _form(request)))
    await running.settle()
    return {**_told(running), "undelivered": len(running.stand_in.account.undelivered)}


def _told(running: Running) -> Json:
    return {"now": running.now.isoformat().replace("+00:00", "Z")}


@get("/page.css", sync_to_thread=False)
def page_css() -> Response[str]:
    """The pages' style sheet."""
    css = files("paywall.sandbox.stripe").joinpath("page.css").read_text("utf-8")
    return Response(css, media_type="text/css", headers=HEADERS)


def create_app(running: Running) -> ASGIApp:
    """The application; its lifespan lets the clock go on and delivers the events."""

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncGenerator[None]:
        chore = asyncio.create_task(running.run())
        try:
            yield
        finally:
            await end([chore])

    async def keep_up(_request: Asking) -> None:
        running.keep_up()

    async def tell(_request: Asking) -> None:
        running.news.set()

    pages = Litestar(
        route_handlers=[
            desk,
            act_on_desk,
            checkout,
            act_on_checkout,
            portal,
            act_on_portal,
            clock,
            advance_clock,
            page_css,
        ],
        lifespan=[lifespan],
        before_request=keep_up,
        after_response=tell,
        dependencies={"running": Provide(lambda: running, sync_to_thread=False)},
        exception_handlers={Refusal: _refused, HTTPException: _not_found, Exception: _failed},
        logging_config=None,
        openapi_config=None,
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and scope["path"].startswith("/v1/"):
            await answer_api(running, scope, receive, send)
        else:
            await pages(scope, receive, send)

    return app


async def _form(request: Asking) -> Json:
    return dict(await request.form())


def _refused(_request: Asking, refusal: Refusal) -> Response[str]:
    return page("That cannot be done", alert(str(refusal)), status=refusal.status)


def _not_found(_request: Asking, error: HTTPException) -> Response[str]:
    return page("There is no such page", alert(error.detail), status=error.status_code)


def _failed(_request: Asking, error: Exception) -> Response[str]:
    logger.error("the stand-in failed", exc_info=error)
    return page("The stand-in failed", alert("Its log says why."), status=500)
