"""Where a request ends: by RFC 9112, whatever it says of itself, and however its bytes come."""

import random
from collections.abc import Sequence

import pytest

from tests.server.echo import Conversation
from tests.server.framing import Reading, read

CHECK = b"POST /v1/access/check HTTP/1.1\r\n"
HOST = b"Host: x\r\n"
UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
WEBSOCKET = b"Connection: upgrade\r\nUpgrade: websocket\r\n"
SMUGGLED = b"GET /v1/me HTTP/1.1\r\nHost: x\r\nA: 1\r\n\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(SMUGGLED)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"%x\r\n%b\r\n0\r\n" % (len(SMUGGLED), SMUGGLED)
NEXT = b"GET /livez?next=1 HTTP/1.1\r\nHost: x\r\n\r\n"


def post(*headers: bytes, line: bytes = b"POST /a HTTP/1.1\r\n") -> bytes:
    return line + HOST + b"".join(headers) + b"\r\n"


WHOLE = {
    "an upgrade without a body": post(UPGRADE, line=b"GET /a HTTP/1.1\r\n"),
    "an upgrade with a body": post(UPGRADE, LENGTH) + SMUGGLED,
    "an upgrade with chunks": post(UPGRADE, CHUNKED) + CHUNKS + b"\r\n",
    "an upgrade to websockets": post(WEBSOCKET, LENGTH) + SMUGGLED,
    "an upgrade that its Connection does not name": post(b"Upgrade: x\r\n", LENGTH) + SMUGGLED,
    "an upgrade in two Connection fields": post(
        b"Connection: keep-alive\r\nConnection: upgrade\r\nUpgrade: a\r\nUpgrade: b\r\n", LENGTH
    )
    + SMUGGLED,
    "a check with an upgrade": post(UPGRADE, LENGTH, line=CHECK) + SMUGGLED,
    "a check": post(LENGTH, line=CHECK) + SMUGGLED,
    "a check in chunks": post(CHUNKED, line=CHECK) + CHUNKS + b"\r\n",
    "a check without a body": post(b"Content-Length: 0\r\n", line=CHECK),
    "a check without a length": post(line=CHECK),
    "a body": post(LENGTH) + SMUGGLED,
    "a body of a GET": post(LENGTH, line=b"GET /a HTTP/1.1\r\n") + SMUGGLED,
    "a length with zeros and tabs": post(b"Content-Length:\t0%d \r\n" % len(SMUGGLED)) + SMUGGLED,
    "a length twice the same": post(LENGTH, LENGTH) + SMUGGLED,
    "a list of one length": post(b"Content-Length: 3, 3\r\n") + b"abc",
    "extensions of chunks": post(CHUNKED) + b'1;a=b\r\nx\r\n2;c="d"\r\nyz\r\n00;e\r\n\r\n',
    "trailers": post(CHUNKED) + CHUNKS + b"A: 1\r\nHost: y\r\n\r\n",
    "chunks in capitals": post(b"TRANSFER-ENCODING: Chunked\r\n") + b"A\r\n0123456789\r\n0\r\n\r\n",
    "empty lines in front": b"\r\n\r\n" + post(LENGTH) + SMUGGLED + b"\r\n",
    "any method": post(LENGTH, line=b"BREW /a HTTP/1.1\r\n") + SMUGGLED,
    "a body that is expected": post(LENGTH) + SMUGGLED,
    "an empty value": post(b"A:\r\nB: \r\n", LENGTH) + SMUGGLED,
}
LAST = {
    "version 1.0": b"POST /a HTTP/1.0\r\n" + LENGTH + b"\r\n" + SMUGGLED,
    "the client's last": post(b"Connection: close\r\n", LENGTH) + SMUGGLED,
    "the last, with an upgrade": post(b"Connection: close, Upgrade\r\nUpgrade: x\r\n"),
    "the last, a check": post(b"Connection: close\r\n", LENGTH, line=CHECK) + SMUGGLED,
}
REFUSED = {
    "no host": b"GET /a HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /a HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
    "a check without a host": CHECK + LENGTH + b"\r\n" + SMUGGLED,
    "a length and chunks": post(b"Content-Length: 3\r\n", CHUNKED) + CHUNKS + b"\r\n",
    "two lengths": post(b"Content-Length: 3\r\nContent-Length: 4\r\n") + b"abcd",
    "a list of two lengths": post(b"Content-Length: 3, 4\r\n") + b"abcd",
    "a negative length": post(b"Content-Length: -3\r\n") + b"abc",
    "a length with a sign": post(b"Content-Length: +3\r\n") + b"abc",
    "a length in hexadecimal": post(b"Content-Length: 0x3\r\n") + b"abc",
    "an empty length": post(b"Content-Length: \r\n") + b"abc",
    "another coding": post(b"Transfer-Encoding: gzip, chunked\r\n") + CHUNKS + b"\r\n",
    "two codings": post(CHUNKED, b"Transfer-Encoding: identity\r\n") + CHUNKS + b"\r\n",
    "identity": post(b"Transfer-Encoding: identity\r\n") + b"abc",
    "chunks in version 1.0": b"POST /a HTTP/1.0\r\n" + CHUNKED + b"\r\n" + CHUNKS + b"\r\n",
    "a chunk's size that is none": post(CHUNKED) + b"g\r\nx\r\n0\r\n\r\n",
    "a chunk's negative size": post(CHUNKED) + b"-1\r\nx\r\n0\r\n\r\n",
    "a chunk longer than its size": post(CHUNKED) + b"1\r\nxy\r\n0\r\n\r\n",
    "a length in a trailer": post(CHUNKED) + CHUNKS + b"Content-Length: 9\r\n\r\n",
    "a line feed in a trailer": post(CHUNKED) + CHUNKS + b"A: 1\nB: 2\r\n\r\n",
    "a carriage return in an extension": post(CHUNKED) + b"1;\ra\r\nx\r\n0\r\n\r\n",
    "a line feed in an extension": post(CHUNKED) + b"1;\na\r\nx\r\n0\r\n\r\n",
    "a folded field": post(b"A: 1\r\n folded\r\n"),
    "a folded coding": post(b"Transfer-Encoding:\r\n chunked\r\n") + CHUNKS + b"\r\n",
    "a folded first field": b"GET /a HTTP/1.1\r\n A: 1\r\nHost: x\r\n\r\n",
    "a space in front of the colon": post(b"Content-Length : 3\r\n") + b"abc",
    "no colon": post(b"Content-Length\r\n"),
    "a bare line feed": post(b"A: 1\nB: 2\r\n"),
    "lines that end in a line feed": b"GET /a HTTP/1.1\nHost: x\n\n",
    "a bare carriage return": post(b"A: 1\rB: 2\r\n"),
    "a NUL": post(b"A: \0\r\n"),
    "a control character": post(b"A: \x01\r\n"),
    "a check with a bare line feed": post(b"A: 1\n", LENGTH, line=CHECK) + SMUGGLED,
    "version 2.0": b"GET /a HTTP/2.0\r\nHost: x\r\n\r\n",
    "version 1.2": b"GET /a HTTP/1.2\r\nHost: x\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "two spaces": b"GET  /a HTTP/1.1\r\nHost: x\r\n\r\n",
    "no version": b"GET /a\r\nHost: x\r\n\r\n",
    "no method": b"/a HTTP/1.1\r\nHost: x\r\n\r\n",
    "a tab": b"GET\t/a HTTP/1.1\r\nHost: x\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


def known(reading: Reading, conversation: Conversation) -> None:
    """Was exactly this read and answered, each request with its own body?"""
    assert conversation.echo.requests == reading.requests
    statuses = [status for status, _ in conversation.answers()]
    bodies = [body for _, body in conversation.answers()]
    answered = len(reading.requests)
    assert statuses[:answered] == [200] * answered
    assert bodies[:answered] == [request.body for request in reading.requests]
    assert all(400 <= status <= 505 for status in statuses[answered:])
    assert len(statuses[answered:]) == reading.is_refused
    assert conversation.is_over == reading.is_closed


async def received(*pieces: bytes) -> Conversation:
    conversation = Conversation()
    await conversation.receive(*pieces)
    return conversation


def cuts(stream: bytes) -> Sequence[list[bytes]]:
    """The stream in one piece, in any two, and byte by byte."""
    halves = [[stream[:at], stream[at:]] for at in range(1, len(stream))]
    return [[stream], *halves, [bytes([byte]) for byte in stream]]


@pytest.mark.parametrize("stream", WHOLE.values(), ids=WHOLE)
async def test_a_request_ends_where_its_length_says_whatever_it_offers(stream: bytes) -> None:
    for pieces in cuts(stream + NEXT):
        conversation = await received(*pieces)
        reading = read(stream + NEXT)
        assert [request.target for request in reading.requests][1:] == [b"/livez?next=1"]
        known(reading, conversation)
        await conversation.close()


@pytest.mark.parametrize("stream", LAST.values(), ids=LAST)
async def test_nothing_is_read_behind_the_last_request(stream: bytes) -> None:
    for pieces in cuts(stream + NEXT):
        reading = read(stream + NEXT)
        assert reading.is_closed
        assert len(reading.requests) == 1
        known(reading, await received(*pieces))


@pytest.mark.parametrize("stream", REFUSED.values(), ids=REFUSED)
async def test_what_is_no_request_is_refused_and_nothing_is_read_behind_it(stream: bytes) -> None:
    for pieces in cuts(stream + NEXT):
        reading = read(stream + NEXT)
        assert reading == Reading([], is_refused=True, is_closed=True)
        known(reading, await received(*pieces))


FRAGMENTS = [
    *WHOLE.values(), *LAST.values(), *REFUSED.values(), HOST, LENGTH, CHUNKED, CHUNKS, UPGRADE,
    NEXT, SMUGGLED, b"\r\n", b"\n", b"\r", b"0\r\n\r\n", b" ", b":", b"5", b"close",
]  # fmt: skip
STREAMS = 1000


async def test_any_stream_is_read_as_the_rfc_says() -> None:
    """Requests put together from fragments, spliced into each other and cut anywhere."""
    chance = random.Random(9112)
    for _ in range(STREAMS):
        stream = b"".join(chance.choices(list(WHOLE.values()), k=chance.randint(0, 2)))
        for _ in range(chance.randint(0, 2)):
            at = chance.randint(0, len(stream))
            stream = stream[:at] + chance.choice(FRAGMENTS) + stream[at + chance.randint(0, 3) :]
        at, other = sorted(chance.randint(0, len(stream)) for _ in range(2))
        conversation = await received(stream[:at], stream[at:other], stream[other:])
        try:
            known(read(stream), conversation)
        except AssertionError as error:
            raise AssertionError(stream, at, other) from error
        await conversation.close()
