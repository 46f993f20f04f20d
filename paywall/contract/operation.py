"""One operation of the contract, as its handler tells it.

Most is read from the handler's guard, parameters, models and docstring. What only its author knows
stands in the decorator: `refuses=` the kinds of problems of its own, `answers=` a sentence for
each status of success, where there are several, and `headers=` and `answer_headers=` a sentence
for each header of its own.
"""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from litestar import Litestar, Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import ParameterKwarg, QueryParameter
from litestar.routes import HTTPRoute
from litestar.typing import FieldDefinition

from paywall import problems
from paywall.problem_types import ProblemType
from paywall.tokens.caller import TokenKind
from paywall.tokens.guard import Guard, guard_of
from paywall.tokens.write_limits import CHECKS, WRITES

METHODS = ("GET", "PUT", "POST", "DELETE")
ANSWERED = {200: "The answer.", 201: "Created.", 204: "Done."}


# Folders named after what serves a route, not after what it is about.
TAGS_OF_FOLDERS = {"processors": "payments", "server": "operations"}


class Parameter(NamedTuple):
    """A parameter of the path or of the query."""

    name: str
    place: str
    field: FieldDefinition
    limits: ParameterKwarg


class Operation(NamedTuple):
    """A method and a path, with the handler that answers."""

    method: str
    path: str
    handler: HTTPRouteHandler

    @property
    def id(self) -> str:
        return str(self.handler.name or self.handler.handler_name)

    @property
    def guard(self) -> Guard:
        return guard_of(self.handler)

    @property
    def who(self) -> str:
        match self.guard.kind:
            case None:
                return "anyone"
            case TokenKind.SITE:
                return "site"
            case TokenKind.READER:
                return "reader"

    @property
    def tag(self) -> str:
        """What the handler says, or its folder where that is a noun of the contract."""
        for tag in self.handler.tags or ():
            return str(tag)
        folder = str(self.handler.fn.__module__).split(".")[1]
        return TAGS_OF_FOLDERS.get(folder, folder)

    @property
    def text(self) -> str:
        """The handler's description or docstring; raises ValueError where there is none."""
        text = self.handler.description or inspect.getdoc(self.handler.fn)
        if not text:
            raise ValueError(f"{self.id} has no docstring: say what it is for")
        return text

    @property
    def request(self) -> Any:
        """The model of the body, or None; an optional body is `Model | None`."""
        field = self.handler.parsed_data_field
        if field is not None and field.is_optional:
            return next(inner.annotation for inner in field.inner_types if not inner.is_none_type)
        return None if field is None else field.annotation

    @property
    def needs_body(self) -> bool:
        """Is a body refused when it is left out?"""
        field = self.handler.parsed_data_field
        return field is not None and not field.is_optional

    @property
    def answer(self) -> Any:
        """The model of the response, or None."""
        field = self.handler.parsed_fn_signature.return_type
        if field.is_subclass_of(Response):
            field = field.inner_types[0]
        return None if field.annotation in (None, type(None)) else field.annotation

    @property
    def media_type(self) -> str:
        return str(getattr(self.handler.media_type, "value", self.handler.media_type)) or (
            "application/json"
        )

    @property
    def answers(self) -> Mapping[int, str]:
        """What each status of success means."""
        declared: Mapping[int, str] | None = self.handler.opt.get("answers")
        return declared or {self.handler.status_code: ANSWERED[self.handler.status_code]}

    @property
    def takes_key(self) -> bool:
        """Is `Idempotency-Key` honoured? It is wherever the handler takes a claim."""
        return "claim" in self.handler.parsed_fn_signature.parameters

    @property
    def parameters(self) -> Iterator[Parameter]:
        for own_name, field in self.handler.parsed_fn_signature.parameters.items():
            limits = field.kwarg_definition
            name = getattr(limits, "name", None) or own_name
            if f"{{{name}}}" in self.path and isinstance(limits, ParameterKwarg):
                yield Parameter(name, "path", field, limits)
            elif isinstance(limits, QueryParameter):
                yield Parameter(name, "query", field, limits)

    @property
    def headers(self) -> Mapping[str, str]:
        """Request headers that the handler reads itself, each with its meaning."""
        declared: Mapping[str, str] | None = self.handler.opt.get("headers")
        return declared or {}

    @property
    def answer_headers(self) -> Mapping[str, str]:
        """Headers of its own that each successful response has, each with its meaning."""
        declared: Mapping[str, str] | None = self.handler.opt.get("answer_headers")
        return declared or {}

    @property
    def refusals(self) -> list[ProblemType]:
        """Every kind of problem that it can answer, in the order of `problems.ALL`."""
        own: tuple[ProblemType, ...] = self.handler.opt.get("refuses", ())
        refused = {*own, *self._refusals_of_callers(), *self._refusals_of_fields()}
        return [kind for kind in problems.ALL if kind in refused]

    def _refusals_of_callers(self) -> Iterator[ProblemType]:
        if self.guard.kind is not None:
            yield from (problems.TOKEN_MISSING, problems.INVALID_TOKEN)
            if self.method in WRITES and not self.path.startswith(CHECKS):
                yield problems.RATE_LIMITED
        if self.guard.scope is not None:
            yield problems.INSUFFICIENT_SCOPE
        if self.guard.kind is not None or "database" in self.handler.parsed_fn_signature.parameters:
            yield problems.UNAVAILABLE

    def _refusals_of_fields(self) -> Iterator[ProblemType]:
        parameters = list(self.parameters)
        if self.request is not None or self.takes_key:
            yield from (problems.TOO_LARGE, problems.MEDIA_TYPE_UNSUPPORTED)
        if self.takes_key:
            yield problems.IDEMPOTENCY_KEY_REUSED
        if self.request is not None or self.takes_key or parameters:
            yield from (problems.MALFORMED, problems.INVALID_FIELDS)
        if any(
            parameter.field.annotation is int
            for parameter in parameters
            if parameter.place == "path"
        ):
            yield problems.NOT_FOUND


def operations(app: Litestar) -> list[Operation]:
    """Every operation of the contract, in the order of the application's list of routes."""
    found = [
        Operation(method, route.path_format, handler)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if handler.resolve_include_in_schema()
        for method in handler.http_methods & set(METHODS)
    ]
    return sorted(found, key=lambda operation: METHODS.index(operation.method))
