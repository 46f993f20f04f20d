"""Which heads are plain: all that is asked of the others is the server's to judge."""

import pytest

from paywall.http.message import HEAD_BYTES_MAX, plain_head

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
        HEAD + b"\r\nX: " + b"x" * HEAD_BYTES_MAX,
        LINE + b"\r\nContent-Length: +5",
        LINE + b"\r\nContent-Length: 5, 5",
        LINE + b"\r\nContent-Length: ",
    ],
)
def test_any_other_head_is_left_to_the_server(head: bytes) -> None:
    assert plain_head(head) is None
