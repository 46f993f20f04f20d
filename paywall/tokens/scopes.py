"""What a site token may do. A route asks for one scope; `admin` implies them all."""

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
        "readers:token": "get tokens for readers",
        ADMIN: "refund, erase, export, grant more, revoke tokens; implies all others",
    }
)


def parse_scopes(text: str) -> frozenset[str]:
    """Read a list with spaces (RFC 6749 §3.3); raises ValueError with all scopes there are."""
    scopes = frozenset(text.split())
    unknown = sorted(scopes - SCOPES.keys())
    if unknown or not scopes:
        wrong = f"unknown: {', '.join(unknown)}" if unknown else "none given"
        raise ValueError(f"{wrong}; use some of: {', '.join(SCOPES)}")
    return scopes


def with_implied(scopes: frozenset[str]) -> frozenset[str]:
    """The scopes of ours among these, and all of them for `admin`."""
    return frozenset(SCOPES) if ADMIN in scopes else scopes & SCOPES.keys()
