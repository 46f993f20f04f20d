"""Keys from a URL: fetched when needed, seldom enough, and kept for so long and no longer."""

import asyncio
import base64
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, HMACAlgorithm, OKPAlgorithm, RSAAlgorithm

from paywall.problems import INVALID_TOKEN, Problem
from paywall.tokens import jwks as module
from paywall.tokens.caller import TokenKind
from paywall.tokens.jwks import JWKS_BYTES_MAX
from paywall.tokens.verify import Verifier
from tests.conftest import PATIENT_SECONDS, SetClock
from tests.tokens.conftest import JwksServer
from tests.tokens.forging import (
    EC_KEY,
    ED_KEY,
    RSA_KEY,
    SECRET,
    START,
    forge,
    header,
    issuer,
    payload,
    trusting,
)

SITE = TokenKind.SITE
NEW_KEY = ed25519.Ed25519PrivateKey.generate()
OLD = forge(header(kid="old"))
NEW = forge(header(kid="new"), key=NEW_KEY)
MAX_AGE_SECONDS = 3600


def jwk(key: Any, kid: str | None = "old", **members: object) -> dict[str, object]:
    match key:
        case rsa.RSAPrivateKey():
            values = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        case ec.EllipticCurvePrivateKey():
            values = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
        case _:
            values = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    values.pop("key_ops", None)
    return {**values, **({"kid": kid} if kid else {}), **members}


def trusted(tmp_path: Path, clock: SetClock, url: str, algorithm: str = "EdDSA") -> Verifier:
    settings = issuer(
        keys=[], jwks_url=url, jwks_algorithm=algorithm, jwks_max_age_seconds=MAX_AGE_SECONDS
    )
    return Verifier(trusting(tmp_path, settings), clock)


@pytest.fixture
async def verifier(tmp_path: Path, clock: SetClock, jwks: JwksServer) -> AsyncIterator[Verifier]:
    jwks.serve(jwk(ED_KEY))
    verifier = trusted(tmp_path, clock, jwks.url)
    yield verifier
    await verifier.close()


async def is_taken(verifier: Verifier, token: str) -> bool:
    try:
        await verifier.verify(token, SITE)
    except Problem as problem:
        if problem.kind is not INVALID_TOKEN:
            raise
        return False
    return True


async def test_keys_are_fetched_when_they_are_first_needed(
    verifier: Verifier, jwks: JwksServer
) -> None:
    assert jwks.asked == 0
    assert await is_taken(verifier, OLD)
    assert await is_taken(verifier, forge(header(kid="old", x=1)))
    assert jwks.asked == 1


async def test_requests_at_once_fetch_once(verifier: Verifier, jwks: JwksServer) -> None:
    tokens = [forge(header(kid="old", n=n)) for n in range(20)]
    assert all(await asyncio.gather(*(is_taken(verifier, token) for token in tokens)))
    assert jwks.asked == 1


async def test_an_unknown_kid_fetches_at_most_once_a_minute(
    verifier: Verifier, jwks: JwksServer, clock: SetClock
) -> None:
    await is_taken(verifier, OLD)
    clock.move(seconds=5)
    assert not await is_taken(verifier, NEW)
    assert jwks.asked == 2
    jwks.serve(jwk(ED_KEY), jwk(NEW_KEY, "new"))
    clock.move(seconds=59)
    for _ in range(50):
        assert not await is_taken(verifier, NEW)
    assert jwks.asked == 2
    clock.move(seconds=1)
    assert await is_taken(verifier, NEW)
    assert jwks.asked == 3


async def test_a_flood_of_unknown_kids_delays_a_new_key_by_five_seconds_at_most(
    verifier: Verifier, jwks: JwksServer, clock: SetClock
) -> None:
    await is_taken(verifier, OLD)
    numbers = itertools.count()

    async def flood() -> None:
        for _ in range(50):
            assert not await is_taken(verifier, forge(header(kid=f"unknown-{next(numbers)}")))

    for _ in range(7):
        clock.move(seconds=1)
        await flood()
    jwks.serve(jwk(ED_KEY), jwk(NEW_KEY, "new"))
    waited_seconds = 0
    while not await is_taken(verifier, NEW):
        await flood()
        clock.move(seconds=1)
        waited_seconds += 1
        await flood()
    assert 0 < waited_seconds <= 5
    assert await is_taken(verifier, OLD)


