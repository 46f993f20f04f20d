"""The contract tells a caller everything: fails where a new operation, field or problem is bare."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from litestar import Litestar, get
from litestar.handlers import HTTPRouteHandler

from paywall import problems
from paywall.app import create_app
from paywall.contract.document import document
from paywall.contract.problem_schemas import schema_name
from paywall.http.bodies import ResponseModel
from paywall.settings import Settings
from paywall.tokens.guard import anyone
from tests.contract.file import todays
from tests.contract.strict import component, strictly
from tests.router import router_of

Json = dict[str, Any]
CONTRACT = todays()
SCHEMAS = CONTRACT["components"]["schemas"]
PAGES = ("/account", "/web/", "/docs", "/problems/")
OF_THE_CONNECTION = {"head_too_large", "not_implemented", "http_version_unsupported"}
OPERATIONS_MIN = 40
OPERATIONS = {
    operation["operationId"]: operation
    for methods in CONTRACT["paths"].values()
    for operation in methods.values()
}


def test_there_is_a_contract_to_test() -> None:
    """The tests below ask each operation and schema, and would pass where there are none."""
    assert min(len(OPERATIONS), len(SCHEMAS)) > OPERATIONS_MIN


class Bare(ResponseModel):
    """A shape that nobody described."""

    nobody_knows: int


@get("/bare", guards=[anyone], sync_to_thread=False)
def bare_field() -> Bare:
    """An operation whose answer has a field without a description."""
    return Bare(nobody_knows=1)


@get("/silent", guards=[anyone], sync_to_thread=False)
def without_docstring() -> None: ...


def resolved(node: Json) -> Json:
    return component(CONTRACT, node["$ref"]) if "$ref" in node else node


def examples_of_operations() -> Iterator[tuple[str, Json, Any]]:
    """Every example of a parameter, a request and a response, with its schema."""
    for name, operation in OPERATIONS.items():
        for parameter in map(resolved, operation.get("parameters", [])):
            if "example" in parameter:
                yield f"{name} {parameter['name']}", parameter["schema"], parameter["example"]
        contents = [
            operation.get("requestBody", {}),
            *map(resolved, operation["responses"].values()),
        ]
        for content in contents:
            for item in content.get("content", {}).values():
                examples = [
                    resolved(example)["value"] for example in item.get("examples", {}).values()
                ]
                for example in examples or [item["example"]]:
                    yield name, item["schema"], example


def examples_of_fields_and_problems() -> Iterator[tuple[str, Json, Any]]:
    for name, schema in SCHEMAS.items():
        for field, received in schema.get("properties", {}).items():
            for example in received.get("examples", []):
                yield f"{name}.{field}", received, example
    for kind in problems.ALL:
        example = CONTRACT["components"]["examples"][kind.code]["value"]
        yield kind.code, SCHEMAS[schema_name(kind)], example


def test_every_example_matches_its_schema_without_undeclared_members() -> None:
    components = strictly(CONTRACT["components"])
    for received, schema, example in (
        *examples_of_operations(),
        *examples_of_fields_and_problems(),
    ):
        whole = {**strictly(schema), "components": components}
        validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        errors = [error.message for error in validator.iter_errors(example)]
        assert not errors, (received, errors)


def test_an_undeclared_member_is_seen() -> None:
    schema = {**strictly(SCHEMAS["Problem"]), "components": strictly(CONTRACT["components"])}
    validator = jsonschema_rs.Draft202012Validator(schema)
    value = CONTRACT["components"]["examples"]["price_changed"]["value"]
    assert [error.message for error in validator.iter_errors(value)]


def nodes(node: Any) -> Iterator[Json]:
    """Every object of the contract but those of examples."""
    if isinstance(node, dict):
        yield node
        node = [inner for name, inner in node.items() if name not in ("example", "examples")]
    for inner in node if isinstance(node, list) else ():
        yield from nodes(inner)


def test_every_integer_has_a_format() -> None:
    integers = [node for node in nodes(CONTRACT) if node.get("type") == "integer"]
    assert len(integers) > 50
    status = SCHEMAS["Problem"]["properties"]["status"]
    assert [node for node in integers if node["format"] != "int64" and node != status] == []


def test_every_enum_that_generators_cannot_name_has_names() -> None:
    for name, schema in SCHEMAS.items():
        values = schema.get("enum", [])
        names = schema.get("x-enum-varnames", [value.upper() for value in values])
        assert len({*names}) == len(values), name
        assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*", item) for item in names), name


def test_no_enum_stands_outside_of_the_named_schemas() -> None:
    named = [schema for schema in SCHEMAS.values() if "enum" in schema]
    assert [node for node in nodes(CONTRACT) if "enum" in node] == named


def test_every_body_is_of_a_named_schema() -> None:
    """Of any other a generator makes up the name."""
    for name, operation in OPERATIONS.items():
        bodies = [operation.get("requestBody", {}), *map(resolved, operation["responses"].values())]
        for body in bodies:
            for content in body.get("content", {}).values():
                assert content["schema"].keys() == {"$ref"}, name


def test_no_object_stands_outside_of_the_named_schemas() -> None:
    objects = [node for node in nodes(CONTRACT) if "properties" in node]
    assert [node for node in objects if node not in SCHEMAS.values()] == []


def test_no_schema_is_named_as_one_of_its_fields() -> None:
    """Where a field is a class's own name, C# and PHP do not compile."""
    for name, schema in SCHEMAS.items():
        fields = {field.replace("_", "").lower() for field in schema.get("properties", {})}
        assert name.lower() not in fields


