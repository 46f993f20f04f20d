"""The articles API over HTTP."""

import asyncio
import hashlib
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from paywall.http.bodies import ARTICLE_BYTES_MAX
from tests.conftest import Bearer, SetClock

BODY = "<p>ព្រះរាជាណាចក្រកម្ពុជា</p><p>Second.</p>" + "<p>The tail that nobody sees.</p>" * 3
WHOLE: dict[str, Any] = {
    "id": "42",
    "title": "A title",
    "url": "https://news.example/42",
    "language": "km",
    "policy": "metered",
    "unlock_cost": 3,
    "tags": ["politics", "ខ្មែរ"],
    "published_at": "2026-11-24T12:00:00Z",
    "preview": {"paragraphs": 1},
}


async def put(
    service: httpx.AsyncClient, bearer: Bearer, article_id: str = "42", **fields: object
) -> httpx.Response:
    return await service.put(
        f"/v1/articles/{article_id}",
        json={"title": "", "policy": "premium", **fields},
        headers=bearer.site("articles:write"),
    )


async def get(
    service: httpx.AsyncClient, bearer: Bearer, path: str = "/v1/articles/42"
) -> httpx.Response:
    return await service.get(path, headers=bearer.site("articles:read"))


async def test_an_article_is_returned_without_its_body(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    created = await put(service, bearer, **WHOLE, body_html=BODY)
    replaced = await put(service, bearer, **WHOLE, body_html=BODY)
    read = await get(service, bearer)
    assert (created.status_code, replaced.status_code, read.status_code) == (201, 200, 200)
    kept = {"has_body": True, "body_sha256": hashlib.sha256(BODY.encode()).hexdigest()}
    kept |= {"preview_html": "<p>ព្រះរាជាណាចក្រកម្ពុជា</p>"}
    assert created.json() == replaced.json() == read.json() == WHOLE | kept
    listed = await get(service, bearer, "/v1/articles")
    assert listed.json()["items"] == [WHOLE | kept | {"preview_html": None}]
    for answer in (created, replaced, read, listed):
        assert "tail" not in answer.text
        assert answer.headers["cache-control"] == "no-store"


async def test_omitted_fields_have_defaults(service: httpx.AsyncClient, bearer: Bearer) -> None:
    assert (await put(service, bearer)).json() == {
        "id": "42",
        "title": "",
        "url": None,
        "language": None,
        "policy": "premium",
        "unlock_cost": 1,
        "tags": [],
        "published_at": None,
        "preview": {"paragraphs": 2},
        "preview_html": "",
        "has_body": False,
        "body_sha256": None,
    }


async def test_a_put_without_a_body_leaves_it_and_null_removes_it(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await put(service, bearer, body_html="")
    assert (await put(service, bearer, title="New")).json()["has_body"]
    assert not (await put(service, bearer, body_html=None)).json()["has_body"]


async def test_times_are_returned_in_utc(service: httpx.AsyncClient, bearer: Bearer) -> None:
    await put(service, bearer, published_at="2026-11-24T19:30:00.250000+07:00")
    published_at = (await get(service, bearer)).json()["published_at"]
    assert published_at == "2026-11-24T12:30:00.250000Z"


@pytest.mark.parametrize(
    "url",
    [
        "https://news.example/42?a=b#c",
        "http://127.0.0.1:8001/42",
        "HTTPS://News.Example",
        "https://[2001:db8::1]:8443/42",
        "https://ដំណឹង.example/ទឹក",
        "https://news.example/" + "x" * 1979,
    ],
)
async def test_a_web_url_is_stored_unchanged(
    service: httpx.AsyncClient, bearer: Bearer, url: str
) -> None:
    assert (await put(service, bearer, url=url)).json()["url"] == url


async def test_a_preview_ends_at_the_editors_marker(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    body = f"<p>Open.</p><!--more Read on--><p>Hidden.</p>{BODY}"
    await put(service, bearer, body_html=body, preview={"paragraphs": 9})
    question = {"article_id": "42", "reader_id": "ann"}
    answer = await service.post(
        "/v1/access/body", json=question, headers=bearer.site("access:check articles:read")
    )
    assert answer.json()["preview_html"] == "<p>Open.</p>"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"id": "43"}, "id"),
        ({"policy": "secret"}, "policy"),
        ({"unlock_cost": 0}, "unlock_cost"),
        ({"unlock_cost": "1"}, "unlock_cost"),
        ({"title": "a\0"}, "title"),
        ({"body_html": "a\0"}, "body_html"),
        ({"url": "a\nb"}, "url"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"url": "java\tscript:alert(1)"}, "url"),
        ({"url": "data:text/html,x"}, "url"),
        ({"url": "ftp://news.example/42"}, "url"),
        ({"url": "//news.example/42"}, "url"),
        ({"url": "/42"}, "url"),
        ({"url": "https:evil.example"}, "url"),
        ({"url": "https:///42"}, "url"),
        ({"url": "https://ann@news.example/"}, "url"),
        ({"url": "https://news.example\\@evil.example/"}, "url"),
        ({"url": " https://news.example/42"}, "url"),
        ({"url": "https://news.example/4 2"}, "url"),
        ({"url": "https://news.example/" + "x" * 1980}, "url"),
        ({"language": "k" * 36}, "language"),
        ({"tags": ["a", 1]}, "tags[1]"),
        ({"tags": ["a"] * 101}, "tags"),
        ({"published_at": "2026-11-24T12:00:00"}, "published_at"),
        ({"preview": {}}, "preview"),
        ({"preview": {"paragraphs": 1, "html": ""}}, "preview"),
        ({"preview": {"paragraphs": -1}}, "preview.paragraphs"),
        ({"author": "x"}, "author"),
    ],
)
async def test_an_invalid_field_is_named(
    service: httpx.AsyncClient, bearer: Bearer, fields: dict[str, object], field: str
) -> None:
    answer = await put(service, bearer, "42", **fields)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert (await get(service, bearer)).status_code == 404


