"""The stand-in over HTTP: Stripe's API under `/v1/`, and its pages."""

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

from paywall.sandbox.stripe.api_server import serve_api_request
from paywall.sandbox.stripe.checkout_page import pay_checkout, show_checkout
from paywall.sandbox.stripe.dashboard_page import parse_seconds, show_dashboard, use_dashboard
from paywall.sandbox.stripe.errors import ApiError
from paywall.sandbox.stripe.invoice_page import pay_invoice, show_invoice
from paywall.sandbox.stripe.objects import Json
from paywall.sandbox.stripe.portal_page import show_portal, use_portal
from paywall.sandbox.stripe.rendering import HEADERS, render_page
from paywall.sandbox.stripe.runner import StandInRunner
from paywall.tasks import cancel_tasks
from paywall.telemetry import logger

HttpRequest = Request[Any, Any, Any]


@get("/")
async def dashboard(runner: NamedDependency[StandInRunner]) -> Response[str]:
    """The dashboard, with the clock."""
    return show_dashboard(runner)


@post("/")
async def submit_dashboard(
    request: HttpRequest, runner: NamedDependency[StandInRunner]
) -> Response[str] | Redirect:
    """One of the dashboard's buttons."""
    return use_dashboard(runner, await _read_form(request))


@get("/checkout/{session_id:str}")
async def checkout(
    runner: NamedDependency[StandInRunner], session_id: FromPath[str]
) -> Response[str]:
    """The page of a Checkout session."""
    return show_checkout(runner.stand_in.account, session_id)


@post("/checkout/{session_id:str}")
async def submit_checkout(
    request: HttpRequest, runner: NamedDependency[StandInRunner], session_id: FromPath[str]
) -> Response[str] | Redirect:
    """The payer submits the Checkout page."""
    return pay_checkout(runner.stand_in.account, session_id, await _read_form(request))


@get("/portal/{portal_id:str}")
async def portal(runner: NamedDependency[StandInRunner], portal_id: FromPath[str]) -> Response[str]:
    """The page of a billing portal session."""
    return show_portal(runner.stand_in.account, portal_id)


@post("/portal/{portal_id:str}")
async def submit_portal(
    request: HttpRequest, runner: NamedDependency[StandInRunner], portal_id: FromPath[str]
) -> Response[str] | Redirect:
    """One of the portal's buttons."""
    return use_portal(runner.stand_in.account, portal_id, await _read_form(request))


@get("/invoice/{invoice_id:str}")
async def invoice(
    runner: NamedDependency[StandInRunner], invoice_id: FromPath[str]
) -> Response[str]:
    """The page of an invoice."""
    return show_invoice(runner.stand_in.account, invoice_id)


@post("/invoice/{invoice_id:str}")
async def submit_invoice(
    runner: NamedDependency[StandInRunner], invoice_id: FromPath[str]
) -> Redirect:
    """The payer pays an invoice."""
    return pay_invoice(runner.stand_in.account, invoice_id)


@get("/clock")
async def clock(runner: NamedDependency[StandInRunner]) -> Json:
    """The account's time, which the service follows where `sandbox_clock_url` is set."""
    return _clock_response(runner)


@post("/clock/advance", status_code=200)
async def advance_clock(request: HttpRequest, runner: NamedDependency[StandInRunner]) -> Json:
    """Move the account's clock by the form's `seconds`, and respond once events are delivered.

    `undelivered` is the number of events that the service has not accepted within ten seconds.
    """
    runner.advance(parse_seconds(await _read_form(request)))
    await runner.wait_until_delivered()
    return {**_clock_response(runner), "undelivered": len(runner.stand_in.account.undelivered)}


def _clock_response(runner: StandInRunner) -> Json:
    return {"now": runner.now.isoformat().replace("+00:00", "Z")}


@get("/page.css", sync_to_thread=False)
def page_css() -> Response[str]:
    """The pages' style sheet."""
    css = files("paywall.sandbox.stripe").joinpath("page.css").read_text("utf-8")
    return Response(css, media_type="text/css", headers=HEADERS)


def create_app(runner: StandInRunner) -> ASGIApp:
    """The application; its lifespan runs the clock and delivers the events."""

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncGenerator[None]:
        task = asyncio.create_task(runner.run())
        try:
            yield
        finally:
            await cancel_tasks([task])

    async def catch_up(_request: HttpRequest) -> None:
        runner.catch_up()

    async def deliver_events(_request: HttpRequest) -> None:
        runner.has_events.set()

    pages = Litestar(
        route_handlers=[
            dashboard,
            submit_dashboard,
            checkout,
            submit_checkout,
            portal,
            submit_portal,
            invoice,
            submit_invoice,
            clock,
            advance_clock,
            page_css,
        ],
        lifespan=[lifespan],
        before_request=catch_up,
        after_response=deliver_events,
        dependencies={"runner": Provide(lambda: runner, sync_to_thread=False)},
        exception_handlers={
            ApiError: _api_error_page,
            HTTPException: _http_error_page,
            Exception: _server_error_page,
        },
        logging_config=None,
        openapi_config=None,
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and scope["path"].startswith("/v1/"):
            await serve_api_request(runner, scope, receive, send)
        else:
            await pages(scope, receive, send)

    return app


async def _read_form(request: HttpRequest) -> Json:
    return dict(await request.form())


def _api_error_page(_request: HttpRequest, error: ApiError) -> Response[str]:
    return render_page("base.html", "Not possible", status=error.status, error=str(error))


def _http_error_page(_request: HttpRequest, error: HTTPException) -> Response[str]:
    return render_page("base.html", "Page not found", status=error.status_code, error=error.detail)


def _server_error_page(_request: HttpRequest, error: Exception) -> Response[str]:
    logger.error("the stand-in failed", exc_info=error)
    return render_page(
        "base.html", "The stand-in failed", status=500, error="The reason is in its log."
    )
