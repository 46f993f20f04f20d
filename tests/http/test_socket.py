"""Over a real socket, byte by byte: what no client library would send, to `paywall serve`."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import PATIENT_SECONDS
from tests.processes import Served, serving

CHUNK = b"10000\r\n" + b" " * 0x10000 + b"\r\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("served")
    with serving(folder) as running:
        yield running


@pytest.fixture(scope="module")
def token(served: Served) -> bytes:
    return served.site_token("admin").encode()


def answer_to(served: Served, *parts: bytes, is_whole: bool = True) -> bytes:
    """Send as long as it is taken, and read as long as there is something; or hang up."""
    host, port = served.address.removeprefix("http://").split(":")
    received = b""
    with socket.create_connection((host, int(port)), timeout=PATIENT_SECONDS) as connection:
        try:
            for part in parts:
                connection.sendall(part)
            if not is_whole:
                return received
        except (BrokenPipeError, ConnectionResetError):
            pass  # answered before all was sent, which is what a limit is for
        try:
            while part := connection.recv(65_536):
                received += part
        except ConnectionResetError:
            pass  # closed with the rest of the request unread
    return received


def request(line: bytes, token: bytes, *headers: bytes) -> bytes:
    known = [b"Host: paywall.test", b"Authorization: Bearer " + token, b"Connection: close"]
    return b"\r\n".join([line, *known, *headers, b"", b""])


def assert_well(served: Served) -> None:
    assert served.get("/readyz").status_code == 200


def test_a_chunked_body_is_refused_before_it_is_read_whole(served: Served, token: bytes) -> None:
    head = request(
        b"POST /v1/access/check HTTP/1.1",
        token,
        b"Content-Type: application/json",
        b"Transfer-Encoding: chunked",
    )
    answer = answer_to(served, head, *([CHUNK] * 64))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"/problems/too_large" in answer
    assert_well(served)


def test_a_length_over_the_limit_is_refused_before_a_byte_comes(
    served: Served, token: bytes
) -> None:
    head = request(
        b"POST /v1/access/check HTTP/1.1",
        token,
        b"Content-Type: application/json",
        b"Content-Length: 999999999",
    )
    assert answer_to(served, head).startswith(b"HTTP/1.1 413 ")
    assert_well(served)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (b"/v1/articles/%ff", 400, b"malformed"),
        (b"/v1/articles/%00", 422, b"invalid_fields"),
        (b"/v1/articles/%", 404, b"article_unknown"),
        (b"/v1/articles/a%2Fb", 404, b"not_found"),
        (b"/v1/articles/..", 422, b"invalid_fields"),
        (b"/v1/articles/%2e%2e", 422, b"invalid_fields"),
        (b"/v1/articles/" + b"a" * 20_000, 422, b"invalid_fields"),
    ],
)
def test_a_raw_path_is_answered_with_a_problem(
    path: bytes, status: int, code: bytes, served: Served, token: bytes
) -> None:
    answer = answer_to(served, request(b"GET " + path + b" HTTP/1.1", token))
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:300]
    assert b"/problems/" + code in answer
    assert_well(served)


NO_REQUEST = {
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "malformed"),
    "a version": (b"GET /readyz HTTP/9.9\r\n\r\n", 505, "http_version_unsupported"),
    "spaces": (b"GET  /readyz\r\n\r\n", 400, "malformed"),
    "a negative length": (
        b"POST /v1/access/check HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        400,
        "malformed",
    ),
    "no host": (b"GET /readyz HTTP/1.1\r\n\r\n", 400, "malformed"),
    "two hosts": (b"GET /readyz HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400, "malformed"),
    "a coding": (
        b"GET /readyz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        501,
        "not_implemented",
    ),
    "a tunnel": (b"CONNECT news.example:443 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "malformed"),
    "a large head": (
        b"GET /livez HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 32_768 + b"\r\n\r\n",
        431,
        "head_too_large",
    ),
}


@pytest.mark.parametrize(("sent", "status", "code"), NO_REQUEST.values(), ids=NO_REQUEST)
def test_invalid_requests_get_a_problem_and_do_no_harm(
    sent: bytes, status: int, code: str, served: Served
) -> None:
    head, _, body = answer_to(served, sent).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"content-type: application/problem+json" in head
    assert b"connection: close" in head
    problem = json.loads(body)
    assert (problem["type"], problem["status"]) == (f"/problems/{code}", status)
    assert "b'" not in problem["detail"]
    assert_well(served)


def test_a_method_that_nobody_knows_is_refused_like_any_other(served: Served) -> None:
    answer = answer_to(served, b"CONNECT /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 405 ")
    assert_well(served)


def test_an_upgrade_is_ignored_and_the_request_answered(served: Served, token: bytes) -> None:
    """Java's client offers HTTP/2 with each request; it is one, whichever way its bytes come."""
    body = b'{"article_id":"a0","reader_id":"r1"}'
    head = request(
        b"POST /v1/access/check HTTP/1.1",
        token,
        b"Connection: Upgrade, HTTP2-Settings",
        b"Content-Length: %d" % len(body),
        b"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
        b"Upgrade: h2c",
        b"User-Agent: Java-http-client/17",
        b"Content-Type: application/json",
    )
    for parts in ((head + body,), (head, body)):
        answer = answer_to(served, *parts)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b'"reason":"article_unknown"' in answer
        assert answer.count(b"HTTP/1.1") == 1


def test_the_body_behind_an_upgrade_is_no_request(served: Served) -> None:
    within = b"GET /v1/offers HTTP/1.1\r\nHost: x\r\nA: 1\r\n\r\n"
    head = b"POST /livez HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: foo\r\n"
    answer = answer_to(served, head + b"Content-Length: %d\r\n\r\n" % len(within), within)
    assert answer.startswith(b"HTTP/1.1 405 ")
    assert answer.count(b"HTTP/1.1") == 1


def test_a_token_over_the_limit_is_refused(served: Served) -> None:
    answer = answer_to(served, request(b"GET /v1/articles HTTP/1.1", b"x" * 30_000))
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert_well(served)


def test_a_caller_who_leaves_in_the_middle_is_no_failure(served: Served, token: bytes) -> None:
    head = request(
        b"POST /v1/access/check HTTP/1.1",
        token,
        b"Content-Type: application/json",
        b"Content-Length: 100",
    )
    answer_to(served, head, b'{"article_id":', is_whole=False)
    assert_well(served)
    assert "internal error" not in served.log.read_text()


def test_head_keeps_the_connection_framed(served: Served) -> None:
    """The response has the length of the body that GET would have, and the next one follows."""
    head = b"HEAD /livez HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = answer_to(
        served, head, head, b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    )
    first, second, last, body = answer.split(b"\r\n\r\n")
    for response in (first, second, last):
        assert response.startswith(b"HTTP/1.1 200 ")
        assert b"content-length: %d" % len(body) in response
    assert body == b'{"status":"alive"}'
