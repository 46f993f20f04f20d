"""Simple requests and responses as bytes (RFC 9112), without the framework."""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from http import HTTPStatus

import h11
import msgspec

from paywall import problems, telemetry
from paywall.http.edge import HEADERS_OF_V1, UNKNOWN, UNROUTED, new_request_id
from paywall.json_log import RequestIds
from paywall.problems import Problem
from paywall.server.request_reader import CRLF, HEADER_FIELDS_MAX, HOST, is_misreadable

# Clients repeat the same head; a cached one costs a twentieth of parsing it.
CACHED_HEADS_MAX = 1024
CHECK_HEAD_BYTES_MAX = 8192
LENGTH = re.compile(rb"[0-9]{1,9}")
FIELD_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
CLOSES = {b"": False, b"keep-alive": False, b"close": True}
# Headers that need more than reading a body of a known length.
UNSUPPORTED_HEADERS = frozenset({b"expect", b"transfer-encoding", b"upgrade"})

KIND_OF_REFUSAL = {
    kind.status: kind
    for kind in (
        problems.TOO_LARGE,
        problems.HEAD_TOO_LARGE,
        problems.NOT_IMPLEMENTED,
        problems.HTTP_VERSION_UNSUPPORTED,
    )
}


class Head(msgspec.Struct, frozen=True, gc=False):
    """The head of a request whose body has `body_bytes`; header names are in lower case."""

    headers: Mapping[bytes, bytes]
    body_bytes: int
    closes: bool


@lru_cache(maxsize=CACHED_HEADS_MAX)
def plain_head(head: bytes) -> Head | None:
    """Parse a head (without its final empty line) of a request with a plain body; else None.

    The caller checks the request line. A repeated header is never accepted here, because a proxy
    could have used the other value.
    """
    if len(head) > CHECK_HEAD_BYTES_MAX or is_misreadable(head + CRLF):
        return None
    headers = _headers(head.split(CRLF)[1:])
    if headers is None or headers.keys() & UNSUPPORTED_HEADERS:
        return None
    length = headers.get(b"content-length", b"")
    closes = CLOSES.get(headers.get(b"connection", b"").lower())
    if closes is None or not LENGTH.fullmatch(length):
        return None
    host = headers.get(b"host")
    if host is None or not HOST.fullmatch(host):
        return None
    return Head(headers, int(length), closes)


def _headers(lines: list[bytes]) -> dict[bytes, bytes] | None:
    """The header fields of these lines; None if one is repeated or invalid."""
    headers: dict[bytes, bytes] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not FIELD_NAME.fullmatch(name):
            return None
        headers[name.lower()] = value.strip(b" \t")
    return headers if len(headers) == len(lines) <= HEADER_FIELDS_MAX else None


def answer(
    status: int,
    media_type: str,
    body: bytes,
    request_id: str,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """A complete response of the API, with the headers that all responses have."""
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
    """A complete response with a problem document."""
    status, body = int(problem.kind.status), problem.encode()
    return answer(status, problems.MEDIA_TYPE, body, request_id, problem.headers)


def refusal_answer(refusal: h11.RemoteProtocolError) -> bytes:
    """The response to input that is not a valid HTTP/1.1 request; it repeats nothing of it."""
    kind = KIND_OF_REFUSAL.get(HTTPStatus(refusal.error_status_hint), problems.MALFORMED)
    detail, _, _ = str(refusal).partition(": b")
    ids = RequestIds(new_request_id())
    telemetry.record_request(
        method=UNKNOWN, route=UNROUTED, status=kind.status, seconds=0.0, ids=ids
    )
    return closing(problem_answer(Problem(kind, detail), ids.request_id))


def closing(answer: bytes) -> bytes:
    """The same response with `Connection: close`."""
    return answer.replace(b"\r\n", b"\r\nconnection: close\r\n", 1)


@cache
def _begun(status: int, media_type: str) -> bytes:
    headers = [(b"content-type", media_type.encode()), *HEADERS_OF_V1]
    lines = (b"%b: %b\r\n" % header for header in headers)
    return b"HTTP/1.1 %d %b\r\n" % (status, HTTPStatus(status).phrase.encode()) + b"".join(lines)
