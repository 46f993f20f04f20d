"""Outermost ASGI application: request ids, deadlines, headers, metrics and error responses."""

import itertools
import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from urllib.parse import unquote_to_bytes

from litestar import Litestar, Request, Response
from litestar.enums import HttpMethod, ScopeType
from litestar.exceptions import (
    ClientException,
    HTTPException,
    InternalServerException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.status_codes import HTTP_204_NO_CONTENT
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from paywall import problems, telemetry
from paywall.database.errors import is_unavailable
from paywall.http.deadline import Deadline
from paywall.http.fields import describe_pattern
from paywall.json_log import RequestIds, request_now
from paywall.problem_types import FieldError
from paywall.problems import (
    Problem,
    invalid_fields,
)
from paywall.rules import trace_context
from paywall.telemetry import logger

# Key in the request's state; true for HEAD, which runs as GET but rolls its writes back.
DISCARDS_WRITES = "discards_writes"
UNROUTED = "(none)"
UNKNOWN = "(other)"
# Methods that metrics count by name; clients could invent any number of others.
METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
# Deadline of a request that asks a payment processor.
EXTENDED_DEADLINE_SECONDS = 10.0
HEADERS = ((b"x-content-type-options", b"nosniff"),)
HEADERS_OF_V1 = (*HEADERS, (b"cache-control", b"no-store"))
PROCESS = secrets.token_hex(4)
# A request id is the process's random name and a number: random bytes for each request are slower.
NUMBERS = itertools.count()


class Edge:
    """Wraps every route: request id, path, deadline, headers, metrics and problem documents."""

    def __init__(self, app: ASGIApp, *, timeout_seconds: float) -> None:
        self.app = app
        self.deadline = Deadline(timeout_seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        answer = _Answer(scope, send, self.deadline)
        try:
            with self.deadline.watch() as task:
                scope["state"]["task"] = task
                _refuse_bad_path(scope)
                scope["state"][DISCARDS_WRITES] = scope["method"] == HttpMethod.HEAD
                if scope["method"] == HttpMethod.HEAD:
                    # The server's own scope stays HEAD, so that it sends no body.
                    answer.scope = {**scope, "method": HttpMethod.GET}
                await self.app(answer.scope, receive, answer.send)
        except Exception as error:
            if answer.status is not None:
                raise
            await answer.problem(as_problem(error))
        finally:
            answer.observe()

    def extend_deadline(self, scope: Scope) -> None:
        """Give a running request the time to ask a payment processor."""
        self.deadline.extend(scope["state"]["task"], EXTENDED_DEADLINE_SECONDS)


class _Answer:
    """One response while it is sent."""

    __slots__ = ("_send", "deadline", "ids", "method", "scope", "started", "status")

    def __init__(self, scope: HTTPScope, send: Send, deadline: Deadline) -> None:
        self.scope = scope
        self.deadline = deadline
        self.method = scope["method"]
        self.status: int | None = None
        self.started = time.perf_counter()
        self.ids = RequestIds(new_request_id(), _trace_id_of(scope["headers"]))
        request_now.set(self.ids)
        self._send = send
        scope.setdefault("state", {})["request_id"] = self.ids.request_id

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            # The deadline is met; ConnectionLimits handles clients that read slowly.
            self.deadline.meet(self.scope["state"]["task"])
            vary: str | None = self.scope["state"].get("vary")
            given = message.get("headers", ())
            is_uncached = self.scope["path"].startswith("/v1/") and not _has_cache_rule(given)
            message["headers"] = [
                *given,
                (b"x-request-id", self.ids.request_id.encode()),
                *(HEADERS_OF_V1 if is_uncached else HEADERS),
                *(((b"vary", vary.encode()),) if vary else ()),
            ]
        elif self.method == HttpMethod.HEAD and message["type"] == "http.response.body":
            message["body"] = b""
        await self._send(message)

    async def problem(self, problem: Problem) -> None:
        body = problem.encode()
        headers = {
            "content-type": problems.MEDIA_TYPE,
            "content-length": str(len(body)),
            **problem.headers,
        }
        await self.send(
            {
                "type": "http.response.start",
                "status": int(problem.kind.status),
                "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
            }
        )
        await self.send({"type": "http.response.body", "body": body, "more_body": False})

    def observe(self) -> None:
        telemetry.record_request(
            method=self.method if self.method in METHODS else UNKNOWN,
            route=self.scope.get("path_template") or UNROUTED,
            status=self.status or 0,
            seconds=time.perf_counter() - self.started,
            ids=self.ids,
        )


def _trace_id_of(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    values = [value for name, value in headers if name == trace_context.NAME]
    return trace_context.trace_id_of(values[0]) if len(values) == 1 else None


def _has_cache_rule(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the route has a cache rule of its own, as the script and the style sheet have."""
    return any(name == b"cache-control" for name, _ in headers)


def new_request_id() -> str:
    return f"{PROCESS}{next(NUMBERS):08x}"


def _refuse_bad_path(scope: HTTPScope) -> None:
    """Refuse paths that the router would normalise, such as `//v1/me/`, or that are not UTF-8.

    The server decodes invalid bytes to replacement characters, so two ids could become one.
    """
    raw_path = scope.get("raw_path") or b""
    if not raw_path.isascii() or b"%" in raw_path:
        try:
            unquote_to_bytes(raw_path).decode("utf-8")
        except UnicodeDecodeError as error:
            raise Problem(problems.MALFORMED, "The path is not valid UTF-8.") from error
    # People type the addresses of pages, and a slash at their end changes nothing.
    is_page = scope["path"] == "/" or scope["path"].startswith("/account/")
    if "//" in scope["path"] or (scope["path"].endswith("/") and not is_page):
        raise Problem(problems.NOT_FOUND)


def answer_problem(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar's handler of every exception that a route raises."""
    problem = problem_of(request, error)
    return Response(
        problem.encode(),
        status_code=int(problem.kind.status),
        media_type=problems.MEDIA_TYPE,
        headers=problem.headers,
    )


def problem_of(request: Request[Any, Any, Any], error: Exception) -> Problem:
    """The problem of an exception, with the methods of the address if another was used."""
    problem = as_problem(error)
    if isinstance(error, MethodNotAllowedException):
        problem.headers["Allow"] = ", ".join(allowed_methods(request.app, request.scope["path"]))
    return problem


def as_problem(error: Exception) -> Problem:
    """Map any exception to a problem; unexpected errors are logged and not disclosed."""
    expected = error if isinstance(error, Problem) else _framework_problem(error)
    if expected is not None:
        return expected
    if is_unavailable(error):
        logger.warning("unavailable", exc_info=error)
        return problems.unavailable("The database did not answer in time.")
    logger.error("internal error", exc_info=error)
    return Problem(problems.INTERNAL_ERROR)


def _framework_problem(error: Exception) -> Problem | None:
    """Map the framework's exceptions about a request to problems."""
    match error:
        case ValidationException():
            return _invalid(error.extra)
        case NotFoundException():
            return Problem(problems.NOT_FOUND)
        case MethodNotAllowedException():
            return Problem(problems.METHOD_NOT_ALLOWED)
        case HTTPException(status_code=413):
            return Problem(problems.TOO_LARGE)
        case InternalServerException(detail="client disconnected prematurely"):
            return Problem(problems.MALFORMED, "The body ended before it was complete.")
        case ClientException():
            return Problem(problems.MALFORMED, error.detail)
        case _:
            return None


def _invalid(extra: Any) -> Problem:
    """Litestar names the parameter in `key`; a missing body is not a wrong field."""
    messages = extra if isinstance(extra, list) else []
    errors = tuple(
        FieldError(str(message.get("key", "")), describe_pattern(str(message.get("message", ""))))
        for message in messages
    )
    if any(error.field == "data" for error in errors):
        return Problem(problems.MALFORMED, "The body is missing: send a JSON object.")
    return invalid_fields(errors)


async def answer_options(request: Request[Any, Any, Any]) -> Response[None] | None:
    """Hook before a handler, because Litestar's own OPTIONS knows only one method of a path."""
    if request.method != HttpMethod.OPTIONS:
        return None
    allow = ", ".join(allowed_methods(request.app, request.scope["path"]))
    return Response(None, status_code=HTTP_204_NO_CONTENT, headers={"Allow": allow})


def allowed_methods(app: Litestar, path: str) -> Iterable[str]:
    """The methods of a path; RFC 9110 §15.5.6 requires them in a 405 response."""
    methods = []
    for method in ("DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"):
        with suppress(NotFoundException, MethodNotAllowedException):
            app.asgi_router.handle_routing(path=path, method=method)
            methods += [method, *(["HEAD"] if method == "GET" else [])]
    return methods
