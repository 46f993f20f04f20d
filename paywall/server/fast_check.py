"""The short way of a check, in front of everything else: a site asks before every article.

Only a check that is in order takes it: a plain request with one token that was verified before, and
a body without a fault. Any other goes the way of all requests, and is refused as they are.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from time import perf_counter

import msgspec

from paywall import telemetry
from paywall.access.api import CHECK, CHECK_SCOPE, Question, answer_of, counted, takes_a_view
from paywall.access.facts import Facts
from paywall.database.engine import Database
from paywall.http.bodies import has_each_key_once, keys_of
from paywall.http.deadline import Deadline
from paywall.http.edge import as_problem, new_request_id
from paywall.problems import unavailable
from paywall.rules.decision import Decision, decide
from paywall.server.check_batches import Batches
from paywall.server.check_connections import PendingCheck
from paywall.server.messages import Head, answer, problem_answer
from paywall.settings import Settings
from paywall.tokens.caller import Caller, TokenKind
from paywall.tokens.verify import Verifier

# Two ids at their longest; a longer body is not a check.
BODY_BYTES_MAX = 4096
BEARER = b"Bearer "
JSON = "application/json"

_decode = msgspec.json.Decoder(Question).decode
_encode = msgspec.json.Encoder().encode
_keys = keys_of(Question)

# Takes a whole answer, head and body.
Reply = Callable[[bytes], None]


class Check:
    """Answers a check that is in order, and leaves all others."""

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
        """Whether this is a check that is in order; `reply` has its answer then, soon and once."""
        caller = self._remembered(head)
        question = _in_order(body) if caller is not None else None
        if caller is None or question is None:
            return False
        under_way = _UnderWay(self, question, caller, reply)
        self.deadline.start(under_way)
        self.batches.ask(under_way)
        return True

    def _remembered(self, head: Head) -> Caller | None:
        """The caller, where nothing in the headers asks for a closer look."""
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


class _UnderWay:
    """A check that waits for its answer. A task for each would cost a quarter more."""

    def __init__(self, check: Check, question: Question, caller: Caller, reply: Reply) -> None:
        self.pending_check = PendingCheck(question.article_id, question.viewer(), caller)
        self.has_gone = False
        self._check = check
        self._counts_view = question.count_view
        self._reply = reply
        self._started = perf_counter()
        self._request_id = new_request_id()
        self._counting: asyncio.Task[None] | None = None

    def answered(self, facts: Facts, at: datetime) -> None:
        if self.has_gone:
            return
        try:
            decision = decide(facts.terms, facts.standing, at)
            if self._counts_view and takes_a_view(decision):
                self._counting = asyncio.create_task(self._count(decision, facts, at))
            else:
                self._tell(decision)
        except Exception as error:  # noqa: BLE001 (`as_problem` logs what nobody foresaw)
            self.failed(error)

    def failed(self, error: Exception) -> None:
        before = telemetry.request_id_now.set(self._request_id)
        problem = as_problem(error)
        telemetry.request_id_now.reset(before)
        self._end(int(problem.kind.status), problem_answer(problem, self._request_id))

    def cancel(self) -> None:
        """Its deadline has come."""
        if self._counting is not None:
            self._counting.cancel()
        self.failed(unavailable("The answer is not there in time."))

    async def _count(self, decision: Decision, facts: Facts, at: datetime) -> None:
        telemetry.request_id_now.set(self._request_id)
        database, settings = self._check.database_of(), self._check.settings
        try:
            self._tell(
                await counted(decision, self.pending_check.viewer, facts, database, settings, at)
            )
        except Exception as error:  # noqa: BLE001 (`as_problem` logs what nobody foresaw)
            self.failed(error)

    def _tell(self, decision: Decision) -> None:
        telemetry.decided(decision.reason)
        body = _encode(answer_of(decision))
        self._end(HTTPStatus.OK, answer(HTTPStatus.OK, JSON, body, self._request_id))

    def _end(self, status: int, answer: bytes) -> None:
        if self.has_gone:
            return
        self.has_gone = True
        self._check.deadline.end(self)
        self._reply(answer)
        telemetry.request_answered(
            method="POST", route=CHECK, status=status,
            seconds=perf_counter() - self._started, request_id=self._request_id,
        )  # fmt: skip


def _in_order(body: bytes) -> Question | None:
    """The question of a body that is without a fault."""
    if len(body) > BODY_BYTES_MAX:
        return None
    try:
        question = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    names_two = question.reader_id is not None and question.visitor_id is not None
    return None if names_two or not has_each_key_once(body, _keys) else question
