"""A client's connection: uvicorn's, which knows a check when it sees one.

What uvicorn does for a request, a check that is in order can do without: it is read and answered as
bytes. This halves what a check costs. All other requests are uvicorn's, and so is everything about
the connection; only one of the two is ever at work on it.
"""

from asyncio import TimerHandle
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from paywall.access.api import CHECK
from paywall.access.check import BODY_BYTES_MAX, Check
from paywall.http.edge import new_request_id
from paywall.http.message import HEAD_BYTES_MAX, closing, plain_head, refusal_answer
from paywall.http.reader import HEAD_END, RequestReader

LINE = b"POST %b HTTP/1.1\r\n" % CHECK.encode()
BYTES_MAX = HEAD_BYTES_MAX + BODY_BYTES_MAX
"""What is longer is no check, and neither kept nor looked at here."""
WHOLE_WITHIN_SECONDS = 0.05
"""A check that takes longer to arrive goes the way of all requests."""


class Connection(H11Protocol):
    """For `uvicorn.Config.http`; the application has a `check`."""

    conn: RequestReader
    _is_answering = False
    _closes = False
    _came = b""
    """The beginning of a check."""
    _later = b""
    """What came while a check is being answered."""
    _patience: TimerHandle | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn = RequestReader()

    @property
    def check(self) -> Check:
        check: Check = self.app.check
        return check

    def data_received(self, data: bytes) -> None:
        if self._is_answering:
            self._later += data
            self.flow.pause_reading()
            return
        came = self._came + data
        if not came.startswith(LINE) or len(came) > BYTES_MAX or not self._is_free():
            self._hand_on(came)
            return
        head, end, body = came.partition(HEAD_END)
        plain = plain_head(head) if end else None
        if plain is None or not len(body) <= plain.body_bytes <= BODY_BYTES_MAX:
            self._hand_on(came)
        elif len(body) < plain.body_bytes:
            self._wait_for_the_rest(came)
        else:
            self._stop_waiting()
            self._is_answering, self._closes = True, plain.closes
            if not self.check.take(plain, body, self._reply):
                self._is_answering = False
                super().data_received(came)

    def _is_free(self) -> bool:
        """Whether a request would begin here, and uvicorn is through with those before."""
        return self.conn.is_between_requests and not self.flow.write_paused

    def _reply(self, answer: bytes) -> None:
        self._is_answering = False
        if self.transport.is_closing():
            return
        self.transport.write(closing(answer) if self._closes else answer)
        if self._closes:
            self.transport.close()
            return
        self.flow.resume_reading()
        later, self._later = self._later, b""
        if later:
            self.data_received(later)
        else:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _wait_for_the_rest(self, came: bytes) -> None:
        if not self._came:
            self._stop_waiting()
            self._patience = self.loop.call_later(WHOLE_WITHIN_SECONDS, self._hand_on_what_came)
        self._came = came

    def _stop_waiting(self) -> None:
        self._unset_keepalive_if_required()
        self._came = b""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _hand_on(self, came: bytes) -> None:
        self._stop_waiting()
        super().data_received(came)

    def _hand_on_what_came(self) -> None:
        self._hand_on(self._came)

    def send_400_response(self, _msg: str) -> None:
        """Refuse what the reader refused, for its reason.

        A request that has its answer gets no second one: a proxy would take it for the next.
        """
        refusal = self.conn.refusal
        if refusal is not None and self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            if self.cycle is not None:
                self.cycle.disconnected = True
                self.cycle.message_event.set()
            self.transport.write(refusal_answer(refusal, new_request_id()))
        self.transport.close()

    def _should_upgrade(self) -> bool:
        """Never: an upgrade is an offer, and the request is answered as any other (RFC 9110 §7.8).

        httptools stops at such a request, and takes the bytes of its body for the next one.
        """
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Answer what is under way, and close."""
        if self._is_answering:
            self._closes = True
            return
        if self._came:
            self._hand_on_what_came()
        super().shutdown()