async def test_a_flood_of_unknown_kids_asks_the_issuer_twelve_times_a_minute(
    verifier: Verifier, jwks: JwksServer, clock: SetClock
) -> None:
    await is_taken(verifier, OLD)
    assert jwks.asked == 1
    for second in range(120):
        clock.move(seconds=1)
        tokens = [forge(header(kid=f"unknown-{second}-{number}")) for number in range(5)]
        assert not any(await asyncio.gather(*(is_taken(verifier, token) for token in tokens)))
    assert jwks.asked == 1 + 120 / 5


async def test_a_flood_while_the_issuer_is_down_keeps_no_key_out_when_it_is_back(
    verifier: Verifier, jwks: JwksServer, clock: SetClock
) -> None:
    jwks.status = "500 Oops"
    for second in range(30):
        assert not await is_taken(verifier, forge(header(kid=f"unknown-{second}")))
        clock.move(seconds=1)
    assert jwks.asked == 6
    jwks.status = "200 OK"
    assert not await is_taken(verifier, forge(header(kid="another")))
    assert await is_taken(verifier, OLD)
    assert jwks.asked == 7


async def test_a_key_that_the_issuer_removed_ends_its_tokens_though_remembered(
    verifier: Verifier, jwks: JwksServer, clock: SetClock
) -> None:
    await is_taken(verifier, OLD)
    jwks.serve(jwk(NEW_KEY, "new"))
    clock.move(minutes=5)
    assert (
        verifier.recall(OLD.encode(), SITE) is not None
    )  # this starts the fetch and waits for none
    assert await is_taken(verifier, NEW)  # this waits for the same one
    assert jwks.asked == 2
    assert verifier.recall(OLD.encode(), SITE) is None
    assert not await is_taken(verifier, OLD)


async def test_a_kid_with_another_key_ends_the_tokens_of_the_first(
    verifier: Verifier, jwks: JwksServer, clock: SetClock
) -> None:
    await is_taken(verifier, OLD)
    jwks.serve(jwk(NEW_KEY, "old"))
    clock.move(minutes=5)
    await is_taken(verifier, forge(header(kid="unknown")))
    assert verifier.recall(OLD.encode(), SITE) is None
    assert not await is_taken(verifier, OLD)


async def test_an_unchanged_key_keeps_its_tokens_remembered(
    verifier: Verifier, jwks: JwksServer, clock: SetClock
) -> None:
    await is_taken(verifier, OLD)
    clock.move(minutes=5)
    await is_taken(verifier, forge(header(kid="unknown")))
    assert jwks.asked == 2
    assert verifier.recall(OLD.encode(), SITE) is not None


async def test_an_empty_set_ends_every_token(
    verifier: Verifier, jwks: JwksServer, clock: SetClock
) -> None:
    await is_taken(verifier, OLD)
    jwks.serve()
    clock.move(minutes=5)
    await is_taken(verifier, forge(header(kid="unknown")))
    assert not await is_taken(verifier, OLD)


def fail_by_status(server: JwksServer) -> None:
    server.status = "500 Oops"


def fail_by_redirect(server: JwksServer) -> None:
    server.status, server.headers = "302 Found", f"Location: {server.url}\r\n"


def fail_by_size(server: JwksServer) -> None:
    server.body += b" " * JWKS_BYTES_MAX


def fail_by_compression(server: JwksServer) -> None:
    server.headers = "Content-Encoding: gzip\r\n"
    server.body = base64.b64decode("H4sIAAAAAAAAA0utKMnMSwcAk2lpPgcAAAA=")


def fail_by_body(body: bytes) -> Any:
    def fail(server: JwksServer) -> None:
        server.body = body

    return fail