async def test_deleting_is_204_also_when_repeated(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await put(service, bearer, body_html=BODY)
    for _ in range(2):
        gone = await service.delete("/v1/articles/42", headers=bearer.site("articles:write"))
        assert (gone.status_code, gone.content) == (204, b"")
    answer = await get(service, bearer)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/article_unknown")


async def test_the_list_is_complete_and_newest_first(
    service: httpx.AsyncClient, bearer: Bearer, clock: SetClock
) -> None:
    for number in range(5):
        await put(service, bearer, f"a{number}", body_html=BODY)
        clock.move(seconds=number % 2)
    first = (await get(service, bearer, "/v1/articles?limit=3")).json()
    cursor = first["next_cursor"]
    last = (await get(service, bearer, f"/v1/articles?limit=3&cursor={cursor}")).json()
    assert [item["id"] for item in first["items"] + last["items"]] == ["a4", "a3", "a2", "a1", "a0"]
    assert last["next_cursor"] is None


async def test_bodies_are_limited_to_four_mebibytes(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    headers = {**bearer.site("articles:write"), "Content-Type": "application/json"}
    frame = b'{"title":"","policy":"free","body_html":"%s"}'
    filler = b"x" * (ARTICLE_BYTES_MAX - len(frame) + 2)
    for body, status in ((frame % filler, 201), (frame % (filler + b"x"), 413)):
        answer = await service.put("/v1/articles/42", content=body, headers=headers)
        assert answer.status_code == status, answer.text


async def test_concurrent_puts_succeed_and_one_wins(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    answers = await asyncio.gather(
        *(
            put(service, bearer, title=str(number), body_html=str(number), unlock_cost=number)
            for number in range(1, 9)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    kept = (await get(service, bearer)).json()
    assert kept["title"] == str(kept["unlock_cost"])
    assert kept["body_sha256"] == hashlib.sha256(kept["title"].encode()).hexdigest()


async def test_an_article_is_found_by_its_url(service: httpx.AsyncClient, bearer: Bearer) -> None:
    address = "https://news.example/bridge?a=1&b=%E1%9E%80"
    await put(service, bearer, "42", url=address)
    await put(service, bearer, "43", url="https://news.example/bridge")
    await put(service, bearer, "44")
    at = quote(address, safe="")
    found = (await get(service, bearer, f"/v1/articles?url={at}")).json()["items"]
    none = (await get(service, bearer, f"/v1/articles?url={at}0")).json()["items"]
    assert ([article["id"] for article in found], none) == (["42"], [])


@pytest.mark.parametrize("url", ["news.example", "https://news.example/%00", "javascript:x", ""])
async def test_a_url_to_find_must_be_a_web_address(
    service: httpx.AsyncClient, bearer: Bearer, url: str
) -> None:
    refused = await get(service, bearer, f"/v1/articles?url={url}")
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "url"
