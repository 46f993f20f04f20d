"""The OpenAPI 3.1 document, made from the application's own list of routes."""

from importlib.resources import files
from typing import Any

from litestar import Litestar

from paywall import __version__, problems
from paywall.contract.examples import EXAMPLES
from paywall.contract.operation import Operation, Parameter, operations
from paywall.contract.problem_schemas import (
    header_refs,
    problem_example,
    problem_schemas,
    refusals,
    shared_responses,
)
from paywall.contract.schemas import model_name, parameter_schema, schemas_of, with_rule
from paywall.idempotency import HEADER
from paywall.tokens.guard import SECURITY_SCHEMES

Json = dict[str, Any]

TAGS = {
    "access": "May this reader have the body of this article?",
    "articles": "What the site sells, and the bodies.",
    "credits": "Credits: granted, voided, and every change to them.",
    "unlocks": "Articles that readers have for good.",
    "payments": "Checkouts, purchases by any processor, and refunds.",
    "catalogue": "Plans, packs and passes: what can be bought.",
    "subscriptions": "What opens everything until it ends.",
    "subscribers": "All that one reader has.",
    "imports": "Many rows at once, for moving over from another system.",
    "tokens": "Tokens for readers, their end, and the keys.",
    "web": "What a page of the site loads, so that readers can unlock, buy and cancel on it.",
    "operations": "Is the service well?",
}
HEADERS = {
    "X-Request-Id": "Names this answer in the service's log.",
    "WWW-Authenticate": "What a token lacks (RFC 6750 §3).",
    "Retry-After": "Seconds to wait before the request is repeated.",
    "Idempotent-Replay": "`true` where this is the kept answer of an earlier request.",
}
KEY: Json = {
    "name": HEADER,
    "in": "header",
    "description": "A random text of 1 to 200 characters, new for each new request: a repeat with"
    " the same key and JSON gets the first one's answer, for 24 hours.",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-.0-[\\]-~]+$"},
    "example": "5f0c6f7e-2a53-4f0e-9a55-6b1f0a1c7d11",
}


def document(app: Litestar) -> Json:
    """The contract of these routes.

    Raises LookupError where a field lacks its description, and ValueError where a handler lacks its
    docstring or its one guard.
    """
    listed = operations(app)
    models = {model for item in listed for model in (item.request, item.answer) if model}
    schemas, named = schemas_of(sorted(models, key=str))
    paths: dict[str, Json] = {}
    for operation in listed:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation_object(
            operation, schemas
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Paywall",
            "version": __version__,
            "description": files("paywall.contract").joinpath("overview.md").read_text("utf-8"),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": name, "description": text}
            for name, text in TAGS.items()
            if name in {operation.tag for operation in listed}
        ],
        "paths": paths,
        "components": {
            "schemas": dict(sorted({**named, **problem_schemas()}.items())),
            "responses": shared_responses(),
            "parameters": {HEADER: KEY},
            "headers": {
                name: {"description": text, "schema": {"type": "string"}}
                for name, text in HEADERS.items()
            },
            "examples": {kind.code: problem_example(kind) for kind in problems.ALL},
            "securitySchemes": {
                name: scheme.to_schema() for name, scheme in SECURITY_SCHEMES.items()
            },
        },
    }


def _operation_object(operation: Operation, schemas: dict[Any, Json]) -> Json:
    summary = operation.handler.summary or operation.text.split("\n\n")[0].replace("\n", " ")
    parameters = [_parameter(parameter) for parameter in operation.parameters]
    parameters += [_header(name, meaning) for name, meaning in operation.headers.items()]
    if operation.takes_key:
        parameters.append({"$ref": f"#/components/parameters/{HEADER}"})
    described: Json = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": f"{operation.who}: {summary.rstrip('.')}",
        "description": operation.text,
        "security": operation.guard.security,
    }
    if parameters:
        described["parameters"] = parameters
    if operation.request is not None:
        described["requestBody"] = {
            "required": operation.needs_body,
            "content": {"application/json": _content(operation.request, schemas)},
        }
    described["responses"] = {
        **{str(status): answer for status, answer in _answers(operation, schemas).items()},
        **refusals(operation.refusals),
    }
    return described


def _parameter(parameter: Parameter) -> Json:
    meaning = parameter.limits.description
    if not meaning:
        raise LookupError(f"The parameter {parameter.name} has no description")
    described: Json = {
        "name": parameter.name,
        "in": parameter.place,
        "description": with_rule(meaning, parameter.limits.pattern),
        "required": parameter.place == "path",
        "schema": parameter_schema(parameter),
    }
    if parameter.name in EXAMPLES.parameters:
        described["example"] = EXAMPLES.parameters[parameter.name]
    return described


def _header(name: str, meaning: str) -> Json:
    schema = {"type": "string"}
    described: Json = {
        "name": name, "in": "header", "description": meaning, "required": False, "schema": schema
    }  # fmt: skip
    if name in EXAMPLES.parameters:
        described["example"] = EXAMPLES.parameters[name]
    return described


def _content(model: Any, schemas: dict[Any, Json]) -> Json:
    content = {"schema": schemas[model]}
    if example := EXAMPLES.models.get(model_name(model)):
        content["example"] = example
    return content


def _answers(operation: Operation, schemas: dict[Any, Json]) -> dict[int, Json]:
    headers = ["X-Request-Id", *(["Idempotent-Replay"] if operation.takes_key else [])]
    responses: dict[int, Json] = {}
    for status, meaning in sorted(operation.answers.items()):
        own = {
            name: {"description": text, "schema": {"type": "string"}}
            for name, text in operation.answer_headers.items()
        }
        responses[status] = {"description": meaning, "headers": {**header_refs(headers), **own}}
        if operation.answer is not None:
            content = _content(operation.answer, schemas)
            responses[status]["content"] = {operation.media_type: content}
    return responses