FAILURES = {
    "status": fail_by_status,
    "redirect": fail_by_redirect,
    "size": fail_by_size,
    "compression": fail_by_compression,
    "nothing": fail_by_body(b""),
    "no JSON": fail_by_body(b"<html>"),
    "no UTF-8": fail_by_body(b'{"keys": [], "x": "\xff"}'),
    "an array": fail_by_body(b"[]"),
    "no keys": fail_by_body(b"{}"),
    "keys null": fail_by_body(b'{"keys": null}'),
    "deep": fail_by_body(b'{"keys": [' + b"[" * 30_000 + b"]" * 30_000 + b"]"),
}


@pytest.mark.parametrize("fail", FAILURES.values(), ids=FAILURES)
async def test_keys_are_kept_when_a_refetch_fails_but_not_past_their_age(
    verifier: Verifier, jwks: JwksServer, clock: SetClock, fail: Any
) -> None:
    await is_taken(verifier, OLD)
    fail(jwks)
    clock.move(seconds=MAX_AGE_SECONDS - 630)
    token = forge(header(kid="old"), _later(MAX_AGE_SECONDS - 630))
    assert await is_taken(verifier, token)
    assert not await is_taken(verifier, forge(header(kid="unknown")))
    assert jwks.asked == 2
    clock.move(seconds=629)
    assert verifier.recall(token.encode(), SITE) is not None
    await is_taken(verifier, forge(header(kid="unknown")))
    clock.move(seconds=1)
    assert verifier.recall(token.encode(), SITE) is None
    assert not await is_taken(verifier, token)


@pytest.mark.parametrize("fail", FAILURES.values(), ids=FAILURES)
async def test_a_first_fetch_that_fails_refuses_and_is_tried_again_in_a_minute(
    verifier: Verifier, jwks: JwksServer, clock: SetClock, fail: Any
) -> None:
    good = jwks.body
    fail(jwks)
    assert not await is_taken(verifier, OLD)
    jwks.status, jwks.headers, jwks.body = "200 OK", "", good
    clock.move(seconds=59)
    assert not await is_taken(verifier, OLD)
    assert jwks.asked == 1
    clock.move(seconds=1)
    assert await is_taken(verifier, OLD)


async def test_a_server_that_is_gone_refuses(tmp_path: Path, clock: SetClock) -> None:
    verifier = trusted(tmp_path, clock, "http://127.0.0.1:1/jwks.json")
    assert not await is_taken(verifier, OLD)
    await verifier.close()


async def test_a_server_that_never_answers_is_left_in_time(
    verifier: Verifier, jwks: JwksServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert module.TIMEOUT_SECONDS == 1
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.05)
    jwks.answering.clear()
    assert not await is_taken(verifier, OLD)


async def test_a_server_that_answers_byte_by_byte_is_left_in_time(
    verifier: Verifier, jwks: JwksServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.1)
    jwks.seconds_between_bytes = 0.02
    jwks.body = b" " * JWKS_BYTES_MAX
    pending_requests = asyncio.create_task(is_taken(verifier, OLD))
    assert not await asyncio.wait_for(pending_requests, PATIENT_SECONDS)


async def test_whoever_goes_away_does_not_stop_the_fetch_of_the_others(
    verifier: Verifier, jwks: JwksServer
) -> None:
    jwks.answering.clear()
    first = asyncio.create_task(verifier.verify(OLD, SITE))
    await jwks.asked_once_more.wait()
    second = asyncio.create_task(verifier.verify(OLD, SITE))
    first.cancel()
    jwks.answering.set()
    assert (await second).subject == "someone"
    assert first.cancelled()
    assert jwks.asked == 1


async def test_closing_ends_a_fetch_under_way(verifier: Verifier, jwks: JwksServer) -> None:
    jwks.answering.clear()
    pending_requests = asyncio.create_task(verifier.verify(OLD, SITE))
    await jwks.asked_once_more.wait()
    await verifier.close()
    with pytest.raises(asyncio.CancelledError):
        await pending_requests


