"""Whatever is wrong with a token, it is refused as invalid, and the refusal does not repeat it."""

import base64
import hmac
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from paywall.tokens.caller import TokenKind
from paywall.tokens.verify import Verifier
from tests.tokens.conftest import refused
from tests.tokens.forging import (
    ALGORITHMS,
    EC_KEY,
    ED_KEY,
    NAME,
    RSA_KEY,
    SECRET,
    as_json,
    base64url,
    forge,
    header,
    payload,
    pem,
)

SITE, READER = TokenKind.SITE, TokenKind.READER


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("kind", TokenKind)
async def test_a_token_of_each_algorithm_and_kind_is_taken(
    verifier: Verifier, algorithm: str, kind: TokenKind
) -> None:
    token = forge(header(algorithm, kind), payload(kind), algorithm=algorithm)
    caller = await verifier.verify(token, kind)
    assert (caller.kind, caller.issuer, caller.subject) == (kind, NAME, "someone")
    assert caller.scopes == (frozenset({"access:check"}) if kind is SITE else frozenset())


GOOD = forge()
FIRST, SECOND, THIRD = GOOD.split(".")
DEEP = b"[" * 3000 + b"]" * 3000


def twice(values: dict[str, object], name: str, value: object) -> bytes:
    return as_json(values)[:-1] + f', "{name}": {json.dumps(value)}}}'.encode()


MALFORMED: dict[str, str] = {
    "empty": "",
    "one word": "token",
    "two dots alone": "..",
    "two segments": f"{FIRST}.{SECOND}",
    "four segments": f"{GOOD}.{THIRD}",
    "five segments, as encrypted": f"{GOOD}.{THIRD}.{THIRD}",
    "empty header": f".{SECOND}.{THIRD}",
    "empty payload": f"{FIRST}..{THIRD}",
    "empty signature": f"{FIRST}.{SECOND}.",
    "padded header": f"{FIRST}==.{SECOND}.{THIRD}",
    "padded signature": f"{GOOD}==",
    "standard base64": f"{FIRST}.{SECOND}.{'+/' * 43}",
    "length no base64 has": f"{FIRST}.{SECOND}.{THIRD}AAA",
    "space before": f" {GOOD}",
    "newline after": f"{GOOD}\n",
    "newline within": f"{FIRST}.{SECOND}\n.{THIRD}",
    "not ASCII": f"{GOOD}é",
    "Khmer": "ព្រះ.រាជា.ណាចក្រ",
    "lone surrogate": f"{GOOD}\ud800",
    "NUL": f"{GOOD}\0",
    "header not JSON": forge(b"{"),
    "header empty JSON text": f"{base64url(b' ')}.{SECOND}.{THIRD}",
    "header an array": forge(b'["alg"]'),
    "header a string": forge(b'"EdDSA"'),
    "header null": forge(b"null"),
    "payload not JSON": forge(body=b"nonsense"),
    "payload an array": forge(body=b"[1]"),
    "payload a number": forge(body=b"1"),
    "payload null": forge(body=b"null"),
    "header not UTF-8": forge(as_json(header())[:-1] + b', "x": "\xff"}'),
    "payload not UTF-8": forge(body=as_json(payload())[:-1] + b', "x": "\xc3"}'),
    "payload in UTF-16": forge(body=json.dumps(payload()).encode("utf-16")),
    "payload after a byte order mark": forge(body=b"\xef\xbb\xbf" + as_json(payload())),
    "payload and more": forge(body=as_json(payload()) + b"{}"),
    "payload with NaN": forge(body=as_json(payload())[:-1] + b', "x": NaN}'),
    "payload with Infinity": forge(body=as_json(payload(exp=...))[:-1] + b', "exp": Infinity}'),
    "payload with a number past any": forge(
        body=as_json(payload(exp=...))[:-1] + b', "exp": ' + b"9" * 4999 + b"}"
    ),
    "header nested deeply": forge(b'{"alg": "EdDSA", "x": ' + DEEP[:3000] + b"}"),
    "payload nested deeply": forge(body=b"[" * 2700 + b"]" * 2700),
    "key twice in header": forge(twice(header(), "alg", "EdDSA")),
    "kid twice in header": forge(twice(header(), "kid", "eddsa")),
    "key twice in payload": forge(body=twice(payload(), "sub", "someone")),
    "key twice, once escaped": forge(body=as_json(payload())[:-1] + b', "s\\u0075b": "someone"}'),
    "key twice deep in payload": forge(body=as_json(payload())[:-1] + b', "x": [{"a":1,"a":1}]}'),
    "longer than 8 KiB": forge(body=payload(x="x" * 8000)),
}


