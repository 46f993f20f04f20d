"""Addresses of the script and the style sheet that stay, for pages that are cached for long."""

import re

import httpx
import pytest

from tests.web.conftest import ORIGIN

PARTS = {"script": "/v1/parts/current/paywall.js", "style": "/v1/parts/current/paywall.css"}
RULE = "public, max-age=300, stale-while-revalidate=3600"


async def versioned(service: httpx.AsyncClient, name: str) -> httpx.Response:
    part = (await service.get("/v1/parts")).json()[name]
    assert part["stable_path"] == PARTS[name]
    return await service.get(part["path"], headers={"Origin": ORIGIN})


@pytest.mark.parametrize("name", PARTS)
async def test_a_stable_address_serves_todays_part_for_minutes(
    name: str, service: httpx.AsyncClient
) -> None:
    expected = await versioned(service, name)
    answer = await service.get(PARTS[name], headers={"Origin": ORIGIN})
    assert answer.status_code == 200
    assert answer.headers.get_list("cache-control") == [RULE]
    for header in ("content-type", "access-control-allow-origin", "vary"):
        assert answer.headers[header] == expected.headers[header]
    unasked = await service.get(PARTS[name])
    assert unasked.headers["access-control-allow-origin"] == "*"
    if name == "style":
        assert answer.content == expected.content


async def test_the_script_finds_its_version_from_the_stable_address(
    service: httpx.AsyncClient,
) -> None:
    script = await versioned(service, "script")
    folder = script.request.url.path.rpartition("/")[0]
    received = (await service.get(PARTS["script"])).text
    base = re.escape(f'new URL("../../..{folder}/", import.meta.url)')
    assert re.sub(base, "import.meta.url", received) == script.text
    assert len(re.findall(base, received)) == len(re.findall("import.meta.url", received)) > 0


@pytest.mark.parametrize("name", PARTS)
async def test_a_part_that_is_unchanged_is_not_sent_again(
    name: str, service: httpx.AsyncClient
) -> None:
    answer = await service.get(PARTS[name])
    for method in ("GET", "HEAD"):
        kept = await service.request(
            method, PARTS[name], headers={"If-None-Match": answer.headers["etag"]}
        )
        assert (kept.status_code, kept.content) == (304, b"")
        assert kept.headers.get_list("cache-control") == [RULE]


async def test_a_name_without_a_part_is_404_and_not_kept(service: httpx.AsyncClient) -> None:
    answer = await service.get("/v1/parts/current/pages.css")
    assert answer.status_code == 404
    assert answer.headers.get_list("cache-control") == ["no-store"]
