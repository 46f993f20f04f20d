"""Stripe's API over HTTP, as plain ASGI: a planned fault has to break the connection."""

from litestar.types import HTTPScope, Receive, Send

from paywall.sandbox.stripe.api_messages import StandInResponse
from paywall.sandbox.stripe.faults import ConnectionReset, NoResponse
from paywall.sandbox.stripe.runner import StandInRunner

BODY_BYTES_MAX = 1_000_000


async def serve_api_request(
    runner: StandInRunner, scope: HTTPScope, receive: Receive, send: Send
) -> None:
    """Answer one request under `/v1/`."""
    form = (
        await _read_body(receive) if scope["method"] == "POST" else scope["query_string"].decode()
    )
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    runner.catch_up()
    try:
        response = runner.stand_in.respond(scope["method"], scope["path"], form, headers)
    except ConnectionReset:
        await _break_connection(send)
        return
    except NoResponse:
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    finally:
        runner.has_events.set()
    await _send_response(send, response)


async def _read_body(receive: Receive) -> str:
    body = b""
    more = True
    while more and len(body) <= BODY_BYTES_MAX:
        message = await receive()
        if message["type"] != "http.request":
            break
        body += message["body"]
        more = message["more_body"]
    return body.decode("utf-8", "replace")


async def _send_response(send: Send, response: StandInResponse) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in response.headers.items()]
    length = (b"content-length", b"%d" % len(response.body))
    await send(
        {"type": "http.response.start", "status": response.status, "headers": [*headers, length]}
    )
    await send({"type": "http.response.body", "body": response.body, "more_body": False})


async def _break_connection(send: Send) -> None:
    """Announce one byte and send none: the server then closes the connection."""
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]}
    )
