"""What a guard asks of the header Authorization, and what it tells."""

import httpx
import pytest
from litestar import get, post
from litestar.handlers import HTTPRouteHandler

from paywall.tokens.guard import anyone, guard_of, reader, site
from tests.conftest import SetClock
from tests.tokens.conftest import Mint

Service = httpx.AsyncClient


async def asked(service: Service, *values: str) -> httpx.Response:
    headers = [("Authorization", value) for value in values]
    return await service.post("/v1/readers/ann/token", json={}, headers=headers)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR", "Bearer "])
async def test_the_scheme_is_bearer_in_any_case(service: Service, mint: Mint, scheme: str) -> None:
    answer = await asked(service, f"{scheme} {mint.site('readers:token').token}")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "before",
    ["", "Token ", "Basic ", "JWT ", "Bearer", "Bearer:", "Bearer\t", "xBearer ", "Bearer x "],
)
async def test_no_other_scheme_is_taken(service: Service, mint: Mint, before: str) -> None:
    answer = await asked(service, before + mint.site("readers:token").token)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["type"] == "/problems/token_missing"


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Bearer   "])
async def test_a_scheme_without_a_token_is_no_token(service: Service, value: str) -> None:
    answer = await asked(service, value)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_two_headers_are_refused_though_both_are_good(service: Service, mint: Mint) -> None:
    good = f"Bearer {mint.site('readers:token').token}"
    for values in ([good, good], [good, "Basic x"], ["", good]):
        answer = await asked(service, *values)
        assert answer.status_code == 401
        assert "more than once" in answer.json()["detail"]


async def test_a_token_in_the_query_or_a_cookie_is_no_token(service: Service, mint: Mint) -> None:
    token = mint.site("readers:token").token
    answer = await service.post(
        f"/v1/readers/ann/token?access_token={token}",
        json={},
        headers={"Cookie": f"token={token}; access_token={token}"},
    )
    assert answer.json()["type"] == "/problems/token_missing"


async def test_a_missing_scope_is_named(service: Service, mint: Mint) -> None:
    answer = await asked(service, f"Bearer {mint.site('articles:read').token}")
    assert answer.status_code == 403
    received = 'Bearer error="insufficient_scope", scope="readers:token"'
    assert answer.headers["www-authenticate"] == received
    assert "readers:token" in answer.json()["detail"]


async def test_a_readers_token_never_outlives_the_one_that_asked(
    service: Service, mint: Mint, clock: SetClock
) -> None:
    token = mint.site("readers:token", lifetime_seconds=100)
    answer = await asked(service, f"Bearer {token.token}")
    assert answer.json()["expires_at"] == "2026-11-24T12:01:40Z"
    clock.move(seconds=110)
    answer = await asked(service, f"Bearer {token.token}")
    assert answer.status_code == 401
    assert "ended" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "expires_at"),
    [
        ({}, "2026-11-24T12:15:00Z"),
        ({"lifetime_seconds": 60}, "2026-11-24T12:01:00Z"),
        ({"lifetime_seconds": 900}, "2026-11-24T12:15:00Z"),
    ],
)
async def test_a_readers_token_lives_as_long_as_was_asked_for(
    service: Service, mint: Mint, clock: SetClock, body: dict[str, int], expires_at: str
) -> None:
    answer = await service.post(
        "/v1/readers/%E1%9E%80/token",
        json=body,
        headers={"Authorization": f"Bearer {mint.site('readers:token').token}"},
    )
    assert answer.json()["expires_at"] == expires_at
    theirs = {"Authorization": f"Bearer {answer.json()['token']}"}
    assert (await service.get("/v1/me", headers=theirs)).status_code == 200
    clock.move(seconds=body.get("lifetime_seconds", 900) + 30)
    assert (await service.get("/v1/me", headers=theirs)).status_code == 401


@pytest.mark.parametrize("seconds", [59, 901, 0, -1, "60", 60.5, None, True])
async def test_a_lifetime_out_of_bounds_is_named(
    service: Service, mint: Mint, seconds: object
) -> None:
    answer = await service.post(
        "/v1/readers/ann/token",
        json={"lifetime_seconds": seconds},
        headers={"Authorization": f"Bearer {mint.site('admin').token}"},
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "lifetime_seconds"


async def test_the_public_keys_can_be_cached_and_verify_our_tokens(
    service: Service, mint: Mint
) -> None:
    answer = await service.get("/.well-known/jwks.json")
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["content-type"] == "application/jwk-set+json"
    (key,) = answer.json()["keys"]
    assert key["kid"] == mint.key.kid
    assert "d" not in key


def test_a_guard_asks_for_no_scope_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="not a scope"):
        site("articles:destroy")


@get("/site", guards=[site("articles:read")], sync_to_thread=False)
def of_site() -> None: ...


@post("/any-site", guards=[site()], sync_to_thread=False)
def of_any_site() -> None: ...


@get("/reader", guards=[reader], sync_to_thread=False)
def of_reader() -> None: ...


@get("/open", guards=[anyone], sync_to_thread=False)
def of_anyone() -> None: ...


@get("/none", sync_to_thread=False)
def of_nobody() -> None: ...


@get("/two", guards=[anyone, reader], sync_to_thread=False)
def of_two() -> None: ...


def test_a_guard_tells_openapi_what_it_enforces() -> None:
    assert guard_of(of_site).security == [{"site": ["articles:read"]}]
    assert guard_of(of_any_site).security == [{"site": []}]
    assert guard_of(of_reader).security == [{"reader": []}]
    assert guard_of(of_anyone).security == []


@pytest.mark.parametrize("handler", [of_nobody, of_two])
def test_a_route_has_exactly_one_guard(handler: HTTPRouteHandler) -> None:
    with pytest.raises(ValueError, match="not one"):
        guard_of(handler)