@pytest.mark.parametrize("token", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize("kind", TokenKind)
async def test_a_malformed_token_is_refused(
    verifier: Verifier, token: str, kind: TokenKind
) -> None:
    await refused(verifier, token, kind)


async def test_a_second_spelling_of_the_same_bytes_is_refused(verifier: Verifier) -> None:
    """64 bytes of signature leave four bits in the last character that no decoder looks at."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = THIRD[:-1] + alphabet[alphabet.index(THIRD[-1]) + 1]
    assert base64.urlsafe_b64decode(other + "==") == base64.urlsafe_b64decode(THIRD + "==")
    await refused(verifier, f"{FIRST}.{SECOND}.{other}")
    await verifier.verify(GOOD, SITE)


async def test_a_token_of_exactly_8_kib_is_taken_and_one_byte_more_is_not(
    verifier: Verifier,
) -> None:
    lengths = {len(forge(body=payload(x="x" * n))): n for n in range(5500, 5900)}
    longest = max(length for length in lengths if length <= 8192)
    assert longest >= 8190
    await verifier.verify(forge(body=payload(x="x" * lengths[longest])), SITE)
    detail = await refused(verifier, forge(body=payload(x="x" * (lengths[longest] + 3))))
    assert "8192 bytes" in detail


def unsigned(algorithm: str) -> str:
    return f"{base64url(as_json(header(algorithm)))}.{SECOND}."


def none(algorithm: str) -> str:
    return f"{base64url(as_json(header(alg=algorithm)))}.{SECOND}."


CONFUSED: dict[str, str] = {
    "alg none, no signature": none("none"),
    "alg None, no signature": none("None"),
    "alg none, any signature": none("none") + THIRD,
    "alg none without a kid": forge({"alg": "none", "typ": "site+jwt"}),
    "no alg": forge(header(alg=...)),
    "alg a list": forge(header(alg=["EdDSA"])),
    "alg null": forge(header(alg=None)),
    "alg in small letters": forge(header(alg="eddsa")),
    "HS512 with the right secret": forge(
        header("HS512", kid="hs256"), algorithm="HS512", key=SECRET.encode()
    ),
    "RS512 with the right key": forge(header("RS512", kid="rs256"), algorithm="RS512", key=RSA_KEY),
    "PS256 with the right key": forge(header("PS256", kid="rs256"), algorithm="PS256", key=RSA_KEY),
    "ES256 under the kid of EdDSA": forge(header("ES256", kid="eddsa"), algorithm="ES256"),
    "EdDSA said, ES256 signed": forge(header("EdDSA"), algorithm="ES256", key=EC_KEY),
    "HS256 said under EdDSA's kid": forge(header("HS256", kid="eddsa"), algorithm="HS256"),
    "another key of the algorithm": forge(key=ed25519.Ed25519PrivateKey.generate()),
    "another P-256 key": forge(
        header("ES256"), algorithm="ES256", key=ec.generate_private_key(ec.SECP256R1())
    ),
    "another RSA key": forge(
        header("RS256"), algorithm="RS256", key=rsa.generate_private_key(65537, 2048)
    ),
    "unknown kid": forge(header(kid="nobody")),
    "no kid where there are several keys": forge(header(kid=...)),
    "kid a number": forge(header(kid=1)),
    "kid a list": forge(header(kid=["eddsa"])),
    "kid a path": forge(header(kid="../../keys.json")),
    "kid of SQL": forge(header(kid="' or 1=1 --")),
    "ES256 signature of nought": unsigned("ES256") + base64url(bytes(64)),
    "EdDSA signature of nought": f"{FIRST}.{SECOND}.{base64url(bytes(64))}",
    "signature too short": f"{FIRST}.{SECOND}.{THIRD[:40]}",
    "signature of another payload": f"{FIRST}.{base64url(as_json(payload(sub='boss')))}.{THIRD}",
    "signature of another header": f"{base64url(as_json(header(x=1)))}.{SECOND}.{THIRD}",
    "crit empty": forge(header(crit=[])),
    "crit unknown": forge(header(crit=["exp"], exp=1)),
    "crit b64": forge(header(crit=["b64"], b64=True)),
    "crit not a list": forge(header(crit="b64")),
    "b64 false, payload attached": forge(header(b64=False)),
    "own jwk": forge(
        header(kid=..., jwk={"kty": "OKP", "crv": "Ed25519", "x": base64url(bytes(32))}),
        key=ed25519.Ed25519PrivateKey.generate(),
    ),
    "jku to oneself": forge(header(kid="evil", jku="http://127.0.0.1:1/jwks.json")),
    "x5u and x5c": forge(header(kid="evil", x5u="http://127.0.0.1:1/", x5c=["AAAA"])),
}


@pytest.mark.parametrize("token", CONFUSED.values(), ids=CONFUSED)
async def test_a_confused_algorithm_or_key_is_refused(verifier: Verifier, token: str) -> None:
    await refused(verifier, token)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_a_public_key_is_no_secret(verifier: Verifier, algorithm: str) -> None:
    """The old attack: the public key, which anybody has, used as the secret of HS256."""
    public = pem({"RS256": RSA_KEY, "ES256": EC_KEY, "EdDSA": ED_KEY}[algorithm]).encode()
    first = base64url(as_json(header("HS256", kid=algorithm.lower())))
    for secret in (public, public.strip()):
        signature = base64url(_hs256(f"{first}.{SECOND}".encode(), secret))
        await refused(verifier, f"{first}.{SECOND}.{signature}")


def _hs256(message: bytes, secret: bytes) -> bytes:
    return hmac.new(secret, message, "sha256").digest()


async def test_a_key_that_the_token_brings_is_not_looked_at(verifier: Verifier) -> None:
    evil: dict[str, object] = {
        "jwk": {"kty": "oct", "k": "AAAA"},
        "jku": "http://127.0.0.1:1/",
        "x5c": ["AAAA"],
    }
    await verifier.verify(forge(header(**evil)), SITE)


KINDS: dict[str, tuple[str, TokenKind]] = {
    "site taken for reader": (forge(), READER),
    "reader taken for site": (forge(header("EdDSA", "reader"), payload("reader")), SITE),
    "reader typ, site audience": (forge(header("EdDSA", "reader")), READER),
    "reader typ, site audience, as site": (forge(header("EdDSA", "reader")), SITE),
    "site typ, reader audience": (forge(body=payload("reader")), SITE),
    "both audiences": (forge(body=payload(aud=["paywall:site", "paywall:reader"])), SITE),
    "plain typ": (forge(header(typ="JWT")), SITE),
    "no typ": (forge(header(typ=...)), SITE),
    "typ null": (forge(header(typ=None)), SITE),
    "typ a list": (forge(header(typ=["site+jwt"])), SITE),
    "typ at+jwt": (forge(header(typ="at+jwt")), SITE),
    "an issuer of readers alone": (forge(body=payload(iss="https://other.example")), SITE),
    "unknown issuer": (forge(body=payload(iss="https://evil.example")), SITE),
    "issuer with a slash more": (forge(body=payload(iss=f"{NAME}/")), SITE),
    "issuer in capitals": (forge(body=payload(iss=NAME.upper())), SITE),
    "issuer a list": (forge(body=payload(iss=[NAME])), SITE),
    "issuer an object": (forge(body=payload(iss={NAME: 1})), SITE),
    "issuer null": (forge(body=payload(iss=None)), SITE),
    "this service's own name": (forge(body=payload(iss="paywall")), SITE),
    "another audience": (forge(body=payload(aud="elsewhere")), SITE),
    "audience's beginning": (forge(body=payload(aud="paywall:sit")), SITE),
    "audience in capitals": (forge(body=payload(aud="PAYWALL:SITE")), SITE),
    "audience empty": (forge(body=payload(aud=[])), SITE),
    "audience null": (forge(body=payload(aud=None)), SITE),
    "audience an object": (forge(body=payload(aud={"paywall:site": 1})), SITE),
    "audience with a number": (forge(body=payload(aud=["paywall:site", 1])), SITE),
    "audience nested": (forge(body=payload(aud=[["paywall:site"]])), SITE),
}


@pytest.mark.parametrize(("token", "kind"), KINDS.values(), ids=KINDS)
async def test_a_token_of_another_kind_audience_or_issuer_is_refused(
    verifier: Verifier, token: str, kind: TokenKind
) -> None:
    await refused(verifier, token, kind)
