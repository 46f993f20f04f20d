"""Trusted issuers: their keys, one algorithm for each key, and the tokens they may issue."""

import ipaddress
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from paywall.load_settings import read_small_file
from paywall.setting_types import Issuer, IssuerKey
from paywall.settings import SettingsError
from paywall.tokens.caller import TokenKind
from paywall.tokens.weakness import weakness_of_rsa, weakness_of_secret

OWN_NAME = "paywall"
PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey


class VerificationKey(NamedTuple):
    """A key that verifies signatures with exactly one algorithm (RFC 8725 §3.1)."""

    kid: str | None
    algorithm: str
    material: bytes | PublicKey


class KeySource(Protocol):
    """A source of an issuer's keys."""

    async def find(self, kid: str | None, now: datetime) -> VerificationKey | None: ...

    def holds(self, key: VerificationKey, now: datetime) -> bool:
        """Whether a key that was found earlier still belongs to the issuer."""
        ...


class TrustedIssuer(NamedTuple):
    """An issuer and the source of its keys."""

    name: str
    kinds: frozenset[TokenKind]
    audiences: Mapping[TokenKind, str]
    accept_plain_typ: bool
    longest_lifetime_seconds: int
    keys: KeySource


class StaticKeys:
    """Keys from the settings, which change only with a restart."""

    def __init__(self, keys: Iterable[VerificationKey]) -> None:
        self._keys = {key.kid: key for key in keys}

    async def find(self, kid: str | None, now: datetime) -> VerificationKey | None:  # noqa: ARG002 (KeySource's)
        return find_key(self._keys, kid) or self._keys.get(None)

    def holds(self, key: VerificationKey, now: datetime) -> bool:  # noqa: ARG002 (KeySource's)
        return self._keys.get(key.kid) is key


def find_key(keys: Mapping[str | None, VerificationKey], kid: str | None) -> VerificationKey | None:
    """The key with this id; a token may omit the id if there is only one key."""
    if kid is None and len(keys) == 1:
        return next(iter(keys.values()))
    return keys.get(kid)


def check_issuers(issuers: Iterable[Issuer]) -> None:
    """Refuse what cannot be meant; raises SettingsError that names the issuer and the mend."""
    names = {OWN_NAME}
    for issuer in issuers:
        if issuer.name in names:
            raise wrong(issuer, "has a name that is taken: give each issuer its own name.")
        names.add(issuer.name)
        if not issuer.kinds:
            raise wrong(issuer, 'may issue nothing: write kinds = ["site"], ["reader"] or both.')
        if issuer.site_audience == issuer.reader_audience:
            raise wrong(issuer, "has one audience for both kinds: give each kind its own.")
        if bool(issuer.keys) == (issuer.jwks_url is not None):
            raise wrong(issuer, "needs either `keys` or a `jwks_url`, and not both.")
        if issuer.jwks_url is not None:
            _check_url(issuer, issuer.jwks_url)


def static_keys(issuer: Issuer) -> StaticKeys:
    """Load an issuer's keys from the settings; raises SettingsError for a weak key."""
    kids = [key.kid for key in issuer.keys]
    if len(set(kids)) < len(kids) or (len(kids) > 1 and None in kids):
        raise wrong(issuer, "has several keys: give each a `kid` of its own.")
    return StaticKeys([_load(issuer, key) for key in issuer.keys])


def wrong(issuer: Issuer, what: str) -> SettingsError:
    return SettingsError(f"issuers: {issuer.name!r} {what}")


def _check_url(issuer: Issuer, url: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))
        is_whole = host != "" and parts.port != 0
    except ValueError:
        is_safe = is_whole = False
    if not (is_safe and is_whole):
        raise wrong(issuer, "has a jwks_url that is not safe: write an https:// address.")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _load(issuer: Issuer, key: IssuerKey) -> VerificationKey:
    text = _text(issuer, key)
    if key.algorithm == "HS256":
        weakness = weakness_of_secret(text)
        if weakness is not None:
            raise wrong(
                issuer,
                f"has a secret that {weakness}. Make one with `openssl rand -base64 48`.",
            )
        return VerificationKey(key.kid, key.algorithm, text)
    return VerificationKey(key.kid, key.algorithm, _public_key(issuer, key, text))


def _text(issuer: Issuer, key: IssuerKey) -> bytes:
    inline, other = (
        (key.secret, key.public_key) if key.algorithm == "HS256" else (key.public_key, key.secret)
    )
    if other is not None or (inline is None) == (key.file is None):
        field = "secret" if key.algorithm == "HS256" else "public_key"
        raise wrong(issuer, f"needs, for {key.algorithm}, either `{field}` or `file`.")
    if inline is not None:
        return inline.encode()
    path = Path(key.file or "")
    try:
        return read_small_file(path).strip()
    except OSError as error:
        raise wrong(issuer, f"has a key file that cannot be read: {error}. Mend `file`.") from error


def _public_key(issuer: Issuer, key: IssuerKey, pem: bytes) -> PublicKey:
    try:
        material = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise wrong(
            issuer,
            "has a key that is not a public key in PEM. Make one with"
            " `openssl pkey -in private.pem -pubout`.",
        ) from error
    match key.algorithm, material:
        case "RS256", RSAPublicKey():
            weakness = weakness_of_rsa(material)
            if weakness is not None:
                raise wrong(issuer, f"has an RSA key that {weakness}. Make a new one.")
            return material
        case "ES256", EllipticCurvePublicKey() if isinstance(material.curve, SECP256R1):
            return material
        case "EdDSA", Ed25519PublicKey():
            return material
        case _:
            raise wrong(
                issuer,
                f"has a key that is not one for {key.algorithm} (RS256: RSA; ES256: P-256;"
                " EdDSA: Ed25519). Mend `algorithm` or the key.",
            )
