"""A client that leaves early, or speaks no HTTP, is no failure of the service's: none is logged."""

import asyncio
import logging
import socket
import struct

import httpx
import pytest

from tests.conftest import Bearer
from tests.server.wire import Wire, question
from tests.test_story import check, put_article

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
# SO_LINGER: close() drops what was not sent, and tells the other side by a reset.
RESETS = struct.pack("ii", 1, 0)
BODY = b'{"article_id":"a1"}'
WHOLE = "a whole request"
NO_HTTP = "no HTTP"


@pytest.mark.parametrize("how", ["reset", "end"])
@pytest.mark.parametrize(
    "sent",
    ["nothing", "half a head", "half a body", "half a check", "a chunk", WHOLE, "a check", NO_HTTP],
)
async def test_whoever_leaves_early_is_not_logged_as_a_failure(
    service: httpx.AsyncClient,
    port: tuple[Wire, int],
    bearer: Bearer,
    caplog: pytest.LogCaptureFixture,
    sent: str,
    how: str,
) -> None:
    await put_article(service, bearer, "a1", policy="free")
    await check(service, bearer, "a1")
    token = bearer.site()["Authorization"].encode()
    head = b"Host: x\r\nAuthorization: %b\r\nContent-Type: application/json\r\n" % token
    put = b"PUT /v1/articles/a2 HTTP/1.1\r\n" + head
    requests = {
        "nothing": b"",
        NO_HTTP: b"\x16\x03\x01 no request",
        "half a head": put,
        "half a body": put + b'Content-Length: 99\r\n\r\n{"title":',
        "half a check": question(bearer, BODY)[:-1],
        "a chunk": put + b'Transfer-Encoding: chunked\r\n\r\n2\r\n{"\r\n',
        WHOLE: put + b'Content-Length: 32\r\n\r\n{"title":"t","policy":"metered"}',
        "a check": question(bearer, BODY),
    }
    client = socket.create_connection(("127.0.0.1", port[1]))
    if how == "reset":
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESETS)
    client.sendall(requests[sent])
    wire = port[0]
    while wire.connections[-1].client != client.getsockname():  # noqa: ASYNC110 (no event)
        await asyncio.sleep(0)
    for _ in range(5):
        await asyncio.sleep(0)
    client.close()
    served = wire.connections[-1]
    while served in wire.state.connections or wire.state.tasks:  # noqa: ASYNC110 (no event)
        await asyncio.sleep(0)
    assert (await check(service, bearer, "a1"))["granted"]
    assert [(it.levelname, it.message) for it in caplog.records if it.levelno > logging.INFO] == []
