"""A client's connection: uvicorn's, which knows a check when it sees one.

What uvicorn does for a request, a check that is in order can do without: it is read and answered as
bytes. This halves what a check costs. All other requests are uvicorn's, and so is everything about
the connection; only one of the two is ever at work on it.
"""

from asyncio import TimerHandle

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from paywall.access.api import CHECK
from paywall.access.check import BODY_BYTES_MAX, Check
from paywall.http.message import END, HEAD_BYTES_MAX, closing, plain_head

LINE = b"POST %b HTTP/1.1\r\n" % CHECK.encode()
BYTES_MAX = HEAD_BYTES_MAX + BODY_BYTES_MAX
"""What is longer is no check, and neither kept nor looked at here."""
WHOLE_WITHIN_SECONDS = 0.05
"""A check that takes longer to arrive goes the way of all requests."""


class Connection(HttpToolsProtocol):
    """For `uvicorn.Config.http`; the application has a `check`."""

    _is_between_requests = True
    _is_answering = False
    _closes = False
    _came = b""
    """The beginning of a check."""
    _later = b""
    """What came while a check is being answered."""
    _patience: TimerHandle | None = None

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
        head, end, body = came.partition(END)
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
        if not self._is_between_requests or self.flow.write_paused:
            return False
        last: RequestResponseCycle | None = self.cycle
        return last is None or last.response_complete

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

    def on_message_begin(self) -> None:
        self._is_between_requests = False
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self._is_between_requests = True
        super().on_message_complete()

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
