"""Addresses and methods that no plain page has: people get a page, programs a problem."""

import httpx
import pytest

from tests.conftest import Bearer
from tests.web.conftest import ORIGIN
from tests.web.plain import enter

BROWSER = {"Accept-Language": "en", "Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(params=["sqlite"])
def database_kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/", 404, None),
        ("GET", "/accounts", 404, None),
        ("GET", "/account/nowhere", 404, None),
        ("GET", "/account/receipts", 404, None),
        ("GET", "/account/nowhere/at/all/", 404, None),
        ("POST", "/account/nowhere", 404, None),
        ("POST", "/account", 405, "GET, HEAD, OPTIONS"),
        ("POST", "/account/data", 405, "GET, HEAD, OPTIONS"),
        ("POST", "/account/leave", 405, "GET, HEAD, OPTIONS"),
        ("DELETE", "/account/unlock", 405, "GET, HEAD, OPTIONS, POST"),
    ],
)
async def test_a_person_gets_a_page_with_the_way_back(
    service: httpx.AsyncClient, method: str, path: str, status: int, allow: str | None
) -> None:
    answer = await service.request(method, path, headers=BROWSER)
    assert (answer.status_code, answer.headers.get("allow")) == (status, allow)
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-store"
    assert "<h1>Page not found</h1>" in answer.text
    assert answer.text.count(f'<a href="{ORIGIN}/">Back to the site</a>') == 2


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nowhere", 404),
        ("POST", "/v1/offers", 405),
        ("GET", "/", 404),
        ("GET", "/accounts", 404),
        ("GET", "/account//data", 404),
    ],
)
async def test_a_program_gets_a_problem(
    service: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await service.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")


async def test_the_address_of_the_account_may_end_in_a_slash(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await enter(service, bearer, "ann")
    assert (await service.get("/account/")).text.count("<h1>Your account and data</h1>") == 1


async def test_a_page_that_is_over_names_nobody(service: httpx.AsyncClient, bearer: Bearer) -> None:
    await enter(service, bearer, "ann", name="Ann", language="km", back=f"{ORIGIN}/42")
    answer = await service.post("/v1/tokens/revoke", json={"subject": "ann"}, headers=bearer.site())
    assert answer.status_code == 204
    for path, status in (("/account", 403), ("/account/data", 403), ("/account/nowhere", 404)):
        page = await service.get(path)
        assert page.status_code == status
        assert "Ann" not in page.text
        assert "/account/leave" not in page.text
        # What does not say who it was stays: the language, and the way back.
        assert '<html lang="km"' in page.text
        assert f'href="{ORIGIN}/42"' in page.text
