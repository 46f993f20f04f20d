"""Reads requests from a connection's bytes with h11, within limits (RFC 9112).

h11 finds the end of each request. This reader also refuses what h11 accepts but a proxy in front
could read differently, and what is larger than any request to this service.
"""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import NoReturn

import h11

# The request line and the header fields, including the empty line after them.
HEAD_BYTES_MAX = 32 * 1024
HEADER_FIELDS_MAX = 100
# Including the line of the last chunk; also the longest line of any other chunk.
TRAILER_BYTES_MAX = 8 * 1024
# Each chunk costs some microseconds, however small it is.
CHUNKS_MAX = 4096
CRLF = b"\r\n"
HEAD_END = CRLF + CRLF
# Bytes to scan again, because the end of a line or head may span two packets.
RESCAN_BYTES = len(HEAD_END) - 1

CONTROLS = bytes({*range(0x20), 0x7F} - {*b"\t\r\n"})
MISREADABLE_DETAIL = "End each line with CRLF, fold none, and send no control characters."
FRAMING_HEADERS = frozenset({b"content-length", b"transfer-encoding"})
VERSIONS = frozenset({b"1.0", b"1.1"})
HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]*")
ORIGIN_FORM = re.compile(rb"/[^#]*")
ABSOLUTE_FORM = re.compile(rb"(?i:https?)://(?P<host>[^/?#@]+)(?P<path>(?:/[^#]*)?|\?[^#]*)")

Event = h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]


