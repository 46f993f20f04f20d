"""What the contract shows can be sent: its examples, and texts of the lengths that it names."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import msgspec
import pytest

from paywall.settings import Settings
from tests.conftest import Bearer
from tests.contract.file import todays
from tests.contract.strict import component

Json = dict[str, Any]
Sent = Callable[[str, str, str, object], Awaitable[str]]
CONTRACT = todays()
# Of these a request names one; each shape's own example has one.
EXCLUSIVE = {
    *("reader_id", "visitor_id", "pack_id", "pass_id", "plan_id"),
    *("token_id", "subject", "issued_before"),
}
ORIGIN = "https://news.example"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The examples come back to a page of the site."""
    return msgspec.structs.replace(settings, allowed_origins=[ORIGIN])


def address(path: str, operation: Json) -> str:
    for parameter in operation.get("parameters", []):
        if parameter.get("in") == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
    return path


@pytest.fixture
def sent(service: httpx.AsyncClient, bearer: Bearer) -> Sent:
    """Sends an operation's example with another value of one field; what is refused of it."""

    async def send(path: str, method: str, name: str, value: object) -> str:
        operation = CONTRACT["paths"][path][method]
        content = operation["requestBody"]["content"]["application/json"]
        answer = await service.request(
            method,
            address(path, operation),
            json={**content["example"], name: value},
            headers=bearer.reader("sophea") if path.startswith("/v1/me") else bearer.site(),
        )
        if answer.status_code not in (400, 413, 415, 422):
            return ""
        return f"{method} {path} {name}: {answer.json()['detail']}"

    return send


def fields() -> Iterator[tuple[str, str, str, Json]]:
    """Each field of each request: its path, its method, its name and its schema."""
    for path, methods in CONTRACT["paths"].items():
        for method, operation in methods.items():
            if "requestBody" in operation:
                content = operation["requestBody"]["content"]["application/json"]
                shape = component(CONTRACT, content["schema"]["$ref"])
                for name, field in shape["properties"].items():
                    yield path, method, name, field


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_the_example_of_every_field_can_be_sent(sent: Sent) -> None:
    refused = [
        await sent(path, method, name, field["examples"][0])
        for path, method, name, field in fields()
        if name not in EXCLUSIVE and field.get("examples")
    ]
    assert len(refused) > 50
    assert not [reason for reason in refused if reason]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_text_is_taken_up_to_its_documented_length(sent: Sent) -> None:
    seen = 0
    for path, method, name, field in fields():
        for option in field.get("anyOf", [field]):
            # A cursor is no text: only what the service gave out is taken.
            if "maxLength" not in option or name == "cursor":
                continue
            longest = str(field["examples"][0]).ljust(option["maxLength"], "a")
            assert not await sent(path, method, name, longest)
            assert await sent(path, method, name, f"{longest}a")
            seen += 1
    assert seen >= 8


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_body_that_may_be_left_out_is_an_object_where_it_is_sent(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    seen = []
    for path, methods in CONTRACT["paths"].items():
        for method, operation in methods.items():
            if operation.get("requestBody", {}).get("required", True):
                continue
            content = operation["requestBody"]["content"]["application/json"]
            assert component(CONTRACT, content["schema"]["$ref"])["type"] == "object"
            caller = bearer.reader("sophea") if path.startswith("/v1/me") else bearer.site()
            json = {**caller, "Content-Type": "application/json"}
            answer = await service.request(
                method, address(path, operation), content=b"null", headers=json
            )
            assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid_fields")
            seen.append(path)
    assert "/v1/readers/{reader_id}/token" in seen
