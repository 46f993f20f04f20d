"""A verified token is remembered, but never for longer than it holds."""

from pathlib import Path

import pytest

from paywall.problems import Problem
from paywall.tokens import verify
from paywall.tokens.caller import TokenKind
from paywall.tokens.verify import REMEMBERED_BYTES_MAX, REMEMBERED_MAX, Verifier
from tests.conftest import SetClock
from tests.tokens.forging import SECRET, forge, header, issuer, payload, trusting

SITE, READER = TokenKind.SITE, TokenKind.READER


@pytest.fixture
def verifier(tmp_path: Path, clock: SetClock) -> Verifier:
    return Verifier(trusting(tmp_path, issuer()), clock)


async def test_a_remembered_token_is_recalled_without_verifying(verifier: Verifier) -> None:
    token = forge()
    assert verifier.recall(token.encode(), SITE) is None
    caller = await verifier.verify(token, SITE)
    assert verifier.recall(token.encode(), SITE) is caller


async def test_a_refused_token_is_not_remembered(verifier: Verifier) -> None:
    token = forge(header(kid="unknown"))
    with pytest.raises(Problem):
        await verifier.verify(token, SITE)
    assert verifier.recall(token.encode(), SITE) is None


async def test_a_token_remembered_as_one_kind_is_not_the_other(verifier: Verifier) -> None:
    token = forge()
    await verifier.verify(token, SITE)
    assert verifier.recall(token.encode(), READER) is None
    with pytest.raises(Problem):
        await verifier.verify(token, READER)
    assert verifier.recall(token.encode(), SITE) is not None


async def test_a_remembered_token_ends_at_its_very_instant(
    verifier: Verifier, clock: SetClock
) -> None:
    token = forge()
    await verifier.verify(token, SITE)
    clock.move(seconds=600 + 30, microseconds=-1)
    assert verifier.recall(token.encode(), SITE) is not None
    clock.move(microseconds=1)
    assert verifier.recall(token.encode(), SITE) is None
    with pytest.raises(Problem, match="has ended"):
        await verifier.verify(token, SITE)


async def test_a_remembered_token_is_not_valid_before_its_time(
    verifier: Verifier, clock: SetClock
) -> None:
    token = forge()
    await verifier.verify(token, SITE)
    clock.move(seconds=-31)
    assert verifier.recall(token.encode(), SITE) is None
    with pytest.raises(Problem, match="not valid yet"):
        await verifier.verify(token, SITE)


async def test_the_memory_is_bounded_and_forgets_what_was_used_longest_ago(
    verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert REMEMBERED_MAX == 10_000
    monkeypatch.setattr(verify, "REMEMBERED_MAX", 3)
    tokens = [_token(number) for number in range(4)]
    for token in tokens[:3]:
        await verifier.verify(token, SITE)
    await verifier.verify(tokens[0], SITE)
    await verifier.verify(tokens[3], SITE)
    remembered = [verifier.recall(token.encode(), SITE) is not None for token in tokens]
    assert remembered == [True, False, True, True]


async def test_a_long_token_is_verified_each_time(verifier: Verifier) -> None:
    token = forge(body=payload(x="x" * REMEMBERED_BYTES_MAX))
    await verifier.verify(token, SITE)
    assert verifier.recall(token.encode(), SITE) is None
    await verifier.verify(token, SITE)


def _token(number: int) -> str:
    body = payload(jti=f"token-{number}")
    return forge(header("HS256"), body, algorithm="HS256", key=SECRET.encode())
