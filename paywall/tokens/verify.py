"""Verifies tokens for one kind and time; everything except revocation, which is in the database.

RFC 7519 §7.2, RFC 8725. The header's `jwk`, `jku`, `x5u` and `x5c` are never looked at: a token
does not bring its own key.
"""

from collections import OrderedDict
from datetime import datetime
from typing import NamedTuple

import jwt

from paywall.clock import Clock
from paywall.problems import invalid_token
from paywall.setting_types import Issuer
from paywall.settings import Settings
from paywall.tokens.caller import Caller, TokenKind
from paywall.tokens.claims import Verified, read_claims
from paywall.tokens.compact import Compact, read_compact
from paywall.tokens.issuers import (
    OWN_NAME,
    KeySource,
    TrustedIssuer,
    VerificationKey,
    check_issuers,
    static_keys,
)
from paywall.tokens.jwks import JwksKeys
from paywall.tokens.keys import Keyring
from paywall.tokens.limits import SITE_LIFETIME_SECONDS_MAX

REMEMBERED_MAX = 10_000
# A longer token is verified each time, so that the cache stays under 20 MiB.
REMEMBERED_BYTES_MAX = 2 * 1024

AUDIENCES = {TokenKind.SITE: "paywall:site", TokenKind.READER: "paywall:reader"}
_JWS = jwt.PyJWS(algorithms=["HS256", "RS256", "ES256", "EdDSA"])


class _Remembered(NamedTuple):
    verified: Verified
    source: KeySource
    key: VerificationKey


class Verifier:
    """Verifies tokens of the trusted issuers and of this service, and caches the valid ones."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """Raises SettingsError for an issuer whose configuration is not safe."""
        check_issuers(settings.issuers)
        self.keyring = Keyring(settings.data_path)
        self._clock = clock
        self._jwks = {
            issuer.name: JwksKeys(issuer, issuer.jwks_url)
            for issuer in settings.issuers
            if issuer.jwks_url is not None
        }
        trusted = [
            _trusted(issuer, self._jwks.get(issuer.name) or static_keys(issuer))
            for issuer in settings.issuers
        ]
        self.issuers = {issuer.name: issuer for issuer in (_own(self.keyring), *trusted)}
        self._memory: OrderedDict[bytes, _Remembered] = OrderedDict()

    def recall(self, token: bytes, kind: TokenKind) -> Caller | None:
        """The caller of a cached token that is still valid; None means: verify it."""
        remembered = self._memory.get(token)
        if remembered is None:
            return None
        verified, source, key = remembered
        now = self._clock.now()
        if not (verified.begins_at <= now < verified.ends_at and source.holds(key, now)):
            del self._memory[token]
            return None
        self._memory.move_to_end(token)
        return verified.caller if verified.caller.kind is kind else None

    async def verify(self, token: str, kind: TokenKind) -> Caller:
        """The caller of this token; raises Problem(INVALID_TOKEN) for any fault."""
        spelled = _spelled(token)
        caller = self.recall(spelled, kind)
        if caller is not None:
            return caller
        compact = read_compact(spelled)
        issuer = self._issuer(compact, kind)
        key = await _key(compact, issuer, self._clock.now())
        _check_signature(spelled, key)
        verified = read_claims(compact.payload, issuer, kind, self._clock.now())
        self._remember(spelled, _Remembered(verified, issuer.keys, key))
        return verified.caller

    async def close(self) -> None:
        for keys in self._jwks.values():
            await keys.close()

    def _issuer(self, compact: Compact, kind: TokenKind) -> TrustedIssuer:
        name = compact.payload.get("iss")
        issuer = self.issuers.get(name) if isinstance(name, str) else None
        if issuer is None:
            raise invalid_token("The token's issuer (iss) is not one that this service trusts.")
        if kind not in issuer.kinds:
            raise invalid_token(f"The token's issuer may not issue {kind} tokens.")
        _check_type(compact, issuer, kind)
        return issuer

    def _remember(self, token: bytes, remembered: _Remembered) -> None:
        if len(token) > REMEMBERED_BYTES_MAX:
            return
        self._memory[token] = remembered
        if len(self._memory) > REMEMBERED_MAX:
            self._memory.popitem(last=False)


def _trusted(issuer: Issuer, keys: KeySource) -> TrustedIssuer:
    return TrustedIssuer(
        name=issuer.name,
        kinds=frozenset(TokenKind(kind) for kind in issuer.kinds),
        audiences={
            TokenKind.SITE: issuer.site_audience,
            TokenKind.READER: issuer.reader_audience,
        },
        accept_plain_typ=issuer.accept_plain_typ,
        longest_lifetime_seconds=issuer.longest_lifetime_seconds,
        keys=keys,
    )


def _own(keyring: Keyring) -> TrustedIssuer:
    return TrustedIssuer(
        name=OWN_NAME,
        kinds=frozenset(TokenKind),
        audiences=AUDIENCES,
        accept_plain_typ=False,
        longest_lifetime_seconds=SITE_LIFETIME_SECONDS_MAX,
        keys=keyring,
    )


def _spelled(token: str) -> bytes:
    try:
        return token.encode("ascii")
    except UnicodeEncodeError as error:
        raise invalid_token("The token has characters that no token has.") from error


def _check_type(compact: Compact, issuer: TrustedIssuer, kind: TokenKind) -> None:
    """Normalise a media type: case, and an omitted `application/` (RFC 7515 §4.1.9)."""
    typ = compact.header.get("typ")
    name = typ.lower().removeprefix("application/") if isinstance(typ, str) else None
    if name != f"{kind}+jwt" and not (name == "jwt" and issuer.accept_plain_typ):
        raise invalid_token(
            f"This operation takes a {kind} token: the token's header does not say"
            f" `typ: {kind}+jwt`."
        )
    if "crit" in compact.header:
        raise invalid_token("The token's header has `crit`: no extension is understood here.")


async def _key(compact: Compact, issuer: TrustedIssuer, now: datetime) -> VerificationKey:
    kid = compact.header.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise invalid_token("The token's `kid` is not a string.")
    key = await issuer.keys.find(kid, now)
    if key is None:
        raise invalid_token(
            "The token's `kid` names no key of its issuer that this service has now."
        )
    if compact.header.get("alg") != key.algorithm:
        raise invalid_token(f"The token's `alg` is not the one of its key: {key.algorithm}.")
    return key


def _check_signature(token: bytes, key: VerificationKey) -> None:
    try:
        _JWS.decode(token, key.material, algorithms=[key.algorithm])
    except (jwt.PyJWTError, ValueError) as error:
        raise invalid_token("The token's signature does not hold.") from error
