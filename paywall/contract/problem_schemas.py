"""Problem documents in the contract: their schemas, their responses and their examples.

A kind with members of its own has a schema of its own. What an operation answers with one status
has the schema of that status, whose name and meaning do not depend on which kinds there are today.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from paywall import problem_types, problems
from paywall.contract.examples import EXAMPLES
from paywall.problem_types import FieldError, ProblemMember, ProblemType
from paywall.problems import (
    INVALID_FIELDS,
)

Json = dict[str, Any]
SCHEMAS = "#/components/schemas/"
ANY_PROBLEM = "Problem"
# The schema of each status whose kinds have more than one.
OF_STATUS = {403: "ForbiddenProblem", 409: "ConflictProblem", 422: "UnprocessableProblem"}
TYPES: Mapping[Any, Json] = {
    str: {"type": "string"},
    int: {"type": "integer", "format": "int64"},
    list[str]: {"type": "array", "items": {"type": "string"}},
    list[FieldError]: {
        "type": "array",
        "maxItems": problem_types.ERRORS_MAX,
        "items": {"$ref": f"{SCHEMAS}FieldError"},
    },
}
# Responses that operations share by their form; all others stand in their operations.
SHARED: Mapping[str, tuple[ProblemType, ...]] = {
    "Malformed": (problems.MALFORMED,),
    "Unauthorized": (problems.TOKEN_MISSING, problems.INVALID_TOKEN),
    "Forbidden": (problems.INSUFFICIENT_SCOPE,),
    "TooLarge": (problems.TOO_LARGE,),
    "UnsupportedMediaType": (problems.MEDIA_TYPE_UNSUPPORTED,),
    "InvalidFields": (problems.INVALID_FIELDS,),
    "InvalidFieldsOrKey": (problems.INVALID_FIELDS, problems.IDEMPOTENCY_KEY_REUSED),
    "RateLimited": (problems.RATE_LIMITED,),
    "Unavailable": (problems.UNAVAILABLE,),
}
DEFAULT = "Failed"
DETAIL = "What is wrong, and how to fix it."
SPECIAL_HEADERS = {
    401: "WWW-Authenticate",
    403: "WWW-Authenticate",
    429: "Retry-After",
    503: "Retry-After",
}
# No token of another kind would help.
WITHOUT_CHALLENGE = {problems.ACCESS_DENIED}


def type_of(kind: ProblemType) -> str:
    return f"/problems/{kind.code}"


def schema_name(kind: ProblemType) -> str:
    """The schema of one kind."""
    if not kind.members:
        return ANY_PROBLEM
    return f"{''.join(word.capitalize() for word in kind.code.split('_'))}{ANY_PROBLEM}"


def problem_schemas() -> dict[str, Json]:
    """Every named schema of problem documents."""
    return {
        "ProblemType": {
            "description": "The kind of problem: stable, and an address that explains it. New kinds"
            " may come: go by the status where you do not know one.",
            "type": "string",
            "enum": [type_of(kind) for kind in problems.ALL],
            "x-enum-varnames": [kind.code.upper() for kind in problems.ALL],
        },
        "FieldError": {
            "description": "What is wrong with one field.",
            "type": "object",
            "properties": {
                "field": _text(
                    "The path of the field, such as `tags[2]`.", problem_types.FIELD_CHARS_MAX
                ),
                "detail": _text(DETAIL, problem_types.ERROR_DETAIL_CHARS_MAX),
            },
            "required": ["field", "detail"],
        },
        ANY_PROBLEM: _general_schema(),
        **{schema_name(kind): _schema_of(kind) for kind in problems.ALL if kind.members},
        **{name: _any_of(status) for status, name in OF_STATUS.items()},
    }


def _text(description: str, chars_max: int) -> Json:
    return {"description": description, "type": "string", "maxLength": chars_max}


def _general_schema() -> Json:
    general = _schema(
        "Why a request was refused (RFC 9457).", {"$ref": f"{SCHEMAS}ProblemType"}, {}
    )
    general["properties"]["errors"] = _member(INVALID_FIELDS.members[0])
    return general


def _member(member: ProblemMember) -> Json:
    return {"description": member.description, **TYPES[member.type]}


def _schema_of(kind: ProblemType) -> Json:
    members = {member.name: _member(member) for member in kind.members}
    return _schema(f"{kind.title}.", {"type": "string", "const": type_of(kind)}, members)


def _schema(description: str, type_: Json, members: Mapping[str, Json]) -> Json:
    properties: Json = {
        "type": {"description": "The kind of problem.", **type_},
        "title": {"description": "What the kind is called.", "type": "string"},
        "status": {
            "description": "The status of the answer.",
            "type": "integer",
            "format": "int32",
        },
        "detail": _text(DETAIL, problem_types.DETAIL_CHARS_MAX),
        **members,
    }
    return {
        "description": description,
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }


def _any_of(status: int) -> Json:
    """Not `oneOf`: the general schema is one of every kind."""
    kinds = _kinds_of(status)
    schemas = sorted({schema_name(kind) for kind in kinds} - {ANY_PROBLEM})
    return {
        "description": f"A problem of status {status}; `type` says of which kind.",
        "anyOf": [{"$ref": f"{SCHEMAS}{schema}"} for schema in [*schemas, ANY_PROBLEM]],
        "discriminator": {
            "propertyName": "type",
            "mapping": {type_of(kind): f"{SCHEMAS}{schema_name(kind)}" for kind in kinds},
        },
    }


def refusals(kinds: list[ProblemType]) -> Json:
    """What an operation with these kinds answers, by status; and any other failure."""
    responses: Json = {}
    for status in sorted({int(kind.status) for kind in kinds}):
        of_status = tuple(kind for kind in kinds if kind.status == status)
        shared = [name for name, those in SHARED.items() if those == of_status]
        responses[str(status)] = _ref(shared[0]) if shared else refusal(of_status)
    return {**responses, "default": _ref(DEFAULT)}


def shared_responses() -> dict[str, Json]:
    """The responses that operations refer to."""
    failed = refusal((problems.INTERNAL_ERROR,))
    failed["description"] = "Any other refusal or failure."
    return {**{name: refusal(kinds) for name, kinds in SHARED.items()}, DEFAULT: failed}


def refusal(kinds: tuple[ProblemType, ...]) -> Json:
    """One response for kinds of one status."""
    status = int(kinds[0].status)
    has_special = status in SPECIAL_HEADERS and not WITHOUT_CHALLENGE & {*kinds}
    headers = ["X-Request-Id", *([SPECIAL_HEADERS[status]] if has_special else [])]
    return {
        "description": " · ".join(f"{kind.title} (`{kind.code}`)" for kind in kinds),
        "headers": header_refs(headers),
        "content": {
            problems.MEDIA_TYPE: {
                "schema": {"$ref": f"{SCHEMAS}{_schema_of_status(status)}"},
                "examples": {
                    kind.code: {"$ref": f"#/components/examples/{kind.code}"} for kind in kinds
                },
            }
        },
    }


def _schema_of_status(status: int) -> str:
    schemas = {schema_name(kind) for kind in _kinds_of(status)}
    return schemas.pop() if len(schemas) == 1 else OF_STATUS[status]


def _kinds_of(status: int) -> list[ProblemType]:
    return [kind for kind in problems.ALL if kind.status == status]


def header_refs(names: Iterable[str]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def problem_example(kind: ProblemType) -> Json:
    return {
        "summary": kind.title,
        "value": EXAMPLES.problems.get(kind.code)
        or {
            "type": type_of(kind),
            "title": kind.title,
            "status": int(kind.status),
            "detail": kind.remedy,
        },
    }


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/responses/{name}"}
