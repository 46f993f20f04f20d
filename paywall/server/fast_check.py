"""Fast path for checks, ahead of the framework: a site asks before it serves each article.

It takes only valid checks: a plain request with a token that was verified before, and a valid
body. Every other request goes through the framework, which refuses invalid ones.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from time import perf_counter

import msgspec

from paywall import telemetry
from paywall.access.api import (
    CHECK,
    CHECK_SCOPE,
    Question,
    decision_response,
    needs_view_count,
    with_counted_view,
)
from paywall.access.facts import Facts
from paywall.database.engine import Database
from paywall.http.bodies import has_unique_keys, keys_of
from paywall.http.deadline import Deadline
from paywall.http.edge import as_problem, new_request_id
from paywall.json_log import RequestIds, request_now
from paywall.problems import unavailable
from paywall.rules import trace_context
from paywall.rules.decision import Decision, decide
from paywall.server.check_batches import Batches
from paywall.server.check_connections import PendingCheck
from paywall.server.messages import Head, answer, problem_answer
from paywall.settings import Settings
from paywall.tokens.caller import Caller, TokenKind
from paywall.tokens.verify import Verifier

# Enough for two ids of maximum length; a longer body is not a check.
CHECK_BODY_BYTES_MAX = 4096
BEARER = b"Bearer "
JSON = "application/json"

_decode = msgspec.json.Decoder(Question).decode
_encode = msgspec.json.Encoder().encode
_keys = keys_of(Question)

# Sends a whole response, head and body.
Reply = Callable[[bytes], None]


class FastCheck:
    """Answers valid checks, and leaves every other request to the framework."""

    def __init__(
        self,
        verifier: Verifier,
        batches: Batches,
        database_of: Callable[[], Database],
        settings: Settings,
    ) -> None:
        self._verifier = verifier
        self.batches = batches
        self.database_of = database_of
        self.settings = settings
        self.deadline = Deadline(settings.request_timeout_seconds)

    def take(self, head: Head, body: bytes, reply: Reply) -> bool:
        """Take a valid check: True, and `reply` gets the response exactly once; else False."""
        caller = self._remembered(head)
        question = _decode_valid(body) if caller is not None else None
        if caller is None or question is None:
            return False
        under_way = _PendingResponse(self, head, question, caller, reply)
        self.deadline.start(under_way)
        self.batches.ask(under_way)
        return True

    def _remembered(self, head: Head) -> Caller | None:
        """The cached caller of the token, if no header needs the framework."""
        headers = head.headers
        token = headers.get(b"authorization", b"")
        if (
            headers.get(b"content-type") != JSON.encode()
            or b"origin" in headers
            or not token.startswith(BEARER)
        ):
            return None
        caller = self._verifier.recall(token[len(BEARER) :], TokenKind.SITE)
        return caller if caller is not None and CHECK_SCOPE in caller.scopes else None


class _PendingResponse:
    """A check that waits for its response. A task for each check would cost a quarter more."""

    def __init__(
        self, check: FastCheck, head: Head, question: Question, caller: Caller, reply: Reply
    ) -> None:
        self.pending_check = PendingCheck(question.article_id, question.viewer(), caller)
        self.is_answered = False
        self._check = check
        self._head = head
        self._counts_view = question.count_view
        self._reply = reply
        self._started = perf_counter()
        self._request_id = new_request_id()
        self._counting: asyncio.Task[None] | None = None

    def answered(self, facts: Facts, at: datetime) -> None:
        if self.is_answered:
            return
        try:
            decision = decide(facts.terms, facts.viewer_state, at)
            if self._counts_view and needs_view_count(decision):
                self._counting = asyncio.create_task(self._count(decision, facts, at))
            else:
                self._respond_with(decision)
        except Exception as error:  # noqa: BLE001 (`as_problem` logs unexpected errors)
            self.failed(error)

    def failed(self, error: Exception) -> None:
        before = request_now.set(self._ids())
        problem = as_problem(error)
        request_now.reset(before)
        self._respond(int(problem.kind.status), problem_answer(problem, self._request_id))

    def cancel(self) -> None:
        """Answer 503, because the deadline has passed."""
        if self._counting is not None:
            self._counting.cancel()
        self.failed(unavailable("The response was not ready in time."))

    async def _count(self, decision: Decision, facts: Facts, at: datetime) -> None:
        request_now.set(self._ids())
        database, settings = self._check.database_of(), self._check.settings
        try:
            self._respond_with(
                await with_counted_view(
                    decision, self.pending_check.viewer, facts, database, settings, at
                )
            )
        except Exception as error:  # noqa: BLE001 (`as_problem` logs unexpected errors)
            self.failed(error)

    def _respond_with(self, decision: Decision) -> None:
        telemetry.count_decision(decision.reason)
        body = _encode(decision_response(decision))
        self._respond(HTTPStatus.OK, answer(HTTPStatus.OK, JSON, body, self._request_id))

    def _respond(self, status: int, answer: bytes) -> None:
        if self.is_answered:
            return
        self.is_answered = True
        self._check.deadline.finish(self)
        self._reply(answer)
        seconds = perf_counter() - self._started
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            telemetry.count_request(method="POST", route=CHECK, status=status, seconds=seconds)
        else:
            telemetry.record_request(
                method="POST", route=CHECK, status=status, seconds=seconds, ids=self._ids()
            )

    def _ids(self) -> RequestIds:
        traceparent = self._head.headers.get(trace_context.NAME, b"")
        return RequestIds(self._request_id, trace_context.trace_id_of(traceparent))


def _decode_valid(body: bytes) -> Question | None:
    """Decode a valid body; None for any other."""
    if len(body) > CHECK_BODY_BYTES_MAX:
        return None
    try:
        question = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    names_two = question.reader_id is not None and question.visitor_id is not None
    return None if names_two or not has_unique_keys(body, _keys) else question