WEAK_RSA = rsa.generate_private_key(65537, 1024)  # noqa: S505 (meant to be weak)
P384 = ec.generate_private_key(ec.SECP384R1())
SECRET_JWK = {**HMACAlgorithm.to_jwk(SECRET, as_dict=True), "kid": "old"}

UNUSABLE: dict[str, tuple[str, object, object]] = {
    "a secret": ("EdDSA", SECRET_JWK, ED_KEY),
    "for encryption": ("EdDSA", jwk(ED_KEY, use="enc"), ED_KEY),
    "for signing alone": ("EdDSA", jwk(ED_KEY, key_ops=["sign"]), ED_KEY),
    "for another algorithm": ("RS256", jwk(RSA_KEY, alg="PS256"), RSA_KEY),
    "of another type": ("RS256", jwk(ED_KEY), RSA_KEY),
    "weak RSA": ("RS256", jwk(WEAK_RSA), WEAK_RSA),
    "of another curve": ("ES256", jwk(P384), EC_KEY),
    "of a wrong curve": ("ES256", jwk(P384, crv="P-256"), EC_KEY),
    "off the curve": ("ES256", jwk(EC_KEY, x="A" * 43), EC_KEY),
    "too short": ("EdDSA", jwk(ED_KEY, x="AAAA"), ED_KEY),
    "not base64": ("EdDSA", jwk(ED_KEY, x="!!!"), ED_KEY),
    "exponent 1": ("RS256", jwk(RSA_KEY, e="AQ"), RSA_KEY),
    "kid a number": ("EdDSA", {**jwk(ED_KEY), "kid": 1}, ED_KEY),
    "no object": ("EdDSA", "key", ED_KEY),
    "null": ("EdDSA", None, ED_KEY),
    "empty": ("EdDSA", {}, ED_KEY),
}


@pytest.mark.parametrize(("algorithm", "unusable", "key"), UNUSABLE.values(), ids=UNUSABLE)
async def test_a_key_that_is_not_for_this_is_passed_over(
    tmp_path: Path, clock: SetClock, jwks: JwksServer, algorithm: str, unusable: object, key: Any
) -> None:
    good = {"EdDSA": NEW_KEY, "RS256": RSA_KEY, "ES256": EC_KEY}[algorithm]
    jwks.serve(unusable, jwk(good, "good"))
    verifier = trusted(tmp_path, clock, jwks.url, algorithm)
    assert not await is_taken(
        verifier, forge(header(algorithm, kid="old"), algorithm=algorithm, key=key)
    )
    assert await is_taken(
        verifier, forge(header(algorithm, kid="good"), algorithm=algorithm, key=good)
    )
    await verifier.close()


async def test_a_secret_among_public_keys_is_no_hs256_key(
    verifier: Verifier, jwks: JwksServer
) -> None:
    jwks.serve(SECRET_JWK, jwk(ED_KEY, "other"))
    assert not await is_taken(verifier, forge(header("HS256", kid="old"), algorithm="HS256"))


@pytest.mark.parametrize(
    ("algorithm", "key"), [("RS256", RSA_KEY), ("ES256", EC_KEY), ("EdDSA", ED_KEY)]
)
async def test_a_private_key_published_by_mistake_still_verifies(
    tmp_path: Path, clock: SetClock, jwks: JwksServer, algorithm: str, key: Any
) -> None:
    jwks.serve(jwk(key, d="AAAA", alg=algorithm, use="sig", key_ops=["verify"]))
    verifier = trusted(tmp_path, clock, jwks.url, algorithm)
    token = forge(header(algorithm, kid="old"), algorithm=algorithm)
    assert await is_taken(verifier, token)
    await verifier.close()


async def test_one_key_alone_needs_no_kid(verifier: Verifier, jwks: JwksServer) -> None:
    jwks.serve(jwk(ED_KEY, None))
    assert await is_taken(verifier, forge(header(kid=...)))


def _later(seconds: int) -> dict[str, object]:
    issued = int(START.timestamp()) + seconds
    return payload(iat=issued, exp=issued + 6000)
