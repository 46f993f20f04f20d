"""Reads a token of somebody else's without verifying it: nothing that it says is trusted."""

from datetime import UTC, datetime

import jwt


def unverified_expiry(token: str) -> datetime | None:
    """When a token says that it ends; None if it does not say so, or is no JWT."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False, "verify_exp": False})
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (jwt.PyJWTError, KeyError, TypeError, ValueError, OverflowError, OSError):
        return None
