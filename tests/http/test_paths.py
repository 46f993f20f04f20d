"""Paths, queries and methods that lead nowhere, and what stands on every answer."""

import re
from collections.abc import Iterator

import httpx
import pytest

from paywall.settings import Settings
from tests.conftest import Bearer
from tests.contract.file import todays
from tests.http.conftest import Refused

PATHS = todays()["paths"]
WITH_ID = [path for path in PATHS if re.search(r"\{(reader|article)_id\}", path)]
LISTS = [
    path
    for path, methods in PATHS.items()
    if any(item.get("name") == "cursor" for item in methods.get("get", {}).get("parameters", []))
]
BAD_IDS = {
    "%00": (422, "invalid_fields"),
    "a%0A": (422, "invalid_fields"),
    "a%C2%85": (422, "invalid_fields"),
    "%20a": (422, "invalid_fields"),
    "a%20": (422, "invalid_fields"),
    "a%5Cb": (422, "invalid_fields"),
    "a" * 201: (422, "invalid_fields"),
    "%ff": (400, "malformed"),
    "%ED%A0%80": (400, "malformed"),
    "a%2Fb": (404, "not_found"),
}
BAD_LIMITS = ["0", "201", "-1", "x", "1.5", "", "%00", "99999999999999999999"]
BAD_CURSORS = ["x", "%00", "é", "W10", "WzEsMl0", "a" * 1001, "%ff", "eyJhIjoxfQ"]
METHODS = ("GET", "PUT", "POST", "DELETE", "PATCH", "TRACE")


def addresses() -> Iterator[tuple[str, str]]:
    """A method that no operation has, on each path."""
    for path, methods in PATHS.items():
        for method in METHODS:
            if method.lower() not in methods:
                yield method, re.sub(r"\{.*?\}", "1", path)


def caller(bearer: Bearer, path: str) -> dict[str, str]:
    return bearer.reader("1") if path.startswith("/v1/me") else bearer.site()


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("path", WITH_ID)
async def test_an_id_that_is_none_is_refused(
    path: str, service: httpx.AsyncClient, bearer: Bearer, refused: Refused
) -> None:
    for method, operation in PATHS[path].items():
        example = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        for text, (status, code) in BAD_IDS.items():
            address = re.sub(r"\{(reader|article)_id\}", lambda _: text, path)  # noqa: B023 (used at once)
            answer = await service.request(
                method,
                re.sub(r"\{.*?\}", "1", address),
                json=example.get("example"),
                headers=caller(bearer, path),
            )
            await refused(answer, status, code)


@pytest.mark.parametrize("path", LISTS)
async def test_a_limit_or_cursor_that_is_none_is_named(
    path: str, service: httpx.AsyncClient, bearer: Bearer, refused: Refused
) -> None:
    address = re.sub(r"\{.*?\}", "1", path)
    put = {"current_period_end": "2027-01-01T00:00:00Z"}
    await service.put("/v1/subscribers/1/subscription", json=put, headers=bearer.site())
    for name, values in {"limit": BAD_LIMITS, "cursor": BAD_CURSORS}.items():
        for value in values:
            answer = await service.get(f"{address}?{name}={value}", headers=caller(bearer, path))
            await refused(answer, 422, "invalid_fields")
            assert answer.json()["errors"][0]["field"] == name


@pytest.mark.parametrize("number", ["0", "-1", "99999999999999999999", "9223372036854775808"])
async def test_a_number_that_no_grant_can_have_is_refused(
    number: str, service: httpx.AsyncClient, bearer: Bearer, refused: Refused
) -> None:
    answer = await service.post(f"/v1/subscribers/1/grants/{number}/void", headers=bearer.site())
    await refused(answer, 422, "invalid_fields")


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_method_that_a_path_does_not_take_is_405_with_those_that_it_does(
    service: httpx.AsyncClient, refused: Refused
) -> None:
    wrong = list(addresses())
    assert wrong
    for method, path in wrong:
        answer = await service.request(method, path)
        await refused(answer, 405, "method_not_allowed")
        assert answer.headers["allow"], (method, path)
        assert method not in answer.headers["allow"].split(", ")


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/nothing", "/v2/me", "/v1/me/", "//v1/me"])
async def test_there_is_nothing_at_another_address(
    path: str, service: httpx.AsyncClient, refused: Refused
) -> None:
    answer = await service.get(f"http://paywall.test{path}")
    await refused(answer, 404, "not_found")


@pytest.mark.parametrize("code", ["nothing", "..", "%3Cscript%3E"])
async def test_there_is_no_page_for_an_unknown_problem(
    code: str, service: httpx.AsyncClient, refused: Refused
) -> None:
    await refused(await service.get(f"/problems/{code}"), 404, "not_found")


class TestCors:
    """Pages of the configured origins may call; no others, and none with credentials."""

    ORIGIN = "https://news.example"

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return Settings(
            database_url=settings.database_url,
            data_dir=settings.data_dir,
            allowed_origins=[self.ORIGIN],
        )

    def preflight(self, origin: str, method: str = "POST") -> dict[str, str]:
        return {
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
        }

    async def test_a_configured_origin_may_call(self, service: httpx.AsyncClient) -> None:
        asked = await service.options("/v1/me/unlocks", headers=self.preflight(self.ORIGIN))
        assert asked.is_success
        assert asked.headers["access-control-allow-origin"] == self.ORIGIN
        assert "POST" in asked.headers["access-control-allow-methods"]
        assert "access-control-allow-credentials" not in asked.headers

    async def test_it_may_read_refusals_too(self, service: httpx.AsyncClient) -> None:
        answer = await service.get("/v1/me", headers={"Origin": self.ORIGIN})
        assert answer.status_code == 401
        assert answer.headers["access-control-allow-origin"] == self.ORIGIN

    @pytest.mark.parametrize(
        "origin", ["https://evil.example", "https://news.example.evil", "null"]
    )
    async def test_another_origin_may_not(self, origin: str, service: httpx.AsyncClient) -> None:
        asked = await service.options("/v1/me/unlocks", headers=self.preflight(origin))
        answer = await service.get("/livez", headers={"Origin": origin})
        for seen in (asked, answer):
            assert seen.headers.get("access-control-allow-origin") not in ("*", origin)
