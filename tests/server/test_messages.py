"""Which heads are plain: all that is asked of the others is the server's to judge."""

import random

import h11
import pytest

from paywall.server.messages import CHECK_HEAD_BYTES_MAX, plain_head
from paywall.server.request_reader import RequestReader

LINE = b"POST /v1/access/check HTTP/1.1"
HEAD = LINE + b"\r\nHost: a\r\nContent-Length: 5"


def test_a_plain_head_is_read() -> None:
    head = plain_head(HEAD + b"\r\nX-Site:  one\r\nCONNECTION: Close")
    assert head is not None
    assert (head.body_bytes, head.closes) == (5, True)
    assert head.headers[b"x-site"] == b"one"
    alive = plain_head(HEAD + b"\r\nConnection: keep-alive")
    assert alive is not None
    assert not alive.closes


@pytest.mark.parametrize(
    "head",
    [
        LINE,
        HEAD + b"\r\nContent-Length: 5",
        HEAD + b"\r\nX: 1\r\nx: 1",
        HEAD + b"\r\nTransfer-Encoding: chunked",
        HEAD + b"\r\nTransfer-Encoding: identity",
        HEAD + b"\r\nExpect: 100-continue",
        HEAD + b"\r\nConnection: upgrade\r\nUpgrade: h2c",
        HEAD + b"\r\nUpgrade: h2c",
        HEAD + b"\r\nConnection: close, x",
        HEAD + b"\r\nX : 1",
        HEAD + b"\r\nX: 1\r\n folded",
        HEAD + b"\r\nX: \x00",
        HEAD + b"\nX: 1",
        HEAD + b"\r\nX: 1\r",
        HEAD + b"\r\nX: 1\rY: 2",
        HEAD + b"\r\nHost: a b",
        LINE + b"\r\nContent-Length: 5",
        HEAD + b"\r\nno colon",
        HEAD + b"\r\nX: " + b"x" * CHECK_HEAD_BYTES_MAX,
        LINE + b"\r\nContent-Length: +5",
        LINE + b"\r\nContent-Length: 5, 5",
        LINE + b"\r\nContent-Length: ",
    ],
)
def test_any_other_head_is_left_to_the_server(head: bytes) -> None:
    assert plain_head(head) is None


FIELDS = [
    b"Host: y", b"content-length: 5", b"Content-Length: 05", b"Content-Length:\t3 ", b"A:", b"A: b",
    b"Content-Length: 9, 9", b"Connection: close", b"Connection: Keep-Alive",
    b"Connection: x, close", b"Expect: 100-continue", b"Transfer-Encoding: chunked", b"Upgrade: x",
    b" x", b"A: \xff",
]  # fmt: skip
BYTES = b"\r\n\t :,\x00\x0b\x1c\x7f\x80\x85\xa0a5"
HEADS = 5_000
BODY = b"12345"


def test_a_plain_head_is_read_as_the_server_reads_it() -> None:
    """Whichever of the two reads a check: it has the same headers, and ends at the same byte."""
    chance = random.Random(9110)
    plain = 0
    refused: list[Exception] = []
    for _ in range(HEADS):
        head = b"\r\n".join([HEAD, *chance.choices(FIELDS, k=chance.randint(0, 2))])
        if chance.random() < 0.5:
            at = chance.randint(len(LINE) + 2, len(head))
            head = head[:at] + bytes([chance.choice(BYTES)]) + head[at + chance.randint(0, 1) :]
        mine = plain_head(head) if b"\r\n\r\n" not in head else None
        if mine is None or mine.body_bytes > len(BODY):
            continue
        plain += 1
        reader = RequestReader(refused.append)
        reader.receive_data(head + b"\r\n\r\n" + BODY)
        request = reader.next_event()
        assert refused == []
        assert isinstance(request, h11.Request)
        assert list(request.headers) == list(mine.headers.items())
        received = b""
        while isinstance(event := reader.next_event(), h11.Data):
            received += event.data
        assert received == BODY[: mine.body_bytes]
        assert (reader.their_state is h11.MUST_CLOSE) == mine.closes
    assert plain > HEADS / 10
