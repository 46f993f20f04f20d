"""HEAD wherever GET is, without its effects, and `Allow` with every method of a path."""

import re
from http import HTTPMethod

import httpx
import pytest

from tests.conftest import Bearer
from tests.contract.file import todays
from tests.test_story import grant, put_article

PATHS = todays()["paths"]
# The headers that no two responses share.
OF_ONE_ANSWER = {"x-request-id"}
GETS = [path for path, operations in PATHS.items() if "get" in operations]
PAGES = [
    "/account",
    "/account/leave",
    "/account/enter",
    "/account/data",
    "/account/receipts/1",
    "/docs",
    "/docs.css",
    "/docs.js",
    "/openapi.json",
    "/problems/not_found",
    "/problems/nothing",
    "/web/1/paywall.js",
    "/web/1/nothing",
    "/v1/parts/current/paywall.js",
    "/v1/parts/current/nothing",
    "/v1/nothing",
]


def concrete(path: str) -> str:
    return re.sub(r"\{.*?\}", "1", path)


def documented(path: str) -> set[str]:
    methods = {method.upper() for method in PATHS[path]}
    return methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())


def allowed(answer: httpx.Response) -> set[str]:
    return set(answer.headers["allow"].split(", "))


async def same_but_the_body(
    service: httpx.AsyncClient, path: str, headers: dict[str, str]
) -> tuple[httpx.Response, httpx.Response]:
    """The answers to HEAD and to GET, which are alike in all but the body."""
    headers = {**headers, "Accept-Encoding": "identity"}
    head = await service.head(path, headers=headers)
    answer = await service.get(path, headers=headers)
    assert (head.status_code, head.content) == (answer.status_code, b"")
    expected = {name: value for name, value in answer.headers.items() if name not in OF_ONE_ANSWER}
    assert head.headers.items() >= expected.items()
    assert head.headers.keys() == answer.headers.keys()
    assert head.headers.get("content-length", "0") == str(len(answer.content))
    return head, answer


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_head_is_answered_as_get_without_the_body(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await put_article(service, bearer, "1", policy="metered")
    await grant(service, bearer, "1", 3)
    for path in [*GETS, *PAGES]:
        caller = bearer.reader("1") if path.startswith("/v1/me") else bearer.site()
        await same_but_the_body(service, concrete(path), caller)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_head_asks_for_the_same_token_as_get(service: httpx.AsyncClient) -> None:
    for path in GETS:
        head, answer = await same_but_the_body(service, concrete(path), {})
        assert answer.status_code == (401 if PATHS[path]["get"]["security"] else 200)
        assert ("www-authenticate" in head.headers) == (answer.status_code == 401)


async def test_head_counts_no_view_and_tells_what_get_would(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await put_article(service, bearer, "1", policy="metered")
    reader = bearer.reader("ann")
    path = "/v1/me/articles/1/body"
    heads = [await service.head(path, headers=reader) for _ in range(3)]
    overview = await service.get("/v1/me", headers=reader)
    assert overview.json()["meter"]["used"] == 0
    answer = await service.get(path, headers=reader)
    assert answer.json()["decision"]["meter"]["used"] == 1
    lengths = {head.headers["content-length"] for head in heads}
    assert lengths == {answer.headers["content-length"]}


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_head_is_refused_where_there_is_no_get(service: httpx.AsyncClient) -> None:
    for path in PATHS:
        if path in GETS:
            continue
        head = await service.head(concrete(path))
        assert (head.status_code, head.content) == (405, b"")
        assert allowed(head) == documented(path)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_allow_names_the_documented_methods_of_every_path(
    service: httpx.AsyncClient,
) -> None:
    for path in PATHS:
        options = await service.options(concrete(path))
        assert (options.status_code, allowed(options)) == (204, documented(path)), path
        for method in sorted({*HTTPMethod} - documented(path) - {HTTPMethod.CONNECT}):
            refused = await service.request(method, concrete(path))
            assert (refused.status_code, allowed(refused)) == (405, documented(path)), path


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_allow_names_the_methods_of_a_plain_page(service: httpx.AsyncClient) -> None:
    for path, methods in {
        "/account": {"GET", "HEAD", "OPTIONS"},
        "/account/unlock": {"GET", "HEAD", "OPTIONS", "POST"},
        "/docs": {"GET", "HEAD", "OPTIONS"},
    }.items():
        assert allowed(await service.options(path)) == methods
        assert allowed(await service.delete(path)) == methods


async def test_options_of_no_path_is_404(service: httpx.AsyncClient) -> None:
    assert (await service.options("/v1/nothing")).status_code == 404