class RequestReader(h11.Connection):
    """h11's server connection, which passes invalid input to `refuse` and then stops reading."""

    def __init__(self, refuse: Callable[[h11.RemoteProtocolError], None]) -> None:
        super().__init__(h11.SERVER, max_incomplete_event_size=TRAILER_BYTES_MAX + len(CRLF))
        self._on_refusal = refuse
        self._scanned_bytes = 0
        # Lines of an incomplete head.
        self._head_lines = 0
        self._is_chunked = False
        self._chunks = 0
        # The part of a line that h11 consumed before the rest of the line arrived.
        self._partial_line = b""

    @property
    def is_between_requests(self) -> bool:
        """Whether the next byte begins a request and all earlier requests were answered."""
        return self.is_in_head and not self._receive_buffer

    @property
    def is_in_head(self) -> bool:
        """True while the head of a request is expected or incomplete."""
        return self.their_state is h11.IDLE and self.our_state is h11.IDLE

    @property
    def has_failed(self) -> bool:
        """Whether input was refused: nothing after it can be read."""
        return self.their_state is h11.ERROR

    def next_event(self) -> Event:
        if self.has_failed:
            return h11.NEED_DATA
        try:
            return self._next_event()
        except h11.RemoteProtocolError as refusal:
            self._on_refusal(refusal)
            return h11.NEED_DATA

    def _next_event(self) -> Event:
        if self.their_state is h11.MUST_CLOSE:
            # Bytes after the last request are ignored (RFC 9112 §9.6). h11 would refuse them, and
            # the refusal would replace the response to that request.
            self._receive_buffer.maybe_extract_at_most(len(self._receive_buffer))
            return h11.NEED_DATA
        if self.their_state is h11.IDLE and not self._has_complete_head():
            return h11.NEED_DATA
        before = self.trailing_data[0] if self._is_chunked else b""
        event = super().next_event()
        if type(event) is h11.Request:
            return self._checked(event)
        if self._is_chunked:
            self._check_chunk(event, before[: len(before) - len(self._receive_buffer)])
        return event

    def _has_complete_head(self) -> bool:
        """Whether the head is complete; scans only the bytes that are new since the last call."""
        self._drop_empty_lines()
        received: bytearray = self._receive_buffer._data  # noqa: SLF001 (its copy would cost the whole head for each packet)
        start = max(0, self._scanned_bytes - RESCAN_BYTES)
        if received.startswith(b"\n", start) and start:
            start -= 1
        end = received.find(HEAD_END, start)
        head_bytes = len(received) if end < 0 else end + len(HEAD_END)
        self._head_lines += received.count(CRLF, max(0, self._scanned_bytes - 1), head_bytes)
        if head_bytes > HEAD_BYTES_MAX or self._head_lines > HEADER_FIELDS_MAX + 2:
            self._refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"Send at most {HEAD_BYTES_MAX} bytes and {HEADER_FIELDS_MAX} header fields.",
            )
        if is_misreadable(bytes(received[start:head_bytes])):
            self._refuse(HTTPStatus.BAD_REQUEST, MISREADABLE_DETAIL)
        self._scanned_bytes = head_bytes
        if end >= 0:
            self._scanned_bytes = self._head_lines = 0
        return end >= 0

    def _drop_empty_lines(self) -> None:
        """Drop empty lines before a request (RFC 9112 §2.2)."""
        received: bytearray = self._receive_buffer._data  # noqa: SLF001 (as above)
        empty_bytes = 0
        while received.startswith(CRLF, empty_bytes):
            empty_bytes += len(CRLF)
        if empty_bytes:
            self._receive_buffer.maybe_extract_at_most(empty_bytes)
            self._scanned_bytes = self._head_lines = 0

    def _checked(self, request: h11.Request) -> h11.Request:
        self._chunks = 0
        fields = dict(request.headers)
        if request.http_version not in VERSIONS:
            self._refuse(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "Use HTTP/1.1.")
        self._is_chunked = b"transfer-encoding" in fields
        if self._is_chunked and (b"content-length" in fields or request.http_version != b"1.1"):
            self._refuse(
                HTTPStatus.BAD_REQUEST,
                "Send Content-Length or, in HTTP/1.1, Transfer-Encoding, not both.",
            )
        if not HOST.fullmatch(fields.get(b"host", b"")):
            self._refuse(HTTPStatus.BAD_REQUEST, "Send a host name in the header Host.")
        return self._to_origin_form(request)

    def _to_origin_form(self, request: h11.Request) -> h11.Request:
        """Convert the absolute form, whose host takes precedence (RFC 9112 §3.2.2)."""
        target = request.target
        if ORIGIN_FORM.fullmatch(target) or (request.method, target) == (b"OPTIONS", b"*"):
            return request
        absolute = ABSOLUTE_FORM.fullmatch(target)
        if absolute is None or not HOST.fullmatch(absolute["host"]):
            self._refuse(HTTPStatus.BAD_REQUEST, "Name a path that begins with a slash.")
        others = [(name, value) for name, value in request.headers if name != b"host"]
        path = absolute["path"]
        return h11.Request(
            method=request.method,
            headers=[(b"host", absolute["host"]), *others],
            target=path if path.startswith(b"/") else b"/" + path,
            http_version=request.http_version,
        )

    def _check_chunk(self, event: Event, read: bytes) -> None:
        """Check the chunk headers and trailers of a chunked body."""
        if type(event) is h11.Data:
            self._chunks += event.chunk_start
            read = read[: len(read) - len(event.data)]
        if self._chunks > CHUNKS_MAX:
            self._refuse(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"Send a body in at most {CHUNKS_MAX} chunks."
            )
        read = self._partial_line + read
        if is_misreadable(read):
            self._refuse(HTTPStatus.BAD_REQUEST, MISREADABLE_DETAIL)
        self._partial_line = read if event is h11.NEED_DATA else b""
        if type(event) is h11.EndOfMessage:
            self._is_chunked = False
            self._check_trailers(event, read.removeprefix(CRLF))

    def _check_trailers(self, end: h11.EndOfMessage, read: bytes) -> None:
        if len(read) > TRAILER_BYTES_MAX:
            self._refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"Send at most {TRAILER_BYTES_MAX} bytes of trailers.",
            )
        if FRAMING_HEADERS & dict(end.headers).keys():
            self._refuse(HTTPStatus.BAD_REQUEST, "Send no length or coding in a trailer.")

    def _refuse(self, status: HTTPStatus, detail: str) -> NoReturn:
        self._process_error(self.their_role)
        raise h11.RemoteProtocolError(detail, error_status_hint=status)


def is_misreadable(part: bytes) -> bool:
    """Whether it contains control characters, a lone CR or LF, or folded lines.

    RFC 9112 §2.2 and §5.2 allow refusing them. A CR at the end may begin a line end.
    """
    lines = part.count(CRLF)
    return (
        part.count(b"\n") != lines
        or part.count(b"\r") - part.endswith(b"\r") != lines
        or CRLF + b" " in part
        or CRLF + b"\t" in part
        or len(part.translate(None, CONTROLS)) != len(part)
    )
