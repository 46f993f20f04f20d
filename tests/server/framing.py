"""A second reading of RFC 9112: where each request in a stream of bytes ends, in the plainest way.

It shares nothing with the service or its libraries. Where the RFC leaves the choice between reading
and refusing, it refuses.
"""

import re
from typing import NamedTuple

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
REQUEST_LINE = re.compile(rb"(%b) (/[\x21\x22\x24-\x7e]*) HTTP/(1\.[01])" % TOKEN)
FIELD_LINE = re.compile(
    rb"(%b):[ \t]*((?:[^\x00-\x08\x0a-\x1f\x7f]*[^\x00-\x20\x7f])?)[ \t]*" % TOKEN
)
HOST = re.compile(rb"[!$&'()*+,;=%:._~0-9A-Za-z\[\]-]*")
CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,20})(;[^\x00-\x08\x0a-\x1f\x7f]*)?[ \t]*")
NO_LINE_END = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n|$)|(?<!\r)\n", re.DOTALL)


class Read(NamedTuple):
    """A request that is whole."""

    method: bytes
    target: bytes
    body: bytes


class Reading(NamedTuple):
    """The whole requests of a stream, and how it goes on behind them.

    `is_refused`: what follows them is no request. `is_closed`: nothing is read behind them.
    """

    requests: list[Read]
    is_refused: bool = False
    is_closed: bool = False


class RefusedError(Exception):
    """No request of HTTP/1.1."""


class IncompleteError(Exception):
    """The rest has not come yet."""


def read(stream: bytes) -> Reading:
    """All requests of a stream of which nothing more comes."""
    requests: list[Read] = []
    at = 0
    while True:
        try:
            request, closes, at = _request(stream, at)
        except IncompleteError:
            return Reading(requests)
        except RefusedError:
            return Reading(requests, is_refused=True, is_closed=True)
        requests.append(request)
        if closes:
            return Reading(requests, is_closed=True)


def _request(stream: bytes, at: int) -> tuple[Read, bool, int]:
    while stream.startswith(b"\r\n", at):
        at += 2
    lines, at = _lines(stream, at)
    parts = REQUEST_LINE.fullmatch(lines[0])
    if parts is None:
        raise RefusedError
    fields = _fields(lines[1:])
    version = parts[3]
    hosts = fields.get(b"host", [])
    if len(hosts) > 1 or (version == b"1.1" and not hosts) or not all(map(HOST.fullmatch, hosts)):
        raise RefusedError
    body, at = _body(stream, at, fields, version)
    connection = b",".join(fields.get(b"connection", [])).lower().split(b",")
    closes = version == b"1.0" or b"close" in [option.strip() for option in connection]
    return Read(parts[1], parts[2], body), closes, at


def _lines(stream: bytes, at: int) -> tuple[list[bytes], int]:
    """Lines up to an empty one."""
    end = stream.find(b"\r\n\r\n", at)
    section = stream[at:] if end < 0 else stream[at : end + 4]
    if NO_LINE_END.search(section) or b"\r\n " in section or b"\r\n\t" in section:
        raise RefusedError
    if end < 0:
        raise IncompleteError
    return stream[at:end].split(b"\r\n"), end + 4


def _fields(lines: list[bytes]) -> dict[bytes, list[bytes]]:
    fields: dict[bytes, list[bytes]] = {}
    for line in lines:
        field = FIELD_LINE.fullmatch(line)
        if field is None:
            raise RefusedError
        fields.setdefault(field[1].lower(), []).append(field[2])
    return fields


def _body(
    stream: bytes, at: int, fields: dict[bytes, list[bytes]], version: bytes
) -> tuple[bytes, int]:
    """The body by RFC 9112 §6.3."""
    codings, lengths = fields.get(b"transfer-encoding"), fields.get(b"content-length")
    if codings is not None:
        if [coding.lower() for coding in codings] != [b"chunked"] or lengths or version == b"1.0":
            raise RefusedError
        return _chunks(stream, at)
    if lengths is None:
        return b"", at
    named = {length.strip(b" \t") for line in lengths for length in line.split(b",")}
    length = named.pop()
    if named or not re.fullmatch(rb"[0-9]{1,20}", length):
        raise RefusedError
    return _exactly(stream, at, int(length))


def _chunks(stream: bytes, at: int) -> tuple[bytes, int]:
    body = b""
    while True:
        line, at = _line(stream, at)
        size = CHUNK_LINE.fullmatch(line)
        if size is None:
            raise RefusedError
        length = int(size[1], 16)
        if length == 0:
            break
        chunk, at = _exactly(stream, at, length)
        body += chunk
        if not b"\r\n".startswith(stream[at : at + 2]):
            raise RefusedError
        _, at = _exactly(stream, at, 2)
    if stream.startswith(b"\r\n", at):
        return body, at + 2
    trailers, at = _lines(stream, at)
    if {b"content-length", b"transfer-encoding"} & _fields(trailers).keys():
        raise RefusedError
    return body, at


def _line(stream: bytes, at: int) -> tuple[bytes, int]:
    end = stream.find(b"\r\n", at)
    if end < 0:
        raise IncompleteError
    return stream[at:end], end + 2


def _exactly(stream: bytes, at: int, length: int) -> tuple[bytes, int]:
    if len(stream) < at + length:
        raise IncompleteError
    return stream[at : at + length], at + length
