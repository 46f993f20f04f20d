"""The bare server: an ASGI function that reads the body and answers the bytes of a check."""

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

ANSWER = (
    b'{"granted":true,"reason":"subscribed","unlocks_left":0,"unlock_cost":1,"actions":[],'
    b'"meter":null,"access_until":"2026-12-24T12:00:00Z"}'
)
HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", b"%d" % len(ANSWER)),
    (b"x-request-id", b"0123456789abcdef"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
]


def application() -> ASGIApp:
    return answer


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != ScopeType.HTTP:
        return
    message = await receive()
    while message["type"] == "http.request" and message["more_body"]:
        message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER, "more_body": False})
