"""No route lets in a caller whom its guard does not name. Made from the application's own list."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from paywall.app import create_app
from paywall.database.engine import Database
from paywall.settings import Settings
from paywall.tokens.caller import TokenKind
from paywall.tokens.guard import PROXY_HEADER, Guard, guard_of
from paywall.tokens.keys import Keyring
from paywall.tokens.mint import mint_site
from paywall.tokens.revocation import Target, revoke
from paywall.tokens.scopes import ADMIN, SCOPES
from tests.conftest import SetClock
from tests.router import router_of
from tests.tokens.conftest import Mint, with_token

Service = httpx.AsyncClient

# DESIGN §5, Anyone. A route that is not among these needs a token.
#
# The plain pages under /account have theirs in a cookie, and ask the other routes with it.
OPEN_TO_ANYONE = {
    "/.well-known/jwks.json",
    "/account",
    "/account/billing",
    "/account/buy",
    "/account/cancel",
    "/account/data",
    "/account/done/{outcome:str}",
    "/account/enter",
    "/account/khqr/{code_id:str}",
    "/account/language",
    "/account/leave",
    "/account/receipts/{name:str}",
    "/account/search",
    "/account/resume",
    "/account/why",
    "/account/withdraw",
    "/account/withdraw/{purchase_id:str}",
    "/account/unlock",
    "/docs",
    "/docs.css",
    "/docs.js",
    "/livez",
    "/openapi.json",
    "/problems/{code:str}",
    "/readyz",
    "/v1/khqr/{image_name:str}",
    "/v1/offers",
    "/v1/parts",
    "/v1/parts/current/{name:str}",
    "/v1/webhooks/stripe",
    "/web/{version:str}/{name:str}",
}


class Route(NamedTuple):
    method: str
    path: str
    guard: Guard

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def address(self) -> str:
        """The path with a stand-in for each parameter."""
        return re.sub(r"\{[^}]*\}", "1", self.path)


def routes_of(app: Litestar) -> Iterator[Route]:
    """Every route; raises ValueError for one without exactly one of our guards."""
    for route in app.routes:
        handlers = route.route_handlers if isinstance(route, HTTPRoute) else [route.route_handler]
        for handler in handlers:
            methods = getattr(handler, "http_methods", {"ANY"})
            if methods == {"OPTIONS"}:  # Litestar's own answer to CORS, which runs no handler
                continue
            guard = guard_of(handler)
            for method in sorted(methods):
                yield Route(method, route.path, guard)


def all_routes() -> list[Route]:
    app = router_of(create_app(Settings()))
    assert isinstance(app, Litestar)
    return sorted(routes_of(app), key=lambda route: (route.path, route.method))


ROUTES = all_routes()
GUARDED = [route for route in ROUTES if route.guard.kind is not None]
SCOPED = [route for route in ROUTES if route.guard.scope is not None]


async def asked(service: Service, route: Route, headers: dict[str, str]) -> httpx.Response:
    """Ask with a body that no route would read, so that an answer tells who looked first."""
    if route.guard.is_proxy and headers:
        headers = {PROXY_HEADER: headers["Authorization"][len("Bearer ") :]}
    unreadable = {"content": b"\xff{", "headers": {"Content-Type": "text/plain", **headers}}
    return await service.request(route.method, route.address, **unreadable)  # type: ignore[arg-type]  # a mapping of any options


async def turned_away(service: Service, route: Route, headers: dict[str, str]) -> None:
    answer = await asked(service, route, headers)
    assert answer.status_code == 401, answer.text
    challenge = 'Bearer error="invalid_token"' if headers else "Bearer"
    assert answer.headers["www-authenticate"] == challenge
    assert answer.headers["content-type"] == "application/problem+json"


def is_let_in(answer: httpx.Response) -> bool:
    """Whether the guard admitted the caller; a proxy is answered 403 about its reader, too."""
    if "x-paywall-decision" in answer.headers:
        return answer.status_code in (204, 401, 403)
    return answer.status_code not in (401, 403, 500)


def fitting(route: Route, mint: Mint) -> dict[str, str]:
    """The least that the route's guard asks for."""
    if route.guard.kind is TokenKind.READER:
        return with_token(mint.reader())
    return with_token(mint.site(*filter(None, [route.guard.scope])))


def test_there_are_routes_of_every_guard() -> None:
    assert {route.guard.kind for route in ROUTES} == {None, TokenKind.SITE, TokenKind.READER}
    assert SCOPED


def test_only_the_named_routes_are_open_to_anyone() -> None:
    assert {route.path for route in ROUTES if route.guard.kind is None} <= OPEN_TO_ANYONE


@pytest.mark.parametrize("route", GUARDED, ids=str)
async def test_who_is_refused_and_who_is_let_in(
    service: Service, route: Route, mint: Mint, database: Database, clock: SetClock, tmp_path: Path
) -> None:
    await turned_away(service, route, {})
    other = mint.site(*SCOPES) if route.guard.kind is TokenKind.READER else mint.reader()
    await turned_away(service, route, with_token(other))
    for garbage in ("garbage", "a.b.c", "é" * 9, "x" * 9000, f"{other.token}x"):
        await turned_away(service, route, {"Authorization": f"Bearer {garbage}".encode()})  # type: ignore[dict-item]  # bytes, for characters beyond ASCII
    forged = mint_site(
        Keyring(tmp_path / "another").newest(clock.now()),
        subject="site",
        scopes=frozenset(SCOPES),
        lifetime_seconds=60,
        now=clock.now(),
    )
    await turned_away(service, route, with_token(forged))
    good = fitting(route, mint)
    assert is_let_in(await asked(service, route, good))
    subject = "reader-1" if route.guard.kind is TokenKind.READER else "site"
    async with database.writing() as session:
        await revoke(session, mint.verifier.issuers, Target(subject=subject), clock.now())
    await turned_away(service, route, good)
    clock.move(seconds=1)
    later = fitting(route, mint)
    assert is_let_in(await asked(service, route, later))
    clock.move(seconds=3630)
    await turned_away(service, route, later)


@pytest.mark.parametrize("route", SCOPED, ids=str)
async def test_every_other_scope_is_too_little_and_admin_is_enough(
    service: Service, route: Route, mint: Mint
) -> None:
    others = [scope for scope in SCOPES if scope not in (route.guard.scope, ADMIN)]
    for scopes in ([], *([scope] for scope in others), others):
        answer = await asked(service, route, with_token(mint.site(*scopes)))
        assert answer.status_code == 403
        received = f'Bearer error="insufficient_scope", scope="{route.guard.scope}"'
        assert answer.headers["www-authenticate"] == received
    answer = await asked(service, route, with_token(mint.site(ADMIN)))
    assert is_let_in(answer)
