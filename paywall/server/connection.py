"""A client's connection: uvicorn's, which knows a check when it sees one.

What uvicorn does for a request, a check that is in order can do without: it is read and answered as
bytes. This halves what a check costs. All other requests are uvicorn's, and so is everything about
the connection; only one of the two is ever at work on it.
"""

from asyncio import TimerHandle, Transport
from typing import Any

import h11
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from paywall.access.api import CHECK
from paywall.server.connection_limits import ConnectionLimits, ConnectionWait
from paywall.server.fast_check import BODY_BYTES_MAX, Check
from paywall.server.messages import HEAD_BYTES_MAX, closing, plain_head, refusal_answer
from paywall.server.request_reader import HEAD_END, RequestReader

LINE = b"POST %b HTTP/1.1\r\n" % CHECK.encode()
# What is longer is no check, and neither kept nor looked at here.
BYTES_MAX = HEAD_BYTES_MAX + BODY_BYTES_MAX
# A check that takes longer to arrive goes the way of all requests.
WHOLE_WITHIN_SECONDS = 0.05
BEFORE_ANSWER = (h11.IDLE, h11.SEND_RESPONSE)
AT_WORK = (h11.SEND_RESPONSE, h11.SEND_BODY)
# What a client may have sent before it can know that the service stops.
LAST_REQUEST_WITHIN_SECONDS = 1.0


class Connection(H11Protocol):
    """For `uvicorn.Config.http`; the application has a `check` and its `connections`."""

    conn: RequestReader
    waiting_since = 0.0
    _is_new = True
    _is_answering = False
    _closes_after_answer = False
    # The beginning of a check.
    _partial_check = b""
    # What came while a check is being answered.
    _queued = b""
    _patience: TimerHandle | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn = RequestReader(self._refuse)

    @property
    def check(self) -> Check:
        check: Check = self.app.check
        return check

    @property
    def watch(self) -> ConnectionLimits:
        watch: ConnectionLimits = self.app.connections
        return watch

    @property
    def waits_for(self) -> ConnectionWait:
        if self.conn.has_ended:
            return ConnectionWait.BODY
        if self._is_answering or self.conn.our_state in AT_WORK:
            return ConnectionWait.ANSWER
        if not self.conn.is_in_head:
            return ConnectionWait.BODY
        if self._is_new:
            return ConnectionWait.FIRST_REQUEST
        is_idle = self.conn.is_between_requests and not self._partial_check
        return ConnectionWait.NEXT_REQUEST if is_idle else ConnectionWait.HEAD

    @property
    def unsent_bytes(self) -> int:
        return self.transport.get_write_buffer_size()

    def close(self) -> None:
        self.transport.close()

    def abort(self) -> None:
        self.transport.abort()

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # uvicorn's own
        super().connection_made(transport)
        self.watch.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self.watch.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_answering:
            self._queued += data
            self.flow.pause_reading()
            return
        came = self._partial_check + data
        if not came.startswith(LINE) or len(came) > BYTES_MAX or not self._is_free():
            self._pass_to_uvicorn(came)
            return
        head, end, body = came.partition(HEAD_END)
        plain = plain_head(head) if end else None
        if plain is None or not len(body) <= plain.body_bytes <= BODY_BYTES_MAX:
            self._pass_to_uvicorn(came)
        elif len(body) < plain.body_bytes:
            self._wait_for_the_rest(came)
        else:
            self._stop_waiting()
            self._is_answering = True
            self._closes_after_answer = plain.closes or self._is_stopping()
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
        self.transport.write(closing(answer) if self._closes_after_answer else answer)
        if self._closes_after_answer:
            self.transport.close()
            return
        self._is_new = False
        self.watch.restart_wait(self)
        self.flow.resume_reading()
        later, self._queued = self._queued, b""
        if later:
            self.data_received(later)

    def _wait_for_the_rest(self, came: bytes) -> None:
        is_first_byte = not self._partial_check
        self._partial_check = came
        if is_first_byte:
            self._patience = self.loop.call_later(
                WHOLE_WITHIN_SECONDS, self._pass_partial_check_to_uvicorn
            )
            if self.waits_for is ConnectionWait.HEAD:
                self.watch.restart_wait(self)

    def _stop_waiting(self) -> None:
        self._partial_check = b""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _pass_to_uvicorn(self, came: bytes) -> None:
        self._stop_waiting()
        if self.conn.has_ended:
            return
        is_first_byte = self.conn.is_between_requests
        super().data_received(came)
        if is_first_byte and self.waits_for is ConnectionWait.HEAD:
            self.watch.restart_wait(self)

    def _pass_partial_check_to_uvicorn(self) -> None:
        self._pass_to_uvicorn(self._partial_check)

    def on_response_complete(self) -> None:
        self._is_new = False
        self.watch.restart_wait(self)
        super().on_response_complete()
        # Connections closes what is idle; a timer for each request costs more.
        self._unset_keepalive_if_required()

    def _refuse(self, refusal: h11.RemoteProtocolError) -> None:
        """Answer what is no request, and read no more.

        A request that has its answer gets no second one: a proxy would take it for the next.
        """
        if self.conn.our_state not in BEFORE_ANSWER:
            self.transport.close()
            return
        if self.cycle is not None:
            self.cycle.disconnected = True
            # uvicorn would write "100 Continue" behind the refusal.
            self.cycle.waiting_for_100_continue = False
            self.cycle.message_event.set()
        self.transport.write(refusal_answer(refusal))
        # Closed while a client still sends, the connection would be reset and the answer lost.
        self.transport.write_eof()
        self.watch.restart_wait(self)

    def _should_upgrade(self) -> bool:
        """Never: an upgrade is an offer, and the request is answered as any other (RFC 9110 §7.8).

        httptools stops at such a request, and takes the bytes of its body for the next one.
        """
        return False

    def shutdown(self) -> None:
        """Answer what is under way or was sent before the client can know, and close."""
        self._closes_after_answer = True
        if not self._is_stopping():
            self.server_state.default_headers.append(CLOSE_HEADER)
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.default_headers = self.server_state.default_headers
            cycle.keep_alive = False
        self.loop.call_later(LAST_REQUEST_WITHIN_SECONDS, self._close_if_idle)

    def _is_stopping(self) -> bool:
        """Whether each answer is the last on its connection; uvicorn adds these headers to it."""
        return CLOSE_HEADER in self.server_state.default_headers

    def _close_if_idle(self) -> None:
        if self.waits_for not in {ConnectionWait.HEAD, ConnectionWait.ANSWER}:
            self.transport.close()
