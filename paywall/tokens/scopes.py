"""The scopes of site tokens. A route requires one scope; `admin` implies all of them."""

from collections.abc import Mapping
from types import MappingProxyType

ADMIN = "admin"

SCOPES: Mapping[str, str] = MappingProxyType(
    {
        "access:check": "ask whether a reader may have an article",
        "articles:read": "read articles and bodies",
        "articles:write": "put and delete articles",
        "catalogue:write": "put and delete plans, packs and passes",
        "subscribers:read": "read what subscribers have",
        "subscribers:write": "grant and void credits, unlock, cancel, record purchases, merge",
        "subscribers:privacy": "export and erase a reader, for a site's privacy tools",
        "readers:token": "get tokens for readers",
        ADMIN: "refund, grant more, revoke tokens; implies all others",
    }
)


def parse_scopes(text: str) -> frozenset[str]:
    """Parse a list separated by spaces (RFC 6749 §3.3); raises ValueError with the known scopes."""
    scopes = frozenset(text.split())
    unknown = sorted(scopes - SCOPES.keys())
    if unknown or not scopes:
        wrong = f"unknown: {', '.join(unknown)}" if unknown else "none given"
        raise ValueError(f"{wrong}; use some of: {', '.join(SCOPES)}")
    return scopes


def with_implied(scopes: frozenset[str]) -> frozenset[str]:
    """The known scopes among these, and all scopes for `admin`."""
    return frozenset(SCOPES) if ADMIN in scopes else scopes & SCOPES.keys()
