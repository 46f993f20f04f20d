"""Bodies that cannot be read: each refused by its name, on each route that takes one."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from paywall.http.bodies import ARTICLE_BYTES_MAX, BODY_BYTES_MAX
from tests.conftest import Bearer
from tests.contract.file import todays
from tests.http.conftest import Refused

Json = dict[str, Any]
JSON = {"Content-Type": "application/json"}
LARGE = ("PUT /v1/articles/", "POST /v1/bulk/", "POST /v1/imports/")
ROUTES = {
    f"{method.upper()} {path}": operation
    for path, methods in todays()["paths"].items()
    for method, operation in methods.items()
    if "requestBody" in operation
}
UNREADABLE = {
    "empty": b"",
    "cut": b'{"article_id": "1"',
    "two": b"{} {}",
    "too deep": b"[" * 100_000,
    "too deep in a field": b'{"article_id": ' + b"[" * 100_000,
    "not UTF-8": b'{"article_id": "\xff"}',
    "UTF-16": '{"article_id": "1"}'.encode("utf-16"),
    "a lone surrogate": b'{"article_id": "\\ud800"}',
    "raw NUL": b'{"article_id": "\x00"}',
    "NaN": b'{"article_id": NaN}',
}
WRONG: dict[str, tuple[Json, str]] = {
    "a number for a text": ({"article_id": 5}, "article_id"),
    "a text for a flag": ({"article_id": "1", "count_view": "true"}, "count_view"),
    "an unknown field": ({"article_id": "1", "articleId": "1"}, "articleId"),
    "NUL": ({"article_id": "a\x00"}, "article_id"),
    "a control character": ({"article_id": "a\x85"}, "article_id"),
    "a slash": ({"article_id": "a/b"}, "article_id"),
    "a backslash": ({"article_id": "a\\b"}, "article_id"),
    "dots": ({"article_id": ".."}, "article_id"),
    "an outer space": ({"article_id": "a "}, "article_id"),
    "a trailing newline": ({"article_id": "a\n"}, "article_id"),
    "201 characters": ({"article_id": "a" * 201}, "article_id"),
    "nothing": ({}, "article_id"),
    "both viewers": ({"article_id": "1", "reader_id": "a", "visitor_id": "b"}, "visitor_id"),
}


def address(route: str) -> tuple[str, str]:
    method, path = route.split(" ")
    return method, re.sub(r"\{.*?\}", "1", path)


def headers(bearer: Bearer, route: str) -> dict[str, str]:
    return bearer.reader("1") if "reader" in ROUTES[route]["security"][0] else bearer.site()


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("route", ROUTES)
async def test_what_cannot_be_read_is_malformed(
    route: str, service: httpx.AsyncClient, bearer: Bearer, refused: Refused
) -> None:
    method, path = address(route)
    caller = headers(bearer, route)
    for content in UNREADABLE.values():
        if not content and not ROUTES[route]["requestBody"]["required"]:
            continue
        answer = await service.request(method, path, content=content, headers=JSON | caller)
        await refused(answer, 400, "malformed")


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("route", ROUTES)
async def test_a_body_of_another_kind_is_refused(
    route: str, service: httpx.AsyncClient, bearer: Bearer, refused: Refused
) -> None:
    method, path = address(route)
    caller = headers(bearer, route)
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""):
        sent = caller | {"Content-Type": media_type}
        answer = await service.request(method, path, content=b"{}", headers=sent)
        await refused(answer, 415, "media_type_unsupported")


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("route", ROUTES)
async def test_what_is_no_object_or_has_an_unknown_field_is_named(
    route: str, service: httpx.AsyncClient, bearer: Bearer, refused: Refused
) -> None:
    method, path = address(route)
    caller = headers(bearer, route)
    for content in (b"[]", b"1", b'"text"', b'{"no_such_field": 1}'):
        answer = await service.request(method, path, content=content, headers=JSON | caller)
        await refused(answer, 422, "invalid_fields")
        fields = [error["field"] for error in answer.json()["errors"]]
        assert fields
        assert ("no_such_field" in fields) == (b"no_such_field" in content)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("route", ROUTES)
async def test_a_body_over_the_limit_is_refused_before_it_is_read_whole(
    route: str, service: httpx.AsyncClient, bearer: Bearer, refused: Refused
) -> None:
    method, path = address(route)
    limit = ARTICLE_BYTES_MAX if route.startswith(LARGE) else BODY_BYTES_MAX
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while read < 64 * limit:
            read += 65_536
            yield b" " * 65_536

    caller = JSON | headers(bearer, route)
    received = await service.request(method, path, content=b" " * (limit + 1), headers=caller)
    await refused(received, 413, "too_large")
    chunked = await service.request(method, path, content=endless(), headers=caller)
    await refused(chunked, 413, "too_large")


@pytest.mark.parametrize(("body", "field"), WRONG.values(), ids=WRONG.keys())
async def test_a_wrong_field_is_named_with_its_mend(
    body: Json, field: str, service: httpx.AsyncClient, bearer: Bearer, refused: Refused
) -> None:
    answer = await service.post("/v1/access/check", json=body, headers=bearer.site())
    await refused(answer, 422, "invalid_fields")
    errors = {error["field"]: error["detail"] for error in answer.json()["errors"]}
    assert errors.get(field), errors
    assert "regex" not in answer.text


async def test_every_wrong_field_is_named_at_once(
    service: httpx.AsyncClient, bearer: Bearer, refused: Refused
) -> None:
    body = {"title": 1, "policy": "gold", "unlock_cost": "5", "tags": ["a", "b", 3], "x": 1}
    answer = await service.put("/v1/articles/1", json=body, headers=bearer.site())
    await refused(answer, 422, "invalid_fields")
    fields = [error["field"] for error in answer.json()["errors"]]
    assert sorted(fields) == ["policy", "tags[2]", "title", "unlock_cost", "x"]


async def test_of_two_equal_keys_neither_is_taken(
    service: httpx.AsyncClient, bearer: Bearer, refused: Refused
) -> None:
    content = b'{"article_id": "1", "article_id": "2"}'
    answer = await service.post("/v1/access/check", content=content, headers=JSON | bearer.site())
    await refused(answer, 422, "invalid_fields")
    assert answer.json()["errors"] == [
        {"field": "article_id", "detail": "sent twice; send it once"}
    ]
