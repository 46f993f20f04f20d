"""A check is answered as any request is, however its bytes come and whatever comes with them."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send
from prometheus_client import REGISTRY

from paywall.http.deadline import Deadline
from paywall.http.edge import Edge
from paywall.server import connection
from paywall.server.fast_check import CHECK_BODY_BYTES_MAX
from paywall.server.messages import CHECK_HEAD_BYTES_MAX
from tests.conftest import Bearer
from tests.server.wire import Client, Wire, question
from tests.test_story import check, grant, put_article

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
BODY = b'{"article_id":"a1"}'
OTHER = b'{"article_id":"a2"}'
ALIVE = b"GET /livez HTTP/1.1\r\nHost: paywall.test\r\n\r\n"


@pytest.fixture
async def client(
    service: httpx.AsyncClient, port: tuple[Wire, int], bearer: Bearer
) -> AsyncIterator[Client]:
    """One connection to a service that knows the token, and two articles that differ in cost."""
    for n in (1, 2):
        await put_article(service, bearer, f"a{n}", policy="premium", unlock_cost=n)
    await check(service, bearer, "a1")
    async with Client(port[1]) as it:
        yield it


@pytest.fixture
def only_the_short_way(client: Client, edge: Edge) -> Client:
    """The same connection, when nothing answers any more but the short way."""
    edge.app = nowhere
    return client


def unlock_of(bearer: Bearer) -> bytes:
    """A reader's request to unlock the first article."""
    token = bearer.reader("ann")["Authorization"]
    body = '{"article_id":"a1","max_cost":1}'
    return (
        "POST /v1/me/unlocks HTTP/1.1\r\nHost: paywall.test\r\nContent-Type: application/json\r\n"
        f"Authorization: {token}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


async def nowhere(_scope: object, _receive: object, _send: object) -> None:
    raise AssertionError("this check did not take the short way")


async def costs(client: Client, answers: int) -> list[int]:
    return [(await client.answer()).body["unlock_cost"] for _ in range(answers)]


async def test_a_check_comes_in_any_pieces(only_the_short_way: Client, bearer: Bearer) -> None:
    client, asked = only_the_short_way, question(bearer, OTHER)
    behind_the_head = len(asked) - len(OTHER)
    for cut in (len(asked), behind_the_head, behind_the_head + 1, len(asked) - 1):
        client.send(asked[:cut])
        await client.is_sent()
        client.send(asked[cut:])
        assert await costs(client, 1) == [2]


async def test_a_check_cut_within_its_head_is_answered(client: Client, bearer: Bearer) -> None:
    asked = question(bearer, OTHER)
    for cut in (1, 20, 100, len(asked) - len(OTHER) - 1):
        client.send(asked[:cut])
        await client.is_sent()
        client.send(asked[cut:])
        assert await costs(client, 1) == [2]


async def test_both_ways_answer_with_the_same_headers(client: Client, bearer: Bearer) -> None:
    client.send(question(bearer, BODY))
    short = await client.answer()
    client.send(question(bearer, BODY, "X: 1", "X: 2"))
    long = await client.answer()
    assert short.headers.pop("x-request-id") != long.headers.pop("x-request-id")
    assert short == long


@pytest.mark.parametrize("writes", ["one write", "many writes"])
async def test_what_comes_behind_a_check_is_answered_behind_it(
    client: Client, port: tuple[Wire, int], bearer: Bearer, writes: str
) -> None:
    requests = [question(bearer, BODY), question(bearer, OTHER), ALIVE, question(bearer, BODY)]
    if writes == "one write":
        client.send(b"".join(requests))
    else:
        await client.is_connected(port[0])
        for request in requests:
            # The loop does nothing in between: each comes while the first is under way.
            port[0].connections[-1].data_received(request)
    assert await costs(client, 2) == [1, 2]
    assert (await client.answer()).status == 200
    assert await costs(client, 1) == [1]


async def test_a_check_behind_another_request_waits_for_its_answer(
    client: Client, port: tuple[Wire, int], bearer: Bearer, edge: Edge
) -> None:
    goes_on, router = asyncio.Event(), edge.app

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await goes_on.wait()
        await router(scope, receive, send)

    edge.app = slow
    await client.is_connected(port[0])
    for request in (ALIVE, question(bearer, OTHER)):
        port[0].connections[-1].data_received(request)
    await client.is_sent()
    goes_on.set()
    assert "unlock_cost" not in (await client.answer()).body
    assert await costs(client, 1) == [2]


async def test_a_check_within_a_body_is_no_request(client: Client, bearer: Bearer) -> None:
    """Whoever asks through somebody else's connection must not slip a request of his own in."""
    within = question(bearer, BODY)
    outer = question(bearer, within, "X-Padding: 1", line="POST /v1/access/body HTTP/1.1")
    client.send(outer[: -len(within)])
    await client.is_sent()
    client.send(within)
    assert (await client.answer()).status == 400
    client.send(ALIVE)
    assert "unlock_cost" not in (await client.answer()).body


async def test_a_check_within_a_body_that_nobody_read_is_no_request(
    client: Client, bearer: Bearer
) -> None:
    within = question(bearer, BODY)
    outer = question(bearer, within, line="POST //nowhere HTTP/1.1")
    client.send(outer[: -len(within)])
    assert (await client.answer()).status == 404
    client.send(within)
    await client.is_sent()
    client.send(ALIVE)
    assert "unlock_cost" not in (await client.answer()).body


async def test_a_check_that_does_not_come_whole_is_refused_in_time(
    client: Client, bearer: Bearer, edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CHECK_COMPLETE_WITHIN_SECONDS", 0)
    monkeypatch.setattr(edge, "deadline", Deadline(0))
    client.send(question(bearer, BODY)[:-1])
    assert (await client.answer()).status == 503


@pytest.mark.parametrize(
    "body", [b" " * (CHECK_BODY_BYTES_MAX + 1), b"{" * CHECK_HEAD_BYTES_MAX * 2]
)
async def test_what_is_too_long_for_a_check_is_not_waited_for(
    client: Client, bearer: Bearer, edge: Edge, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    monkeypatch.setattr(edge, "deadline", Deadline(0))
    client.send(question(bearer, body)[:-1])
    assert (await client.answer()).status == 503


async def test_a_client_that_wants_no_more_is_told_and_let_go(
    only_the_short_way: Client, bearer: Bearer
) -> None:
    client = only_the_short_way
    client.send(question(bearer, BODY, "Connection: close"))
    answer = await client.answer()
    assert answer.headers["connection"] == "close"
    assert answer.body["unlock_cost"] == 1
    assert await client.read_to_end() == b""


async def test_a_server_that_stops_answers_what_is_under_way(
    client: Client, port: tuple[Wire, int], bearer: Bearer
) -> None:
    await client.is_connected(port[0])
    served = port[0].connections[-1]
    served.data_received(question(bearer, OTHER))
    served.shutdown()
    answer = await client.answer()
    assert answer.headers["connection"] == "close"
    assert answer.body["unlock_cost"] == 2
    assert await client.read_to_end() == b""


async def test_a_server_that_stops_closes_an_idle_connection(
    client: Client, port: tuple[Wire, int], bearer: Bearer
) -> None:
    client.send(question(bearer, BODY))
    await client.answer()
    port[0].connections[-1].shutdown()
    assert await client.read_to_end() == b""


async def test_a_client_that_goes_leaves_the_service_well(
    client: Client,
    port: tuple[Wire, int],
    service: httpx.AsyncClient,
    bearer: Bearer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await client.is_connected(port[0])
    served = port[0].connections[-1]
    served.data_received(question(bearer, OTHER))
    served.transport.abort()
    assert (await check(service, bearer, "a1"))["unlock_cost"] == 1
    assert [it for it in caplog.records if it.levelname in {"WARNING", "ERROR"}] == []


async def test_what_follows_a_head_request_on_its_connection_is_kept(
    service: httpx.AsyncClient, client: Client, bearer: Bearer
) -> None:
    await grant(service, bearer, "ann", 3)
    client.send(ALIVE.replace(b"GET", b"HEAD") + unlock_of(bearer))
    await client.head()
    assert (await client.answer()).status == 201
    kept = await service.get("/v1/subscribers/ann/unlocks", headers=bearer.site())
    assert [it["article_id"] for it in kept.json()["items"]] == ["a1"]


async def test_what_comes_after_a_head_request_that_read_on_is_kept(
    service: httpx.AsyncClient, client: Client, bearer: Bearer, edge: Edge
) -> None:
    """To read on after a pause, asyncio's own loop keeps the context of whoever asked for it."""
    router = edge.app

    async def reads_first(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and scope["method"] == "GET":
            await receive()
        await router(scope, receive, send)

    await put_article(service, bearer, "metered", policy="metered")
    await grant(service, bearer, "ann", 3)
    edge.app = reads_first
    client.send(ALIVE.replace(b"GET", b"HEAD") + ALIVE)
    await client.head()
    assert (await client.answer()).status == 200
    view = b'{"article_id":"metered","visitor_id":"v","count_view":true}'
    client.send(question(bearer, view))
    assert (await client.answer()).body["meter"]["used"] == 1
    client.send(question(bearer, view.replace(b"true", b"false")))
    assert (await client.answer()).body["meter"]["used"] == 1
    client.send(unlock_of(bearer))
    assert (await client.answer()).status == 201
    kept = await service.get("/v1/subscribers/ann/unlocks", headers=bearer.site())
    assert [it["article_id"] for it in kept.json()["items"]] == ["a1"]


async def test_methods_that_strangers_invent_are_counted_as_one(
    service: httpx.AsyncClient,
) -> None:
    """Each name of its own would be kept for ever."""
    for n in range(3):
        assert (await service.request(f"BREW{n}", "/livez")).status_code == 405
    counted = [it for metric in REGISTRY.collect() for it in metric.samples]
    methods = {it.labels["method"] for it in counted if "method" in it.labels}
    assert "(other)" in methods
    assert not {method for method in methods if method.startswith("BREW")}
