"""What a hostile reader sends through a proxy, each with the answers that may come back.

Most of them hide a request in what is a body, or leave a request unfinished, so that a service
that loses count answers one client with what belongs to another.
"""

import json
import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.sites.wire import CRLF, chunk, request, sized

READER = "mallory"
# An article that the reader could unlock, if a hidden request were carried out.
COVETED = "coveted"
# The article m7 costs 1007 credits: what a check of the site's is told costs less than 1000.
OWN_COST = 1000
OWN_ARTICLES = 30
UPGRADES = (
    ("Connection: Upgrade", "Upgrade: foo"),
    ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIAAAAB"),
    (
        "Connection: keep-alive, Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ),
)  # fmt: skip
JSON = "Content-Type: application/json"
ODD_CODINGS = ("chunked, identity", "xchunked", "chunked, chunked", "\tchunked", "gzip, chunked")


class Attack(NamedTuple):
    """Bytes to send, with the seconds to wait between them."""

    parts: Sequence[bytes | float]
    answers_max: int
    # Where it asks what articles cost: the answers, in their order.
    costs: Sequence[int] = ()
    # It leaves without reading.
    ends_early: bool = False


class Attacker:
    """Makes attacks, at random, as one reader with a token of their own."""

    def __init__(self, token: str, chance: random.Random) -> None:
        self.bearer = f"Authorization: Bearer {token}"
        self._chance = chance
        self.kinds: Sequence[Callable[[], Attack]] = (
            self.upgrade_before_a_late_body, self.upgrade_before_a_late_body,
            self.upgrade_with_its_body, self.upgrade_with_a_chunked_body,
            self.upgrade_with_a_body_in_pieces, self.body_of_a_get, self.length_and_chunks,
            self.odd_coding, self.two_lengths, self.trailers, self.expectation, self.pipeline,
            self.huge_head, self.many_headers, self.slow_body, self.half_a_head, self.half_a_body,
            self.leaving_without_the_answer, self.malformed_head, self.old_version,
        )  # fmt: skip

    def honest(self) -> Attack:
        """What the page of an ordinary reader asks for."""
        number = self._chance.randrange(OWN_ARTICLES)
        return Attack([self._asking_the_cost(number)], 1, [OWN_COST + number])

    def upgrade_before_a_late_body(self) -> Attack:
        hidden, delay = self._hidden(), self._chance.choice((0.002, 0.01, 0.03, 0.1))
        head = self._unlock(*self._upgrade(), f"Content-Length: {len(hidden)}")
        return Attack([head, delay, hidden], 1)

    def upgrade_with_its_body(self) -> Attack:
        hidden = self._hidden()
        head = self._unlock(*self._upgrade(), f"Content-Length: {len(hidden)}")
        return Attack([head + hidden], 1)

    def upgrade_with_a_chunked_body(self) -> Attack:
        head = self._unlock(*self._upgrade(), "Transfer-Encoding: chunked")
        return Attack([head, 0.01, chunk(self._hidden()), 0.01, chunk(b"")], 1)

    def upgrade_with_a_body_in_pieces(self) -> Attack:
        hidden = self._hidden()
        head = self._unlock(*self._upgrade(), f"Content-Length: {len(hidden)}")
        cut, later = sorted(self._chance.sample(range(1, len(hidden)), 2))
        parts: list[bytes | float] = [hidden[:cut], 0.005, hidden[cut:later], 0.005, hidden[later:]]
        return Attack([head, 0.005, *parts], 1)

    def body_of_a_get(self) -> Attack:
        hidden = self._hidden()
        head = request("GET /v1/me HTTP/1.1", self.bearer, f"Content-Length: {len(hidden)}")
        return Attack([head, 0.01, hidden], 1)

    def length_and_chunks(self) -> Attack:
        """Whoever counts by the length sees one request, by the chunks two."""
        body = chunk(b"") + self._asking_the_cost(1)
        head = self._unlock(f"Content-Length: {len(body)}", "Transfer-Encoding: chunked")
        return Attack([head + body], 2)

    def odd_coding(self) -> Attack:
        coding = self._chance.choice(ODD_CODINGS)
        body = chunk(b"") + self._asking_the_cost(1)
        head = self._unlock(f"Content-Length: {len(body)}", f"Transfer-Encoding: {coding}")
        return Attack([head + body], 2)

    def two_lengths(self) -> Attack:
        body = self._asking_the_cost(1)
        other = self._chance.choice(("0", "5", "+5", "0x5", "-1", "5 5", "1_0"))
        head = self._unlock(f"Content-Length: {len(body)}", f"Content-Length: {other}")
        return Attack([head + body], 2)

    def trailers(self) -> Attack:
        head = self._unlock("Transfer-Encoding: chunked", "Trailer: Content-Length, X-More")
        hidden = self._hidden()
        end = f"0{CRLF}Content-Length: 7{CRLF}X-More: {'a' * 2000}{CRLF}{CRLF}".encode()
        return Attack([head, 0.005, chunk(hidden), end], 1)

    def expectation(self) -> Attack:
        hidden = self._hidden()
        head = self._unlock("Expect: 100-continue", f"Content-Length: {len(hidden)}")
        return Attack([head, 0.02, hidden], 1)

    def pipeline(self) -> Attack:
        numbers = [self._chance.randrange(OWN_ARTICLES) for _ in range(12)]
        asked = b"".join(self._asking_the_cost(number) for number in numbers)
        return Attack([asked], len(numbers), [OWN_COST + number for number in numbers])

    def huge_head(self) -> Attack:
        size = self._chance.choice((20_000, 33_000, 70_000))
        return Attack([request("GET /v1/me HTTP/1.1", self.bearer, f"X-Huge: {'a' * size}")], 1)

    def many_headers(self) -> Attack:
        many = (f"X-Many-{number}: a" for number in range(300))
        return Attack([request("GET /v1/me HTTP/1.1", self.bearer, *many)], 1)

    def slow_body(self) -> Attack:
        body = json.dumps({"article_id": "nowhere"}).encode()
        head = self._unlock(JSON, f"Content-Length: {len(body)}")
        drops: list[bytes | float] = [part for byte in body for part in (bytes([byte]), 0.02)]
        return Attack([head, *drops], 1)

    def half_a_head(self) -> Attack:
        whole = self._asking_the_cost(2)
        return Attack([whole[: self._chance.randrange(1, len(whole))], 0.02], 0, ends_early=True)

    def half_a_body(self) -> Attack:
        hidden = self._hidden()
        head = self._unlock(*self._upgrade(), f"Content-Length: {len(hidden) + 40}")
        return Attack([head, 0.01, hidden, 0.02], 0, ends_early=True)

    def leaving_without_the_answer(self) -> Attack:
        return Attack([self._asking_the_cost(3) * 5], 0, ends_early=True)

    def malformed_head(self) -> Attack:
        bad = self._chance.choice(
            ("X Y: a", "X-Bad : a", " folded", "X-Nul: \0", "Host: elsewhere", ": empty")
        )
        return Attack([request("GET /v1/me HTTP/1.1", self.bearer, bad)], 1)

    def old_version(self) -> Attack:
        line = self._chance.choice(
            ("GET /v1/me HTTP/1.0", "GET /v1/me HTTP/2.0", "OPTIONS * HTTP/1.1",
             "GET http://elsewhere.test/v1/me HTTP/1.1", "TRACE /v1/me HTTP/1.1")
        )  # fmt: skip
        return Attack([request(line, self.bearer, "Connection: keep-alive")], 1)

    def _hidden(self) -> bytes:
        """What a service that loses count takes for a request, or for the beginning of one."""
        wanted = json.dumps({"article_id": COVETED}).encode()
        unlock = sized("POST /v1/me/unlocks HTTP/1.1", self.bearer, JSON, body=wanted)
        me = request("GET /v1/me HTTP/1.1", self.bearer)
        return self._chance.choice(
            (unlock, me, unlock + me, me[:-2] + b"X-Rest: ", unlock[:-2], unlock + me[:-2])
        )

    def _upgrade(self) -> tuple[str, ...]:
        return self._chance.choice(UPGRADES)

    def _unlock(self, *headers: str) -> bytes:
        return request("POST /v1/me/unlocks HTTP/1.1", self.bearer, *headers)

    def _asking_the_cost(self, number: int) -> bytes:
        return request(f"GET /v1/me/articles/m{number}/access HTTP/1.1", self.bearer)
