"""Tokens of the stand-in: they say when they end, as the bank's do, and are recognisably its own.

They are signed by nobody: whoever reaches the stand-in may use it.
"""

import base64
from datetime import UTC, datetime
from typing import Any

import msgspec

from paywall.bakong_settings import STAND_IN_TOKEN


def make_token(ends_at: datetime, token_id: str) -> str:
    """A token that ends at this time."""
    header, claims = (
        {"alg": "none", "typ": "JWT"},
        {"exp": int(ends_at.timestamp()), "id": token_id},
    )
    return f"{STAND_IN_TOKEN}{_encode(header)}.{_encode(claims)}.none"


def end_of_token(token: str) -> datetime | None:
    """When a token of the stand-in ends; None for every other text."""
    parts = token.removeprefix(STAND_IN_TOKEN).split(".")
    if not token.startswith(STAND_IN_TOKEN) or len(parts) != 3:  # noqa: PLR2004 (a JWT's parts)
        return None
    try:
        claims: dict[str, Any] = msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + "=="))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (ValueError, KeyError, TypeError, msgspec.DecodeError):
        return None


def _encode(value: object) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(value)).rstrip(b"=").decode()
