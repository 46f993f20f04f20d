"""Mints tokens, signed with the service's newest key."""

import secrets
from datetime import UTC, datetime
from typing import NamedTuple

import jwt

from paywall.problems import invalid_token
from paywall.tokens.caller import Caller, TokenKind
from paywall.tokens.issuers import OWN_NAME
from paywall.tokens.keys import ALGORITHM, SigningKey
from paywall.tokens.verify import AUDIENCES


class Minted(NamedTuple):
    """A new token; `token` is the secret, `token_id` (`jti`) is what revokes it."""

    token: str
    token_id: str
    expires_at: datetime


def mint_site(
    key: SigningKey, *, subject: str, scopes: frozenset[str], lifetime_seconds: int, now: datetime
) -> Minted:
    """Mint a token for the publisher's server."""
    expires = now.timestamp() + lifetime_seconds
    return _mint(
        key,
        TokenKind.SITE,
        subject=subject,
        now=now,
        expires=expires,
        claims={"scope": " ".join(sorted(scopes))},
    )


def mint_reader(
    key: SigningKey,
    *,
    reader_id: str,
    lifetime_seconds: int,
    now: datetime,
    asked_by: Caller | None = None,
) -> Minted:
    """Mint a token for one reader, which never outlives the site token that asked for it.

    Raises Problem where that one ends at once.
    """
    expires = now.timestamp() + lifetime_seconds
    if asked_by is None:
        return _mint(key, TokenKind.READER, subject=reader_id, now=now, expires=expires, claims={})
    expires = min(expires, asked_by.expires_at.timestamp())
    if expires <= now.timestamp():
        raise invalid_token("The token has ended (exp): get a new one.")
    return _mint(
        key,
        TokenKind.READER,
        subject=reader_id,
        now=now,
        expires=expires,
        claims={"act": _act(asked_by)},
    )


def _act(site: Caller) -> dict[str, object]:
    """The claim `act`: who acts for the reader (RFC 8693 §4.1)."""
    return {
        "iss": site.issuer,
        "sub": site.subject,
        "jti": site.token_id,
        "iat": site.issued_at.timestamp(),
    }


def _mint(
    key: SigningKey,
    kind: TokenKind,
    *,
    subject: str,
    now: datetime,
    expires: float,
    claims: dict[str, object],
) -> Minted:
    token_id = secrets.token_urlsafe(16)
    payload = {
        "iss": OWN_NAME,
        "aud": AUDIENCES[kind],
        "sub": subject,
        "jti": token_id,
        # With a fraction, so that a revocation does not cover a token minted later in that second.
        "iat": now.timestamp(),
        "exp": expires,
        **claims,
    }
    headers = {"typ": f"{kind}+jwt", "kid": key.kid}
    token = jwt.encode(payload, key.private, algorithm=ALGORITHM, headers=headers)
    return Minted(token, token_id, datetime.fromtimestamp(expires, UTC))
