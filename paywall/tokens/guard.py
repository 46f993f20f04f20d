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

__all__ = [
    "Caller",
    "Guard",
    "anyone",
    "bearer_token",
    "guard_of",
    "insufficient_scope",
    "reader",
    "site",
]

BEARER = re.compile(rb"bearer +(\S+) *\Z", re.IGNORECASE)

SECURITY_SCHEMES = {
    kind.value: SecurityScheme(
        type="http",
        scheme="bearer",
        bearer_format="JWT",
        description=f"A token of `typ: {kind}+jwt` (RFC 6750).",
    )
    for kind in TokenKind
}


class Guard:
    """Admits callers by the kind of their token and one scope; without a kind, anyone."""

    def __init__(self, kind: TokenKind | None, scope: str | None = None) -> None:
        if scope is not None and scope not in SCOPES:
            raise ValueError(f"{scope} is not a scope")
        self.kind = kind
        self.scope = scope

    @property
    def security(self) -> list[SecurityRequirement]:
        """The security requirement of a route with this guard (OpenAPI 3.1 §4.8.30)."""
        if self.kind is None:
            return []
        return [{self.kind.value: [] if self.scope is None else [self.scope]}]

    async def __call__(
        self, connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler
    ) -> None:
        if self.kind is None:
            return
        token = bearer_token(connection.scope["headers"])
        state = connection.app.state
        caller = await authenticate(state.verifier, state.database, token, self.kind)
        if self.scope is not None and not caller.has(self.scope):
            raise insufficient_scope(self.scope)
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
