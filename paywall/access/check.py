"""The short way of a check, in front of the router: a site asks before every article.

Only a check that is in order takes it: one token that was verified before, and a body without a
fault. Any other is handed on to the router, which refuses it as it refuses all others.
"""

from collections.abc import Sequence

import msgspec
from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import HTTPScope, Receive, ReceiveMessage, Scope, Send

from paywall import telemetry
from paywall.access.api import CHECK, CHECK_SCOPE, Question, answer_of, counted
from paywall.access.batches import Batches
from paywall.access.lines import Asked
from paywall.database import Database
from paywall.http.bodies import has_each_key_once, keys_of
from paywall.rules.decision import decide
from paywall.settings import Settings
from paywall.tokens.caller import Caller, TokenKind
from paywall.tokens.verify import Verifier

BODY_BYTES_MAX = 4096
"""Two ids at their longest; a longer body is not a check."""
LENGTH_DIGITS_MAX = len(str(BODY_BYTES_MAX))
BEARER = b"Bearer "

_decode = msgspec.json.Decoder(Question).decode
_encode = msgspec.json.Encoder().encode
_keys = keys_of(Question)


class Check:
    """An ASGI application: answers a check that is in order, and hands on all the rest."""

    def __init__(
        self, router: Litestar, verifier: Verifier, batches: Batches, settings: Settings
    ) -> None:
        self.router = router
        self._verifier = verifier
        self._batches = batches
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and scope["path"] == CHECK and scope["method"] == "POST":
            caller = self._remembered(list(scope["headers"]))
            if caller is not None:
                message = await receive()
                question = _in_order(message)
                if question is not None:
                    await self._answer(question, caller, scope, send)
                    return
                receive = _again(message, receive)
        await self.router(scope, receive, send)

    def _remembered(self, headers: Sequence[tuple[bytes, bytes]]) -> Caller | None:
        """The caller, where nothing in the headers asks for a closer look."""
        named = dict(headers)
        token = named.get(b"authorization", b"")
        if (
            len(named) != len(headers)
            or b"origin" in named
            or named.get(b"content-type") != b"application/json"
            or len(named.get(b"content-length", b"")) > LENGTH_DIGITS_MAX
            or not token.startswith(BEARER)
        ):
            return None
        caller = self._verifier.recall(token[len(BEARER) :], TokenKind.SITE)
        return caller if caller is not None and CHECK_SCOPE in caller.scopes else None

    async def _answer(
        self, question: Question, caller: Caller, scope: HTTPScope, send: Send
    ) -> None:
        scope["path_template"] = CHECK
        asked = Asked(question.article_id, question.viewer(), caller)
        answered = await self._batches.ask(asked)
        facts, at = answered.facts, answered.at
        decision = decide(facts.terms, facts.standing, at)
        if question.count_view:
            database: Database = self.router.state.database
            decision = await counted(decision, asked.viewer, facts, database, self._settings, at)
        telemetry.decided(decision.reason)
        body = _encode(answer_of(decision))
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})


def _in_order(message: ReceiveMessage) -> Question | None:
    """The question of a body that came whole and is without a fault."""
    if message["type"] != "http.request" or message["more_body"]:
        return None
    body = message["body"]
    if len(body) > BODY_BYTES_MAX:
        return None
    try:
        question = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    names_two = question.reader_id is not None and question.visitor_id is not None
    return None if names_two or not has_each_key_once(body, _keys) else question


def _again(message: ReceiveMessage, receive: Receive) -> Receive:
    """A `receive` that gives this message first."""
    came = [message]

    async def receive_again() -> ReceiveMessage:
        return came.pop() if came else await receive()

    return receive_again
