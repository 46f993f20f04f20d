"""Tokens made by hand, byte by byte, so that a test can make what no library would."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from paywall.setting_types import Issuer, IssuerKey
from paywall.settings import Settings

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NAME = "https://id.example"
SECRET = "Zt8mPq2vLxW5nRj7cYh3kGf9dSb6aEu4"
OTHER_SECRET = "Hw4nBv9xQe2tMz7rKp5cJy8gLs3fDa6u"

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
# The key of each algorithm; its `kid` is the algorithm's name in small letters.
PRIVATE: dict[str, Any] = {
    "HS256": SECRET.encode(),
    "RS256": RSA_KEY,
    "ES256": EC_KEY,
    "EdDSA": ED_KEY,
}
ALGORITHMS = list(PRIVATE)

Change = Mapping[str, object]


def pem(key: Any) -> str:
    public = key if hasattr(key, "verify") else key.public_key()
    text: bytes = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return text.decode()


def keys() -> list[IssuerKey]:
    return [
        IssuerKey(kid="hs256", algorithm="HS256", secret=SECRET),
        IssuerKey(kid="rs256", algorithm="RS256", public_key=pem(RSA_KEY)),
        IssuerKey(kid="es256", algorithm="ES256", public_key=pem(EC_KEY)),
        IssuerKey(kid="eddsa", algorithm="EdDSA", public_key=pem(ED_KEY)),
    ]


def issuer(**changes: Any) -> Issuer:
    fields: dict[str, Any] = {"name": NAME, "kinds": ["site", "reader"], "keys": keys(), **changes}
    return Issuer(**fields)


def trusting(data_dir: object, *issuers: Issuer) -> Settings:
    return Settings(data_dir=str(data_dir), issuers=list(issuers))


def header(algorithm: str = "EdDSA", kind: str = "site", /, **changes: object) -> dict[str, object]:
    return changed({"alg": algorithm, "kid": algorithm.lower(), "typ": f"{kind}+jwt"}, changes)


def payload(kind: str = "site", /, **changes: object) -> dict[str, object]:
    claims: dict[str, object] = {
        "iss": NAME,
        "aud": f"paywall:{kind}",
        "sub": "someone",
        "jti": "token-1",
        "iat": int(START.timestamp()),
        "exp": int((START + timedelta(minutes=10)).timestamp()),
    }
    if kind == "site":
        claims["scope"] = "access:check"
    return changed(claims, changes)


def changed(values: dict[str, object], changes: Change) -> dict[str, object]:
    """The values with these instead; `...` takes one out."""
    return {name: value for name, value in {**values, **changes}.items() if value is not ...}


def base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def as_json(value: object) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def sign(signing_input: str, algorithm: str = "EdDSA", key: object = None) -> str:
    method = jwt.PyJWS().get_algorithm_by_name(algorithm)
    return base64url(method.sign(signing_input.encode(), key or PRIVATE[algorithm]))


def forge(
    head: dict[str, object] | bytes | None = None,
    body: dict[str, object] | bytes | None = None,
    *,
    algorithm: str = "EdDSA",
    key: object = None,
) -> str:
    """A token with this header and payload, given as values or as the very bytes."""
    first = base64url(as_json(header(algorithm) if head is None else head))
    second = base64url(as_json(payload() if body is None else body))
    return f"{first}.{second}.{sign(f'{first}.{second}', algorithm, key)}"
