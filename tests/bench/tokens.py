"""What a token costs the verifier, the first time and each time after."""

import time
from pathlib import Path

from paywall.clock import Clock
from paywall.tokens.caller import TokenKind
from paywall.tokens.verify import Verifier
from tests.bench.figures import TokenCost
from tests.bench.progress import print_progress
from tests.tokens.forging import ALGORITHMS, forge, header, issuer, payload, trusting

COLD_TOKENS = 500
TIMES_REMEMBERED = 20_000


async def measure_tokens(folder: Path) -> list[TokenCost]:
    print_progress("Tokens…")
    verifier = Verifier(trusting(folder, issuer()), Clock())
    return [await _cost(verifier, algorithm) for algorithm in ALGORITHMS]


async def _cost(verifier: Verifier, algorithm: str) -> TokenCost:
    tokens = [_token(algorithm, number) for number in range(COLD_TOKENS + 1)]
    # The first one is not timed: a library loads what it needs when it first needs it.
    await verifier.verify(tokens.pop(), TokenKind.SITE)
    begun = time.perf_counter()
    for token in tokens:
        await verifier.verify(token, TokenKind.SITE)
    verified = time.perf_counter()
    spelled = tokens[0].encode()
    for _ in range(TIMES_REMEMBERED):
        verifier.recall(spelled, TokenKind.SITE)
    recalled = time.perf_counter()
    return TokenCost(
        algorithm,
        cold_us=(verified - begun) / COLD_TOKENS * 1e6,
        remembered_us=(recalled - verified) / TIMES_REMEMBERED * 1e6,
    )


def _token(algorithm: str, number: int) -> str:
    now = int(time.time())
    claims = payload(jti=f"token-{algorithm}-{number}", iat=now, exp=now + 600)
    return forge(header(algorithm), claims, algorithm=algorithm)
