"""A change that breaks a caller is found: against the last release, and each kind of it once."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.contract.breaking import breaks
from tests.contract.file import RELEASED, todays

Json = dict[str, Any]
TODAY = todays()
CHECK, ARTICLES = "/v1/access/check", "/v1/articles"
GRANTS = "/v1/subscribers/{reader_id}/grants"
A_PARAMETER = {"name": "since", "in": "query", "required": True, "schema": {"type": "string"}}


def schema(contract: Json, name: str) -> Json:
    found: Json = contract["components"]["schemas"][name]
    return found


def operation(contract: Json, path: str, method: str = "post") -> Json:
    found: Json = contract["paths"][path][method]
    return found


BREAKING: dict[str, Callable[[Json], object]] = {
    "POST /v1/access/check was removed": lambda c: c["paths"].pop(CHECK),
    "POST /v1/access/check: the status 200 was removed": lambda c: operation(c, CHECK)[
        "responses"
    ].pop("200"),
    "POST /v1/access/check asks for more than {'site': ['access:check']}": lambda c: operation(
        c, CHECK
    ).update(security=[{"site": ["admin"]}]),
    "GET /livez asks for more than nothing": lambda c: operation(c, "/livez", "get").update(
        security=[{"reader": []}]
    ),
    "GET /v1/articles: the parameter since is now required": lambda c: operation(
        c, ARTICLES, "get"
    )["parameters"].append(A_PARAMETER),
    "GET /v1/articles: the parameter cursor was removed": lambda c: operation(c, ARTICLES, "get")[
        "parameters"
    ].pop(1),
    "GET /v1/articles: the maximum of limit is now 100": lambda c: operation(c, ARTICLES, "get")[
        "parameters"
    ][0]["schema"].update(maximum=100),
    "GET /v1/me now needs a body": lambda c: operation(c, "/v1/me", "get").update(
        requestBody=operation(c, CHECK)["requestBody"]
    ),
    "POST /v1/access/check: 200.granted was removed": lambda c: schema(c, "DecisionAnswer")[
        "properties"
    ].pop("granted"),
    "POST /v1/access/check: 200.granted is no longer required": lambda c: schema(
        c, "DecisionAnswer"
    )["required"].remove("granted"),
    "POST /v1/access/check: 200.granted can now be string": lambda c: schema(c, "DecisionAnswer")[
        "properties"
    ]["granted"].update(type="string"),
    "POST /v1/access/check: 200.unlocks_left can now be null": lambda c: schema(
        c, "DecisionAnswer"
    )["properties"].update(unlocks_left={"anyOf": [{"type": "integer"}, {"type": "null"}]}),
    "POST /v1/access/check: 200.actions[] can now be integer": lambda c: schema(
        c, "DecisionAnswer"
    )["properties"]["actions"].update(items={"type": "integer"}),
    "POST /v1/access/check: body.reader_id is now required": lambda c: schema(c, "Question")[
        "required"
    ].append("reader_id"),
    "POST /v1/access/check: body.visitor_id was removed": lambda c: schema(c, "Question")[
        "properties"
    ].pop("visitor_id"),
    "POST /v1/access/check: body.reader_id no longer takes null": lambda c: schema(c, "Question")[
        "properties"
    ].update(reader_id={"type": "string"}),
    "POST /v1/access/check: the pattern of body.article_id is another": lambda c: schema(
        c, "Id"
    ).update(pattern="^[a-z]+$"),
    f"POST {GRANTS}: body.source no longer takes adjustment": lambda c: schema(c, "GivenSource")[
        "enum"
    ].remove("adjustment"),
    f"POST {GRANTS}: the maximum of body.amount is now 10": lambda c: schema(c, "GrantInput")[
        "properties"
    ]["amount"].update(maximum=10),
    "POST /v1/me/unlocks: 409.unlock_cost was removed": lambda c: [
        schema(c, name)["properties"].pop("unlock_cost")
        for name in ("PriceChangedProblem", "InsufficientCreditsProblem")
    ],
    f"POST {GRANTS}: the minimum of body.amount is now 5": lambda c: schema(c, "GrantInput")[
        "properties"
    ]["amount"].update(minimum=5),
}

HARMLESS: dict[str, Callable[[Json], object]] = {
    "a new operation": lambda c: c["paths"].update({"/v1/new": c["paths"]["/v1/me"]}),
    "a new field of an answer": lambda c: schema(c, "DecisionAnswer")["properties"].update(
        event_ref={"type": "string"}
    ),
    "a new optional field of a request": lambda c: schema(c, "Question")["properties"].update(
        event_ref={"type": "string"}
    ),
    "a higher limit": lambda c: schema(c, "GrantInput")["properties"]["amount"].update(
        maximum=10**9
    ),
    "one more value of a request": lambda c: schema(c, "GivenSource")["enum"].append("gift"),
    "one more value of an answer": lambda c: schema(c, "Reason")["enum"].append("gifted"),
    "one more kind of problem": lambda c: schema(c, "ProblemType")["enum"].append("/problems/new"),
    "one more status": lambda c: operation(c, CHECK)["responses"].update({"429": {}}),
    "another format of a number": lambda c: schema(c, "GrantInput")["properties"]["amount"].update(
        format="int32"
    ),
    "a needless scope": lambda c: operation(c, CHECK).update(security=[{"site": []}]),
    "a narrower scope than admin": lambda c: operation(c, "/v1/tokens/revoke").update(
        security=[{"site": ["subscribers:write"]}]
    ),
    "other words": lambda c: operation(c, CHECK).update(description="Other words."),
}


UNSAFE = "Pages linked to it, and a javascript: address ran there."
# What is refused since the last release, and why no caller may go on sending it.
INTENDED = {
    "PUT /v1/articles/{article_id}: the pattern of body.url is another": UNSAFE,
    "PUT /v1/articles/{article_id}: the maxLength of body.url is now 2000": UNSAFE,
}


def test_no_caller_of_the_last_release_is_broken() -> None:
    released = yaml.safe_load(RELEASED.read_text(encoding="utf-8"))
    found = [item for item in breaks(released, TODAY) if item not in INTENDED]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("received", "change"), BREAKING.items())
def test_a_break_is_found(received: str, change: Callable[[Json], object]) -> None:
    changed = copy.deepcopy(TODAY)
    change(changed)
    assert received in list(breaks(TODAY, changed))


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_breaks_nobody_is_let_by(change: Callable[[Json], object]) -> None:
    changed = copy.deepcopy(TODAY)
    change(changed)
    assert not list(breaks(TODAY, changed))
