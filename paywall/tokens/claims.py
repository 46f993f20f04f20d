"""Checks the claims of a token with a valid signature: issuer, audience, subject and times."""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from paywall.http.fields import ID_PATTERN, ID_RULE
from paywall.problems import invalid_token
from paywall.tokens.caller import AskedBy, Caller, TokenKind
from paywall.tokens.issuers import OWN_NAME, TrustedIssuer
from paywall.tokens.limits import LEEWAY
from paywall.tokens.scopes import with_implied

REQUIRED = ("iss", "aud", "exp", "iat", "sub", "jti")
ID = re.compile(ID_PATTERN)
# In the year 2242: late enough for any token, and early enough for arithmetic with datetimes.
TIMESTAMP_MAX = 2**33

Payload = dict[str, object]


class Verified(NamedTuple):
    """A caller, and the validity `[begins_at, ends_at)` of its token, leeway included."""

    caller: Caller
    begins_at: datetime
    ends_at: datetime


def read_claims(
    payload: Payload, issuer: TrustedIssuer, kind: TokenKind, now: datetime
) -> Verified:
    """Check every claim (RFC 7519 §4.1); raises Problem that names the invalid one."""
    for name in REQUIRED:
        if name not in payload:
            raise invalid_token(f"The token has no claim {name}.")
    _check_audience(payload["aud"], issuer, kind)
    issued_at, expires_at = _time(payload, "iat"), _time(payload, "exp")
    not_before = _time(payload, "nbf") if "nbf" in payload else issued_at
    _check_lifetime(issued_at, expires_at, issuer)
    verified = Verified(
        Caller(
            kind=kind,
            issuer=issuer.name,
            subject=_id(payload, "sub"),
            token_id=_id(payload, "jti"),
            scopes=_scopes(payload) if kind is TokenKind.SITE else frozenset(),
            issued_at=issued_at,
            expires_at=expires_at,
            asked_by=_asked_by(payload) if issuer.name == OWN_NAME else None,
        ),
        begins_at=max(issued_at, not_before) - LEEWAY,
        ends_at=expires_at + LEEWAY,
    )
    _check_now(verified, now)
    return verified


def _check_audience(audience: object, issuer: TrustedIssuer, kind: TokenKind) -> None:
    named = audience if isinstance(audience, list) else [audience]
    if not all(isinstance(name, str) for name in named):
        raise invalid_token("The claim aud is neither a string nor a list of strings.")
    wanted = issuer.audiences[kind]
    if wanted not in named:
        raise invalid_token(f"The claim aud does not name {wanted}.")
    if any(issuer.audiences[other] in named for other in TokenKind if other is not kind):
        raise invalid_token("The claim aud names both kinds of tokens: a token is of one kind.")


def _check_lifetime(issued_at: datetime, expires_at: datetime, issuer: TrustedIssuer) -> None:
    if expires_at <= issued_at:
        raise invalid_token("The token ends (exp) before it was issued (iat).")
    if expires_at - issued_at > timedelta(seconds=issuer.longest_lifetime_seconds):
        raise invalid_token(
            "The token lives longer (iat to exp) than this issuer's tokens may:"
            f" {issuer.longest_lifetime_seconds} seconds."
        )


def _check_now(verified: Verified, now: datetime) -> None:
    if now < verified.begins_at:
        raise invalid_token("The token is not valid yet (iat, nbf): compare the clocks.")
    if now >= verified.ends_at:
        raise invalid_token("The token has ended (exp): get a new one.")


def _time(payload: Payload, name: str) -> datetime:
    value = payload.get(name)
    is_flag = isinstance(value, bool)
    if isinstance(value, int | float) and not is_flag and 0 <= value < TIMESTAMP_MAX:
        return datetime.fromtimestamp(value, UTC)
    raise invalid_token(f"The claim {name} is not a time in seconds since 1970.")


def _id(payload: Payload, name: str) -> str:
    value = payload.get(name)
    if not isinstance(value, str) or not ID.match(value):
        raise invalid_token(f"The claim {name} is not an id: {ID_RULE}.")
    return value


def _scopes(payload: Payload) -> frozenset[str]:
    """Ignore unknown scopes, since an identity provider may add its own."""
    scope = payload.get("scope", "")
    if not isinstance(scope, str):
        raise invalid_token("The claim scope is not a string with spaces between the scopes.")
    return with_implied(frozenset(scope.split()))


def _asked_by(payload: Payload) -> AskedBy | None:
    act = payload.get("act")
    if not isinstance(act, dict):
        return None
    return AskedBy(
        issuer=str(act.get("iss")),
        subject=_id(act, "sub"),
        token_id=_id(act, "jti"),
        issued_at=_time(act, "iat"),
    )
