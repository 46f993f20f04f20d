"""Requests and answers as bytes, where they are plain (RFC 9112)."""

from collections.abc import Mapping
from functools import cache, lru_cache
from http import HTTPStatus

import httptools
import msgspec

from paywall import problems
from paywall.http.edge import HEADERS_OF_V1
from paywall.problems import Problem

END = b"\r\n\r\n"
REMEMBERED_MAX = 1024
"""A client sends the same head again and again; to look one up costs a twentieth of reading it."""
HEAD_BYTES_MAX = 8192
LENGTH_DIGITS_MAX = 9
CLOSES = {b"": False, b"keep-alive": False, b"close": True}
OF_CONNECTIONS = frozenset({b"expect", b"transfer-encoding", b"upgrade"})
"""What asks for more than to read a body of a known length."""


class Head(msgspec.Struct, frozen=True, gc=False):
    """What is in the head of a request with a body of `body_bytes`; names are in lower case."""

    headers: Mapping[bytes, bytes]
    body_bytes: int
    closes: bool


@lru_cache(maxsize=REMEMBERED_MAX)
def plain_head(head: bytes) -> Head | None:
    """The head, without its END, of a request whose body follows as it is; None for any other.

    A header that is there twice is never plain: somebody between could have believed the other.
    """
    if len(head) > HEAD_BYTES_MAX:
        return None
    headers = _Headers()
    try:
        httptools.HttpRequestParser(headers).feed_data(head + END)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return None
    named = headers.named
    length = named.get(b"content-length", b"")
    closes = CLOSES.get(named.get(b"connection", b"").lower())
    if headers.has_one_twice or named.keys() & OF_CONNECTIONS or closes is None:
        return None
    if not length.isdigit() or len(length) > LENGTH_DIGITS_MAX:
        return None
    return Head(named, int(length), closes)


class _Headers:
    """Keeps what the parser comes upon."""

    def __init__(self) -> None:
        self.named: dict[bytes, bytes] = {}
        self.has_one_twice = False

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        self.has_one_twice |= name in self.named
        self.named[name] = value


def answer(
    status: int,
    media_type: str,
    body: bytes,
    request_id: str,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """A whole answer of the API, with the headers that each has."""
    more = "".join(f"{name.lower()}: {value}\r\n" for name, value in (headers or {}).items())
    return b"".join(
        (
            _begun(status, media_type),
            b"content-length: %d\r\nx-request-id: %b\r\n" % (len(body), request_id.encode()),
            more.encode(),
            b"\r\n",
            body,
        )
    )


def problem_answer(problem: Problem, request_id: str) -> bytes:
    """The same for a problem."""
    status, body = int(problem.kind.status), problem.encode()
    return answer(status, problems.MEDIA_TYPE, body, request_id, problem.headers)


def closing(answer: bytes) -> bytes:
    """The same answer, which says that it is the last on its connection."""
    return answer.replace(b"\r\n", b"\r\nconnection: close\r\n", 1)


@cache
def _begun(status: int, media_type: str) -> bytes:
    headers = [(b"content-type", media_type.encode()), *HEADERS_OF_V1]
    lines = (b"%b: %b\r\n" % header for header in headers)
    return b"HTTP/1.1 %d %b\r\n" % (status, HTTPStatus(status).phrase.encode()) + b"".join(lines)
