"""Guards of routes: exactly one for each route, which also describes itself to OpenAPI."""

import re
from collections.abc import Iterable
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.openapi.spec import SecurityRequirement, SecurityScheme

from paywall import problems
from paywall.database.engine import Database
from paywall.problems import Problem, invalid_token
from paywall.tokens.caller import Caller, TokenKind
from paywall.tokens.revocation import is_revoked, was_revoked
from paywall.tokens.scopes import SCOPES
from paywall.tokens.verify import Verifier
from paywall.tokens.write_limits import is_limited

__all__ = [
    "Caller",
    "Guard",
    "anyone",
    "bearer_token",
    "guard_of",
    "insufficient_scope",
    "proxy",
    "reader",
    "site",
]

# A proxy sends its own token here, because Authorization is the reader's.
PROXY_HEADER = "X-Paywall-Site-Token"
BEARER = re.compile(rb"bearer +(\S+) *\Z", re.IGNORECASE)

SECURITY_SCHEMES = {
    kind.value: SecurityScheme(
        type="http",
        scheme="bearer",
        bearer_format="JWT",
        description=f"A token of `typ: {kind}+jwt` (RFC 6750).",
    )
    for kind in TokenKind
} | {
    "proxy": SecurityScheme(
        type="apiKey",
        name=PROXY_HEADER,
        security_scheme_in="header",
        description="A token of `typ: site+jwt`, which a reverse proxy sends with each request.",
    )
}


class Guard:
    """Admits callers by the kind of their token and one scope; without a kind, anyone.

    With `is_proxy`, the token comes in PROXY_HEADER.
    """

    def __init__(
        self, kind: TokenKind | None, scope: str | None = None, *, is_proxy: bool = False
    ) -> None:
        if scope is not None and scope not in SCOPES:
            raise ValueError(f"{scope} is not a scope")
        self.kind = kind
        self.scope = scope
        self.is_proxy = is_proxy

    @property
    def security(self) -> list[SecurityRequirement]:
        """The security requirement of a route with this guard (OpenAPI 3.1 §4.8.30)."""
        if self.kind is None:
            return []
        scheme = "proxy" if self.is_proxy else self.kind.value
        return [{scheme: [] if self.scope is None else [self.scope]}]

    async def __call__(
        self, connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler
    ) -> None:
        if self.kind is None:
            return
        headers = connection.scope["headers"]
        token = proxy_token(headers) if self.is_proxy else bearer_token(headers)
        state = connection.app.state
        caller = await authenticate(state.verifier, state.database, token, self.kind)
        if self.scope is not None and not caller.has(self.scope):
            raise insufficient_scope(self.scope)
        if is_limited(connection.scope):
            state.write_limits.count(caller)
        connection.scope["auth"] = caller


async def authenticate(
    verifier: Verifier, database: Database, token: str, kind: TokenKind
) -> Caller:
    """The bearer of a token that is valid and not revoked; raises Problem (INVALID_TOKEN)."""
    caller = await verifier.verify(token, kind)
    if await is_revoked(database, caller):
        raise was_revoked()
    return caller


def site(scope: str | None = None) -> Guard:
    """Require a site token with this scope, or any site token without one."""
    return Guard(TokenKind.SITE, scope)


def proxy(scope: str) -> Guard:
    """Require a site token with this scope from a reverse proxy."""
    return Guard(TokenKind.SITE, scope, is_proxy=True)


reader = Guard(TokenKind.READER)
anyone = Guard(None)


def bearer_token(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The token of the Authorization header (RFC 6750 §2.1); raises Problem unless there is one."""
    values = [value for name, value in headers if name.lower() == b"authorization"]
    if len(values) > 1:
        raise invalid_token("The header Authorization came more than once: send it once.")
    match = BEARER.match(values[0]) if values else None
    if match is None:
        raise Problem(problems.TOKEN_MISSING, headers={"WWW-Authenticate": "Bearer"})
    return match[1].decode("latin-1")


def proxy_token(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The token of a proxy; raises Problem unless there is exactly one."""
    values = [value for name, value in headers if name.lower() == PROXY_HEADER.lower().encode()]
    if len(values) > 1:
        raise invalid_token(f"The header {PROXY_HEADER} came more than once: send it once.")
    if not values:
        raise Problem(
            problems.TOKEN_MISSING,
            f"The proxy must send the header {PROXY_HEADER} with a site token.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return values[0].decode("latin-1")


def insufficient_scope(scope: str, detail: str | None = None) -> Problem:
    return Problem(
        problems.INSUFFICIENT_SCOPE,
        detail or f"This needs a site token with the scope {scope}.",
        headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'},
        scope=scope,
    )


def guard_of(handler: BaseRouteHandler) -> Guard:
    """The guard of a route; raises ValueError unless there is exactly one."""
    guards = [guard for guard in handler.resolve_guards() if isinstance(guard, Guard)]
    if len(guards) != 1:
        raise ValueError(f"{handler} has {len(guards)} guards of paywall.tokens.guard, not one")
    return guards[0]
