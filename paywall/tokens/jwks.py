"""Fetches an issuer's keys from its JWKS URL (RFC 7517), with limits on size, time and age.

A token with an unknown `kid` may be the first of a new key, or garbage: nothing in it can be
verified before the key is there. So one `kid` starts at most one fetch in BETWEEN_FETCHES, and all
of them together one in BETWEEN_UNKNOWN. Every fetch brings all keys: while anybody sends garbage, a
new key is accepted within BETWEEN_UNKNOWN and the time of one fetch, and an issuer is asked at most
twelve times a minute by each worker. A limit for all unknown ones alone, once a minute, would let
one garbage token a minute keep every new key out for that minute.
"""

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from paywall.lazy_import import lazy_import
from paywall.setting_types import Issuer
from paywall.tasks import cancel_tasks
from paywall.telemetry import logger
from paywall.tokens.issuers import PublicKey, VerificationKey, find_key
from paywall.tokens.weakness import weakness_of_rsa

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazy_import("httpx")

JWKS_BYTES_MAX = 64 * 1024
JWKS_KEYS_MAX = 100
# Less than a request's deadline, so that a request can wait for the keys.
TIMEOUT_SECONDS = 1.0
FRESH = timedelta(minutes=5)
BETWEEN_FETCHES = timedelta(minutes=1)
BETWEEN_UNKNOWN = timedelta(seconds=5)


class JwksKeys:
    """Keys that are fetched when first needed, and again when they are stale."""

    def __init__(self, issuer: Issuer, url: str) -> None:
        self._name = issuer.name
        self._url = url
        self._algorithm = issuer.jwks_algorithm
        self._age_max = timedelta(seconds=issuer.jwks_max_age_seconds)
        self._keys: dict[str | None, VerificationKey] = {}
        self._fetched_at: datetime | None = None
        self._tried_at: datetime | None = None
        # When a fetch was last started for an unknown `kid`; at most one in BETWEEN_UNKNOWN.
        self._tried_for: dict[str | None, datetime] = {}
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, kid: str | None, now: datetime) -> VerificationKey | None:
        """The key with this id; waits for a fetch only if no such key is cached."""
        key = self._known(kid, now)
        if key is None and (fetching := self._fetch_for(kid, now)) is not None:
            # Shielded, because a cancelled request must not stop a fetch that others wait for.
            await asyncio.shield(fetching)
            key = self._known(kid, now)
        return key

    def holds(self, key: VerificationKey, now: datetime) -> bool:
        return self._known(key.kid, now) is key

    async def close(self) -> None:
        if self._fetching is not None:
            await cancel_tasks([self._fetching])

    def _known(self, kid: str | None, now: datetime) -> VerificationKey | None:
        if self._fetched_at is None or now >= self._fetched_at + self._age_max:
            return None
        if now >= self._fetched_at + FRESH:
            self._refresh(now)
        return find_key(self._keys, kid)

    def _fetch_for(self, kid: str | None, now: datetime) -> "asyncio.Task[None] | None":
        """The current fetch, or a new one for this unknown `kid`; None if it is too early."""
        oldest = now - BETWEEN_FETCHES
        self._tried_for = {of: at for of, at in self._tried_for.items() if at > oldest}
        if kid in self._tried_for:
            return self._under_way()
        before = self._fetching
        fetching = self._refresh(now, between=BETWEEN_UNKNOWN)
        if fetching is not None and fetching is not before:
            self._tried_for[kid] = now
        return fetching

    def _refresh(
        self, now: datetime, between: timedelta = BETWEEN_FETCHES
    ) -> "asyncio.Task[None] | None":
        """The current fetch, or a new one; None if the last began less than `between` ago."""
        if (fetching := self._under_way()) is not None:
            return fetching
        if self._tried_at is not None and now < self._tried_at + between:
            return None
        self._tried_at = now
        self._fetching = asyncio.create_task(self._fetch(now))
        return self._fetching

    def _under_way(self) -> "asyncio.Task[None] | None":
        fetching = self._fetching
        return None if fetching is None or fetching.done() else fetching

    async def _fetch(self, now: datetime) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                keys = read_jwks(await _get(self._url), self._algorithm)
        except (httpx.HTTPError, TimeoutError, OSError, ValueError) as error:
            logger.warning("the keys of issuer %s cannot be fetched: %r", self._name, error)
            return
        # An unchanged key remains the same object, because cached tokens compare keys by identity.
        self._keys = {
            key.kid: known if (known := self._keys.get(key.kid)) == key else key for key in keys
        }
        self._fetched_at = now


async def _get(url: str) -> bytes:
    """Fetch without redirects or compression, so that the size limit counts the real size."""
    async with (
        httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client,
        client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response,
    ):
        if response.status_code != httpx.codes.OK:
            raise ValueError(f"status {response.status_code}")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > JWKS_BYTES_MAX:
                raise ValueError(f"more than {JWKS_BYTES_MAX} bytes")
        return bytes(body)


class _Document(msgspec.Struct):
    keys: list[msgspec.Raw]


class _Jwk(msgspec.Struct):
    """The public members of a key, without private ones that were published by mistake."""

    kty: str
    kid: str | None = None
    alg: str | None = None
    use: str | None = None
    key_ops: list[str] | None = None
    crv: str | None = None
    x: str | None = None
    y: str | None = None
    n: str | None = None
    e: str | None = None

    FORMS: ClassVar = {
        "RS256": ("RSA", None),
        "ES256": ("EC", "P-256"),
        "EdDSA": ("OKP", "Ed25519"),
    }

    def is_for(self, algorithm: str) -> bool:
        """Whether the key may verify with this algorithm (RFC 7517 §4.2 to §4.4)."""
        return (
            (self.kty, self.crv) == self.FORMS[algorithm]
            and self.alg in (None, algorithm)
            and self.use in (None, "sig")
            and (self.key_ops is None or "verify" in self.key_ops)
        )


def read_jwks(document: bytes, algorithm: str) -> list[VerificationKey]:
    """The keys for this algorithm; other and weak keys are ignored (RFC 7517 §5).

    Raises ValueError where the document is no JWK set.
    """
    try:
        # Decoded as text first, since msgspec does not validate the UTF-8 of ignored fields.
        raw_keys = msgspec.json.decode(document.decode("utf-8"), type=_Document).keys
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    keys: dict[str | None, VerificationKey] = {}
    for raw in raw_keys[:JWKS_KEYS_MAX]:
        key = _read_key(raw, algorithm)
        if key is not None:
            keys.setdefault(key.kid, key)
    return list(keys.values())


def _read_key(raw: msgspec.Raw, algorithm: str) -> VerificationKey | None:
    try:
        jwk = msgspec.json.decode(raw, type=_Jwk)
        if not jwk.is_for(algorithm):
            return None
        members = {k: v for k, v in msgspec.structs.asdict(jwk).items() if v is not None}
        material: PublicKey = jwt.PyJWK(members, algorithm).key
    except (msgspec.MsgspecError, jwt.PyJWTError, ValueError, TypeError, RecursionError):
        return None
    if isinstance(material, RSAPublicKey) and weakness_of_rsa(material) is not None:
        return None
    return VerificationKey(jwk.kid, algorithm, material)
