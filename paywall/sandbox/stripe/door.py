"""Stripe's API over HTTP: an ASGI application, since a planned fault breaks the connection."""

from litestar.types import HTTPScope, Receive, Send

from paywall.sandbox.stripe.answers import Answer
from paywall.sandbox.stripe.faults import ConnectionLost, NoAnswer
from paywall.sandbox.stripe.running import Running

BODY_BYTES_MAX = 1_000_000


async def answer_api(running: Running, scope: HTTPScope, receive: Receive, send: Send) -> None:
    """Answer one request under `/v1/`."""
    form = await _body(receive) if scope["method"] == "POST" else scope["query_string"].decode()
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    running.keep_up()
    try:
        answer = running.stand_in.answer(scope["method"], scope["path"], form, headers)
    except ConnectionLost:
        await _break_off(send)
        return
    except NoAnswer:
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    finally:
        running.news.set()
    await _send(send, answer)


async def _body(receive: Receive) -> str:
    body = b""
    more = True
    while more and len(body) <= BODY_BYTES_MAX:
        message = await receive()
        if message["type"] != "http.request":
            break
        body += message["body"]
        more = message["more_body"]
    return body.decode("utf-8", "replace")


async def _send(send: Send, answer: Answer) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    length = (b"content-length", b"%d" % len(answer.body))
    await send(
        {"type": "http.response.start", "status": answer.status, "headers": [*headers, length]}
    )
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})


async def _break_off(send: Send) -> None:
    """Promise a byte and end without it: the server then closes the connection."""
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]}
    )
