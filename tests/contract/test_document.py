"""The contract tells a caller everything: fails where a new operation, field or problem is bare."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from litestar import Litestar, get
from litestar.handlers import HTTPRouteHandler

from paywall import problems
from paywall.app import create_app
from paywall.contract.document import document
from paywall.http.bodies import Answer
from paywall.settings import Settings
from paywall.tokens.guard import anyone
from tests.contract.file import todays
from tests.router import router_of

Json = dict[str, Any]
CONTRACT = todays()
SCHEMAS = CONTRACT["components"]["schemas"]
PAGES = ("/account", "/web/", "/docs", "/problems/")
OPERATIONS = {
    operation["operationId"]: operation
    for methods in CONTRACT["paths"].values()
    for operation in methods.values()
}


class Bare(Answer):
    """A shape that nobody described."""

    nobody_knows: int


@get("/bare", guards=[anyone], sync_to_thread=False)
def bare_field() -> Bare:
    """An operation whose answer has a field without a description."""
    return Bare(nobody_knows=1)


@get("/silent", guards=[anyone], sync_to_thread=False)
def without_docstring() -> None: ...


def examples_of_operations() -> Iterator[tuple[str, Json, Any]]:
    """Every example of a parameter, a request and an answer, with its schema."""
    for name, operation in OPERATIONS.items():
        for parameter in operation.get("parameters", []):
            if "example" in parameter:
                yield f"{name} {parameter['name']}", parameter["schema"], parameter["example"]
        contents = [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in contents:
            for each in content.get("content", {}).values():
                yield name, each["schema"], each["example"]


def examples_of_fields_and_problems() -> Iterator[tuple[str, Json, Any]]:
    for name, schema in SCHEMAS.items():
        for field, told in schema.get("properties", {}).items():
            for example in told.get("examples", []):
                yield f"{name}.{field}", told, example
    for code, example in CONTRACT["components"]["examples"].items():
        yield code, SCHEMAS["Problem"], example["value"]


def test_every_example_is_what_its_schema_says() -> None:
    for told, schema, example in (*examples_of_operations(), *examples_of_fields_and_problems()):
        whole = {**schema, "components": CONTRACT["components"]}
        validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        errors = [error.message for error in validator.iter_errors(example)]
        assert not errors, (told, errors)


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
        if name == "Problem":
            continue
        for field, told in schema.get("properties", {}).items():
            assert told["description"], f"{name}.{field}"
            assert "$ref" in told or told.get("type") == "null" or told["examples"]


def test_every_kind_of_problem_is_shown() -> None:
    assert set(CONTRACT["components"]["examples"]) == {kind.code for kind in problems.ALL}


def test_every_kind_is_answered_by_some_operation_or_by_the_edge() -> None:
    of_the_edge = {"not_found", "method_not_allowed", "internal_error"}
    answered = {code for name in CONTRACT["components"]["responses"] for code in name.split(".")}
    assert {kind.code for kind in problems.ALL} - answered <= of_the_edge


def test_nothing_is_left_out_but_the_pages() -> None:
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
    assert {path for path in hidden if not path.startswith(PAGES)} == {"/openapi.json"}


def test_a_key_is_documented_where_it_is_honoured() -> None:
    taking = {
        name
        for name, operation in OPERATIONS.items()
        if {"$ref": "#/components/parameters/Idempotency-Key"} in operation.get("parameters", [])
    }
    assert {"post_grant", "post_void", "unlock_for_me", "post_purchase", "post_refund"} <= taking
    assert not taking & {"check_access", "read_body", "create_reader_token", "revoke_tokens"}


def test_a_field_without_a_description_is_refused() -> None:
    with pytest.raises(LookupError, match=r"Bare\.nobody_knows has no description"):
        document(Litestar([bare_field], openapi_config=None))


def test_an_operation_without_a_docstring_is_refused() -> None:
    with pytest.raises(ValueError, match="without_docstring has no docstring"):
        document(Litestar([without_docstring], openapi_config=None))