def test_every_operation_has_a_default_response() -> None:
    for operation in OPERATIONS.values():
        failed = resolved(operation["responses"]["default"])
        (content,) = failed["content"].values()
        assert content["schema"] == {"$ref": "#/components/schemas/Problem"}


def test_the_schema_of_a_status_does_not_depend_on_the_operation() -> None:
    """So it stays when an operation is refused for one more reason."""
    found: dict[str, set[str]] = {}
    for operation in OPERATIONS.values():
        for status, response in operation["responses"].items():
            for media_type, content in resolved(response).get("content", {}).items():
                if media_type == problems.MEDIA_TYPE:
                    found.setdefault(status, set()).add(content["schema"]["$ref"])
    assert {status: len(names) for status, names in found.items() if len(names) > 1} == {}


def test_every_pattern_is_one_that_re2_takes() -> None:
    patterns = {node["pattern"] for node in nodes(CONTRACT) if "pattern" in node}
    assert len(patterns) > 3
    for pattern in patterns:
        assert not re.search(r"\(\?(?!:)|\\[1-9ZuUps]", pattern), pattern
        assert all(int(count) <= 1000 for count in re.findall(r"(\d+)\}", pattern)), pattern
        # The engine without backtracking of Rust takes what RE2 takes.
        jsonschema_rs.Draft202012Validator(
            {"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions()
        )


OPERATION_ID = re.compile(
    r"(cancel|check|create|delete|export|get|list|post|put|read|resume|revoke|search|unlock)(_[a-z]+)+"
)


def test_operation_ids_are_a_verb_and_a_noun() -> None:
    for path, methods in CONTRACT["paths"].items():
        for operation in methods.values():
            assert OPERATION_ID.fullmatch(operation["operationId"]), operation["operationId"]
            is_readers = path.startswith("/v1/me")
            assert ("_my_" in operation["operationId"]) == is_readers, operation["operationId"]


# No request with it succeeds, so none is recorded: files may have it, and share the shape.
ALWAYS_REFUSED = {"SubscriptionRow.stripe_subscription_id"}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_tells_who_why_and_how(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["summary"].partition(": ")[0] in ("site", "reader", "anyone")
    assert operation["description"]
    assert "200" in operation["responses"] or "204" in operation["responses"]
    for parameter in operation.get("parameters", []):
        assert "$ref" in parameter or parameter["description"]


def test_every_field_of_every_shape_is_described_and_shown() -> None:
    for name, schema in SCHEMAS.items():
        if "Problem" in name or name == "FieldError":
            continue
        for field, received in schema.get("properties", {}).items():
            assert received["description"], f"{name}.{field}"
            if f"{name}.{field}" not in ALWAYS_REFUSED:
                assert "$ref" in received or received.get("type") == "null" or received["examples"]


def test_every_kind_of_problem_is_shown() -> None:
    assert set(CONTRACT["components"]["examples"]) == {kind.code for kind in problems.ALL}


def test_every_kind_is_answered_by_some_operation_or_by_the_edge() -> None:
    of_the_edge = {"not_found", "method_not_allowed", "internal_error", *OF_THE_CONNECTION}
    answered = {
        code
        for operation in OPERATIONS.values()
        for status, response in operation["responses"].items()
        if status != "default"
        for content in resolved(response).get("content", {}).values()
        for code in content.get("examples", {})
    }
    assert {kind.code for kind in problems.ALL} - answered <= of_the_edge


def test_nothing_is_left_out_but_pages_and_files() -> None:
    app = router_of(create_app(Settings()))
    assert isinstance(app, Litestar)
    hidden = {
        route.path
        for route in app.routes
        for handler in getattr(route, "route_handlers", [])
        if isinstance(handler, HTTPRouteHandler)
        and handler.http_methods != {"OPTIONS"}
        and not handler.resolve_include_in_schema()
    }
    files = {"/openapi.json", "/v1/khqr/{image_name:str}", "/v1/parts/current/{name:str}"}
    assert {path for path in hidden if not path.startswith(PAGES)} == files


def test_a_key_is_documented_where_it_is_honoured() -> None:
    clawback = {
        name
        for name, operation in OPERATIONS.items()
        if {"$ref": "#/components/parameters/Idempotency-Key"} in operation.get("parameters", [])
    }
    assert {
        "post_grant",
        "post_void",
        "unlock_my_article",
        "post_purchase",
        "post_refund",
    } <= clawback
    assert not clawback & {"check_access", "read_body", "create_reader_token", "revoke_tokens"}


def test_a_field_without_a_description_is_refused() -> None:
    with pytest.raises(LookupError, match=r"Bare\.nobody_knows has no description"):
        document(Litestar([bare_field], openapi_config=None))


def test_an_operation_without_a_docstring_is_refused() -> None:
    with pytest.raises(ValueError, match="without_docstring has no docstring"):
        document(Litestar([without_docstring], openapi_config=None))
