"""A key that anybody could find, or an issuer that cannot be meant, stops the start."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from paywall.app import create_app
from paywall.load_settings import load_settings
from paywall.setting_types import IssuerKey
from paywall.settings import Settings, SettingsError
from paywall.tokens.caller import TokenKind
from paywall.tokens.verify import Verifier
from tests.conftest import SetClock
from tests.tokens.forging import (
    ED_KEY,
    NAME,
    OTHER_SECRET,
    RSA_KEY,
    SECRET,
    forge,
    header,
    issuer,
    keys,
    payload,
    pem,
    trusting,
)


def refusal(tmp_path: Path, **changes: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        create_app(trusting(tmp_path, issuer(**changes)))
    assert NAME in str(caught.value)
    return str(caught.value)


WEAK = [
    "",
    "short",
    "x" * 31,
    "x" * 32,
    "x" * 500,
    "ab" * 40,
    "k7Qz-mW2pL9x" * 4,
    "secret",
    "secret" * 10,
    "secret".ljust(64, "="),
    "secret".ljust(64, "\0"),
    "secret".rjust(40, "0"),
    "secret01234567890123456789012345678",
    "your-256-bit-secret" * 2,
    "your-256-bit-secret-your-256-bit-secret",
    "your-256-bit-secret1234567890123",
    "YOUR-256-BIT-SECRET--------------",
    "a-string-secret-at-least-256-bits-long",
    "a-string-secret-at-least-512-bits-long-which-is-this-long-too-long-long-long-too-long"[:38],
    "put your unique phrase here     ",
    "put your unique phrase here put your unique phrase here",
    "your-top-secret-key-your-top-secret-key",
    "this is my custom Secret key for authentication",
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    "404E635266556A586E3272357538782F413F4428472B4B6250645367566B5970",
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr9Z9CAow",
    "12345678901234567890123456789012",
    "0123456789abcdef0123456789abcdef",
    "qwertyuiopasdfghjklzxcvbnm123456",
    "changeme-changeme-changeme-changeme",
]


@pytest.mark.parametrize("secret", WEAK)
def test_a_weak_secret_stops_the_start(tmp_path: Path, secret: str) -> None:
    said = refusal(tmp_path, keys=[IssuerKey(algorithm="HS256", secret=secret)])
    assert "openssl rand -base64 48" in said
    assert secret not in said or len(secret) < 10


@pytest.mark.parametrize(
    "secret",
    [
        SECRET,
        OTHER_SECRET,
        "secret-" + OTHER_SECRET,
        "f3b9c1d2e4a5968778695a4b3c2d1e0ff1e2d3c4b5a69788",
        "48151623428151985710482936571028456193",
    ],
)
def test_a_random_secret_is_taken(tmp_path: Path, secret: str) -> None:
    create_app(trusting(tmp_path, issuer(keys=[IssuerKey(algorithm="HS256", secret=secret)])))


def test_a_weak_rsa_key_stops_the_start(tmp_path: Path) -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 (meant to be weak)
    said = refusal(tmp_path, keys=[IssuerKey(algorithm="RS256", public_key=pem(weak))])
    assert "1024 bits" in said


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("RS256", ED_KEY),
        ("EdDSA", RSA_KEY),
        ("EdDSA", ed448.Ed448PrivateKey.generate()),
        ("ES256", ec.generate_private_key(ec.SECP384R1())),
        ("ES256", ec.generate_private_key(ec.SECP256K1())),
        ("ES256", ed25519.Ed25519PrivateKey.generate()),
    ],
)
def test_a_key_of_another_algorithm_stops_the_start(
    tmp_path: Path, algorithm: Any, key: Any
) -> None:
    said = refusal(tmp_path, keys=[IssuerKey(algorithm=algorithm, public_key=pem(key))])
    assert algorithm in said


def test_a_private_key_or_a_word_is_no_public_key(tmp_path: Path) -> None:
    private = ED_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    for text in (private, "a word"):
        said = refusal(tmp_path, keys=[IssuerKey(algorithm="EdDSA", public_key=text)])
        assert "public key in PEM" in said
        assert text not in said


MEANINGLESS: dict[str, dict[str, Any]] = {
    "own name": {"name": "paywall"},
    "nothing to issue": {"kinds": []},
    "one audience for both": {"site_audience": "a", "reader_audience": "a"},
    "no keys": {"keys": []},
    "keys and a URL": {"jwks_url": "https://id.example/jwks.json"},
    "http": {"keys": [], "jwks_url": "http://id.example/jwks.json"},
    "http to a name like loopback": {"keys": [], "jwks_url": "http://localhost.evil.example/"},
    "http by user": {"keys": [], "jwks_url": "http://127.0.0.1@evil.example/"},
    "a file's URL": {"keys": [], "jwks_url": "file:///etc/passwd"},
    "no host": {"keys": [], "jwks_url": "https:///jwks.json"},
    "no URL": {"keys": [], "jwks_url": "https://[::1"},
    "two keys of one kid": {"keys": [keys()[0], keys()[0]]},
    "two keys, one without a kid": {
        "keys": [IssuerKey(algorithm="HS256", secret=SECRET), keys()[3]],
    },
    "a secret for a public algorithm": {"keys": [IssuerKey(algorithm="EdDSA", secret=SECRET)]},
    "a public key for HS256": {"keys": [IssuerKey(algorithm="HS256", public_key=pem(ED_KEY))]},
    "neither inline nor file": {"keys": [IssuerKey(algorithm="EdDSA")]},
    "inline and file": {"keys": [IssuerKey(algorithm="HS256", secret=SECRET, file="x")]},
    "no such file": {"keys": [IssuerKey(algorithm="HS256", file="nowhere.txt")]},
}


@pytest.mark.parametrize("changes", MEANINGLESS.values(), ids=MEANINGLESS)
def test_an_issuer_that_cannot_be_meant_stops_the_start(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    with pytest.raises(SettingsError, match="issuers: "):
        create_app(trusting(tmp_path, issuer(**changes)))


def test_two_issuers_of_one_name_stop_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="name that is taken"):
        create_app(trusting(tmp_path, issuer(), issuer()))


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1", "127.8.8.8", "[::1]"])
def test_a_jwks_on_this_machine_needs_no_https(tmp_path: Path, address: str) -> None:
    create_app(trusting(tmp_path, issuer(keys=[], jwks_url=f"http://{address}:8080/jwks.json")))


async def test_keys_come_from_files(tmp_path: Path, clock: SetClock) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    (tmp_path / "ed.pem").write_text(pem(ED_KEY))
    from_files = [
        IssuerKey(kid="hs256", algorithm="HS256", file=str(tmp_path / "secret")),
        IssuerKey(kid="eddsa", algorithm="EdDSA", file=str(tmp_path / "ed.pem")),
    ]
    verifier = Verifier(trusting(tmp_path, issuer(keys=from_files)), clock)
    await verifier.verify(forge(algorithm="HS256"), TokenKind.SITE)
    await verifier.verify(forge(), TokenKind.SITE)


@pytest.mark.parametrize("kid", [..., "any"])
async def test_one_key_without_a_kid_is_used_whatever_the_token_says(
    tmp_path: Path, clock: SetClock, kid: object
) -> None:
    alone = [IssuerKey(algorithm="EdDSA", public_key=pem(ED_KEY))]
    verifier = Verifier(trusting(tmp_path, issuer(keys=alone)), clock)
    await verifier.verify(forge(header(kid=kid)), TokenKind.SITE)


async def test_audiences_and_lifetimes_are_the_issuers_own(tmp_path: Path, clock: SetClock) -> None:
    ours = issuer(site_audience="https://pay.example", longest_lifetime_seconds=700)
    verifier = Verifier(trusting(tmp_path, ours), clock)
    await verifier.verify(forge(body=payload(aud=["x", "https://pay.example"])), TokenKind.SITE)


def test_issuers_are_written_in_the_settings_file(tmp_path: Path) -> None:
    (tmp_path / "paywall.toml").write_text(
        f"""
        [[issuers]]
        name = "{NAME}"
        kinds = ["reader"]
        jwks_url = "https://id.example/jwks.json"
        jwks_algorithm = "ES256"
        accept_plain_typ = true

        [[issuers]]
        name = "cms"
        kinds = ["site"]
        keys = [{{ algorithm = "HS256", secret = "{SECRET}" }}]
        """
    )
    settings: Settings = load_settings({}, tmp_path)
    assert [one.name for one in settings.issuers] == [NAME, "cms"]
    create_app(settings)
