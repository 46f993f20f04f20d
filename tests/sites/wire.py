"""HTTP/1.1 as bytes: requests as they are sent, and the answers that come back."""

import asyncio
from typing import NamedTuple

CRLF = "\r\n"
NO_BODY = {204, 304}
# Answers below this announce another one.
INTERIM_MAX = 200


class Answer(NamedTuple):
    """One answer of a server; a proxy's own has no `x-request-id`."""

    status: int
    headers: dict[str, str]
    body: bytes


def request(line: str, *headers: str, body: bytes = b"") -> bytes:
    """A request; nothing is added to the headers but the host."""
    return CRLF.join([line, "Host: paywall.test", *headers, "", ""]).encode() + body


def sized(line: str, *headers: str, body: bytes = b"") -> bytes:
    """A request whose length is told."""
    return request(line, *headers, f"Content-Length: {len(body)}", body=body)


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}{CRLF}".encode() + data + CRLF.encode()


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """The next answer; raises IncompleteReadError where there is none."""
    while True:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split(CRLF)
        status = int(head[0].split()[1])
        named = [line.partition(":") for line in head[1:] if line]
        headers = {name.lower(): value.strip() for name, _, value in named}
        if status >= INTERIM_MAX:
            return Answer(status, headers, await _read_body(reader, status, headers))


async def _read_body(reader: asyncio.StreamReader, status: int, headers: dict[str, str]) -> bytes:
    if status in NO_BODY:
        return b""
    if headers.get("transfer-encoding") == "chunked":
        parts = []
        while size := int(await reader.readuntil(b"\r\n"), 16):
            parts.append(await reader.readexactly(size))
            await reader.readexactly(2)
        await reader.readuntil(b"\r\n")
        return b"".join(parts)
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    return await reader.read()
