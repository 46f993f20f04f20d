"""The stand-in over HTTP: Bakong's API under `/v1/`, and the telephone's pages."""

from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any

from litestar import Litestar, Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.enums import ScopeType
from litestar.params import FromQuery
from litestar.response import Redirect
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from paywall.sandbox.bakong.api import BankResponse, BankSilence, respond
from paywall.sandbox.bakong.bank import StandInBank
from paywall.sandbox.bakong.telephone import HEADERS, pay, show_code, show_codes, switch_fault

BODY_BYTES_MAX = 64 * 1024
CatchUp = Callable[[], Awaitable[None]]
HttpRequest = Request[Any, Any, Any]


@get("/")
async def codes(bank: NamedDependency[StandInBank]) -> Response[str]:
    """The telephone, with the codes that it was shown."""
    return show_codes(bank)


@get("/scan")
async def scan(bank: NamedDependency[StandInBank], qr: FromQuery[str] = "") -> Response[str]:
    """A code that the telephone scans."""
    return show_code(bank, qr)


@post("/pay")
async def submit_payment(
    request: HttpRequest, bank: NamedDependency[StandInBank]
) -> Response[str] | Redirect:
    """Pay a code; `way` is the name of a PaymentWay."""
    form = await request.form()
    return pay(bank, str(form.get("qr", "")), str(form.get("way", "")))


@post("/faults")
async def submit_fault(
    request: HttpRequest, bank: NamedDependency[StandInBank]
) -> Response[str] | Redirect:
    """Switch on the fault of this name, for calls that end with `path`, `times` times."""
    form = await request.form()
    return switch_fault(
        bank,
        str(form.get("fault", "")),
        str(form.get("path", "")),
        str(form.get("times", "")),
    )


@get("/telephone.css", sync_to_thread=False)
def telephone_css() -> Response[str]:
    """The pages' style sheet."""
    css = files("paywall.sandbox.bakong").joinpath("telephone.css").read_text("utf-8")
    return Response(css, media_type="text/css", headers=HEADERS)


def create_app(bank: StandInBank, catch_up: CatchUp | None = None) -> ASGIApp:
    """The application; `catch_up` sets the bank's clock before each page.

    The API is plain ASGI, because a fault leaves the connection open.
    """

    async def before_page(_request: HttpRequest) -> None:
        if catch_up is not None:
            await catch_up()

    pages = Litestar(
        route_handlers=[codes, scan, submit_payment, submit_fault, telephone_css],
        dependencies={"bank": Provide(lambda: bank, sync_to_thread=False)},
        before_request=before_page,
        logging_config=None,
        openapi_config=None,
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and scope["path"].startswith("/v1/"):
            await _serve_api(bank, scope, receive, send)
        else:
            await pages(scope, receive, send)

    return app


async def _serve_api(bank: StandInBank, scope: HTTPScope, receive: Receive, send: Send) -> None:
    body = await _read_body(receive)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    token = headers.get("authorization", "").removeprefix("Bearer ")
    try:
        response = respond(bank, scope["path"], token, body)
    except BankSilence:
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    await _send(send, response)


async def _read_body(receive: Receive) -> bytes:
    body = b""
    while len(body) <= BODY_BYTES_MAX:
        message = await receive()
        if message["type"] != "http.request":
            break
        body += message["body"]
        if not message["more_body"]:
            break
    return body


async def _send(send: Send, response: BankResponse) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(response.body)),
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body, "more_body": False})
