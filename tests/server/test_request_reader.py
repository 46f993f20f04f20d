"""Bytes that come one at a time cost work in proportion to their number."""

from collections.abc import Callable

import h11
import pytest

from paywall.server.request_reader import HEAD_BYTES_MAX, TRAILER_BYTES_MAX, RequestReader
from tests.cost import assert_linear

HEAD = b"POST /livez HTTP/1.1\r\nHost: x\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
FIELDS = 90
STREAMS: dict[str, tuple[Callable[[int], bytes], int]] = {
    "a long field": (lambda size: HEAD + b"A: " + b"x" * size, HEAD_BYTES_MAX - 64),
    "many fields": (lambda size: HEAD + field(size // FIELDS) * FIELDS, HEAD_BYTES_MAX - 64),
    "empty lines": (lambda size: b"\r\n" * (size // 2), HEAD_BYTES_MAX),
    "a chunk's line": (lambda size: CHUNKED + b"1;" + b"x" * size, TRAILER_BYTES_MAX - 64),
    "trailers": (
        lambda size: CHUNKED + b"0\r\n" + field(size // FIELDS) * FIELDS,
        TRAILER_BYTES_MAX - 64,
    ),
    "chunks": (lambda size: CHUNKED + b"1\r\nx\r\n" * (size // 6), HEAD_BYTES_MAX // 2),
    "a body": (lambda size: HEAD + b"Content-Length: 99999\r\n\r\n" + b"x" * size, HEAD_BYTES_MAX),
}


def field(size: int) -> bytes:
    return b"A: ".ljust(size - 2, b"x") + b"\r\n"


def read_in_single_bytes(stream: bytes) -> None:
    refusals: list[h11.RemoteProtocolError] = []
    reader = RequestReader(refusals.append)
    for at in range(len(stream)):
        reader.receive_data(stream[at : at + 1])
        while reader.next_event() not in (h11.NEED_DATA, h11.PAUSED):
            pass
    assert refusals == []


@pytest.mark.parametrize("name", STREAMS)
def test_single_bytes_cost_work_in_proportion_to_their_number(name: str) -> None:
    stream, bytes_max = STREAMS[name]
    sizes = [bytes_max // 8, bytes_max // 4, bytes_max // 2, bytes_max]
    assert_linear(lambda size: lambda: read_in_single_bytes(stream(size)), sizes)
