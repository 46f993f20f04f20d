"""A client's connection: uvicorn's protocol, with a fast path for checks.

A valid check is read and answered as bytes, without uvicorn's machinery, which halves its cost.
uvicorn handles every other request and the connection itself. Only one of the two works on the
connection at any time.
"""

from asyncio import TimerHandle, Transport
from typing import Any

import h11
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from paywall.access.api import CHECK
from paywall.server.connection_limits import ConnectionLimits, ConnectionWait
from paywall.server.fast_check import CHECK_BODY_BYTES_MAX, FastCheck
from paywall.server.messages import CHECK_HEAD_BYTES_MAX, closing, plain_head, refusal_answer
from paywall.server.request_reader import HEAD_END, RequestReader

CHECK_LINE = b"POST %b HTTP/1.1\r\n" % CHECK.encode()
# Longer input is not a check, and is passed on at once.
BYTES_MAX = CHECK_HEAD_BYTES_MAX + CHECK_BODY_BYTES_MAX
# A check that takes longer to arrive is passed to uvicorn.
CHECK_COMPLETE_WITHIN_SECONDS = 0.05
BEFORE_RESPONSE = (h11.IDLE, h11.SEND_RESPONSE)
RESPONDING = (h11.SEND_RESPONSE, h11.SEND_BODY)
# Time for requests that clients sent before they could know that the service stops.
LAST_REQUEST_WITHIN_SECONDS = 1.0


class Connection(H11Protocol):
    """For `uvicorn.Config.http`; the application has a `check` and its `connections`."""

    conn: RequestReader
    waiting_since = 0.0
    _is_new = True
    _is_answering = False
    _closes_after_answer = False
    # The beginning of a check that has not arrived completely.
    _partial_check = b""
    # Bytes that arrived while a check is being answered.
    _queued = b""
    _partial_check_timer: TimerHandle | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn = RequestReader(self._refuse)

    @property
    def check(self) -> FastCheck:
        check: FastCheck = self.app.check
        return check

    @property
    def limits(self) -> ConnectionLimits:
        limits: ConnectionLimits = self.app.connections
        return limits

    @property
    def waits_for(self) -> ConnectionWait:
        if self.conn.has_failed:
            return ConnectionWait.BODY
        if self._is_answering or self.conn.our_state in RESPONDING:
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
        self.limits.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self.limits.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_answering:
            self._queued += data
            self.flow.pause_reading()
            return
        received = self._partial_check + data
        if not received.startswith(CHECK_LINE) or len(received) > BYTES_MAX or not self._is_free():
            self._pass_to_uvicorn(received)
            return
        head, end, body = received.partition(HEAD_END)
        plain = plain_head(head) if end else None
        if plain is None or not len(body) <= plain.body_bytes <= CHECK_BODY_BYTES_MAX:
            self._pass_to_uvicorn(received)
        elif len(body) < plain.body_bytes:
            self._wait_for_rest(received)
        else:
            self._stop_waiting()
            self._is_answering = True
            self._closes_after_answer = plain.closes or self._is_stopping()
            if not self.check.take(plain, body, self._reply):
                self._is_answering = False
                super().data_received(received)

    def _is_free(self) -> bool:
        """Whether the next byte begins a request, and uvicorn has finished the earlier ones."""
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
        self.limits.restart_wait(self)
        self.flow.resume_reading()
        queued, self._queued = self._queued, b""
        if queued:
            self.data_received(queued)

    def _wait_for_rest(self, received: bytes) -> None:
        is_first_byte = not self._partial_check
        self._partial_check = received
        if is_first_byte:
            self._partial_check_timer = self.loop.call_later(
                CHECK_COMPLETE_WITHIN_SECONDS, self._pass_partial_check_to_uvicorn
            )
            if self.waits_for is ConnectionWait.HEAD:
                self.limits.restart_wait(self)

    def _stop_waiting(self) -> None:
        self._partial_check = b""
        if self._partial_check_timer is not None:
            self._partial_check_timer.cancel()
            self._partial_check_timer = None

    def _pass_to_uvicorn(self, received: bytes) -> None:
        self._stop_waiting()
        if self.conn.has_failed:
            return
        begins_request = self.conn.is_between_requests
        super().data_received(received)
        if begins_request and self.waits_for is ConnectionWait.HEAD:
            self.limits.restart_wait(self)

    def _pass_partial_check_to_uvicorn(self) -> None:
        self._pass_to_uvicorn(self._partial_check)

    def on_response_complete(self) -> None:
        self._is_new = False
        self.limits.restart_wait(self)
        super().on_response_complete()
        # ConnectionLimits closes idle connections, since a timer for each request costs more.
        self._unset_keepalive_if_required()

    def _refuse(self, refusal: h11.RemoteProtocolError) -> None:
        """Answer an invalid request, and stop reading.

        If a response has begun, close instead: a proxy would take a second response for the
        response to the next request.
        """
        if self.conn.our_state not in BEFORE_RESPONSE:
            self.transport.close()
            return
        if self.cycle is not None:
            self.cycle.disconnected = True
            # Otherwise uvicorn would write "100 Continue" after the refusal.
            self.cycle.waiting_for_100_continue = False
            self.cycle.message_event.set()
        self.transport.write(refusal_answer(refusal))
        # Closing while the client still sends would reset the connection and lose the response.
        self.transport.write_eof()
        self.limits.restart_wait(self)

    def _should_upgrade(self) -> bool:
        """Never: the offer to upgrade is ignored, as RFC 9110 §7.8 permits."""
        return False

    def shutdown(self) -> None:
        """Answer current requests and those sent before the client can know, then close."""
        self._closes_after_answer = True
        if not self._is_stopping():
            self.server_state.default_headers.append(CLOSE_HEADER)
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.default_headers = self.server_state.default_headers
            cycle.keep_alive = False
        self.loop.call_later(LAST_REQUEST_WITHIN_SECONDS, self._close_if_idle)

    def _is_stopping(self) -> bool:
        """Whether each response is the last on its connection: uvicorn adds these headers to it."""
        return CLOSE_HEADER in self.server_state.default_headers

    def _close_if_idle(self) -> None:
        if self.waits_for not in {ConnectionWait.HEAD, ConnectionWait.ANSWER}:
            self.transport.close()
