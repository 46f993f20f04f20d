"""A key set is read up to its bounds, in linear time (docs/inputs.md)."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from paywall.tokens.jwks import JWKS_BYTES_MAX, JWKS_KEYS_MAX, read_jwks
from tests.conftest import SetClock
from tests.cost import assert_linear
from tests.tokens.conftest import JwksServer
from tests.tokens.forging import ED_KEY, RSA_KEY, forge, header
from tests.tokens.test_jwks import is_taken, jwk, trusted

OTHER = jwk(ed25519.Ed25519PrivateKey.generate(), "other")


def padded(document: bytes, size: int) -> bytes:
    return document[:-1] + b' "x":"%b"}' % (b"x" * (size - len(document) - len(b' "x":""')))


@pytest.mark.parametrize(("extra", "is_read"), [(0, True), (1, False)])
async def test_a_key_set_of_64_kib_is_read_and_a_larger_one_is_not(
    tmp_path: Path, clock: SetClock, jwks: JwksServer, extra: int, *, is_read: bool
) -> None:
    document = json.dumps({"keys": [jwk(ED_KEY)], "y": 1}).encode()
    jwks.body = padded(document[:-1] + b",}", JWKS_BYTES_MAX + extra)
    assert len(jwks.body) == JWKS_BYTES_MAX + extra
    verifier = trusted(tmp_path, clock, jwks.url)
    assert await is_taken(verifier, forge(header(kid="old"))) is is_read
    await verifier.close()


@pytest.mark.parametrize(("before", "is_read"), [(JWKS_KEYS_MAX - 1, True), (JWKS_KEYS_MAX, False)])
def test_a_hundred_keys_are_read_and_no_further_one(before: int, *, is_read: bool) -> None:
    document = json.dumps({"keys": [OTHER] * before + [jwk(ED_KEY)]}).encode()
    assert ("old" in [key.kid for key in read_jwks(document, "EdDSA")]) is is_read


def set_of(unit: dict[str, object], size: int) -> bytes:
    """As many such keys as fit, each with an id of its own."""
    units = [{**unit, "kid": str(number)} for number in range(size // len(json.dumps(unit)))]
    return json.dumps({"keys": units}).encode()


DOCUMENTS: dict[str, Callable[[int], bytes]] = {
    "keys": lambda size: set_of(OTHER, size),
    "RSA keys": lambda size: set_of(jwk(RSA_KEY), size),
    "keys of nothing": lambda size: json.dumps({"keys": [{}] * (size // 4)}).encode(),
    "a long key": lambda size: json.dumps({"keys": [{**OTHER, "x": "A" * size}]}).encode(),
    "a long modulus": lambda size: json.dumps({"keys": [jwk(RSA_KEY, n="A" * size)]}).encode(),
    "a long exponent": lambda size: json.dumps({"keys": [jwk(RSA_KEY, e="A" * size)]}).encode(),
    "a deep key": lambda size: b'{"keys": [' + b"[" * (size // 2) + b"]" * (size // 2) + b"]}",
}


@pytest.mark.parametrize("document_of", DOCUMENTS.values(), ids=DOCUMENTS)
def test_to_read_a_key_set_takes_linear_time(document_of: Callable[[int], bytes]) -> None:
    def read(size: int) -> Callable[[], object]:
        document = document_of(size)
        return lambda: _read(document)

    assert_linear(read, [JWKS_BYTES_MAX * 2**power // 8 for power in range(6)])


def _read(document: bytes) -> None:
    for algorithm in ("EdDSA", "RS256"):
        try:
            read_jwks(document, algorithm)
        except ValueError:
            continue
