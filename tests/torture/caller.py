"""A client that repeats a request until it is answered, as a site does."""

import asyncio
from dataclasses import dataclass
from random import Random
from typing import Self

import httpx

from tests.torture.journal import Journal

TIMEOUT_SECONDS = 15
GIVES_UP_SECONDS = 0.03
GIVES_UP_SHARE = 0.03
REPEAT_AFTER_SECONDS = 0.2
# Clients that try too often would take the processor from the service that starts again.
RECONNECT_AFTER_SECONDS = 0.5
ATTEMPTS_MAX = 3000
ANSWERS = {200, 201, 204, 409}
ONLY_503 = "while something fails, the answer is 503"
SAME_ANSWER = "a repeated key gets the answer that was given"


class NotAnswered(Exception):  # noqa: N818 (an answer that ends one client's turn)
    """The service answered what it should not; the journal has it."""


@dataclass
class Caller:
    """One client on one connection, which a worker keeps; `token` is the site's."""

    http: httpx.AsyncClient
    journal: Journal
    chance: Random
    token: str
    _number: int = 0

    @classmethod
    def at(cls, address: str, journal: Journal, chance: Random, token: str) -> Self:
        limits = httpx.Limits(max_connections=1)
        http = httpx.AsyncClient(base_url=address, timeout=TIMEOUT_SECONDS, limits=limits)
        return cls(http, journal, chance, token)

    def new_key(self) -> str:
        return f"key-{self.chance.getrandbits(64):x}"

    async def get(self, path: str, *, token: str | None = None) -> httpx.Response:
        return await self._ask("GET", path, None, token, None)

    async def post(
        self,
        path: str,
        body: dict[str, object],
        *,
        token: str | None = None,
        key: str | None = None,
    ) -> httpx.Response:
        return await self._ask("POST", path, body, token, key)

    async def post_with_key(
        self, path: str, body: dict[str, object], *, token: str | None = None
    ) -> httpx.Response:
        """With a key of its own; sometimes once more after it was answered."""
        key = self.new_key()
        answer = await self.post(path, body, token=token, key=key)
        if answer.is_success and self.chance.random() < 0.2:
            again = await self.post(path, body, token=token, key=key)
            is_same = (again.status_code, again.content) == (answer.status_code, answer.content)
            self.journal.check(SAME_ANSWER, is_same, f"{path}: {answer.text}, then {again.text}")
        return answer

    async def _ask(
        self,
        method: str,
        path: str,
        body: dict[str, object] | None,
        token: str | None,
        key: str | None,
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        for _ in range(ATTEMPTS_MAX):
            gives_up = key is not None and self.chance.random() < GIVES_UP_SHARE
            timeout = GIVES_UP_SECONDS if gives_up else TIMEOUT_SECONDS
            try:
                answer = await self.http.request(
                    method, path, json=body, headers=headers, timeout=timeout
                )
            except httpx.TransportError:
                if gives_up:
                    self.journal.given_up += 1
                else:
                    self.journal.unanswered += 1
                await asyncio.sleep(RECONNECT_AFTER_SECONDS)
                continue
            if self._is_final(answer, f"{method} {path}"):
                return answer
            await asyncio.sleep(REPEAT_AFTER_SECONDS)
        self.journal.check(ONLY_503, holds=False, detail=f"{method} {path} was never answered")
        raise NotAnswered

    def _is_final(self, answer: httpx.Response, asked: str) -> bool:
        """Whether it is an answer, or has to be asked for again."""
        self.journal.statuses[answer.status_code] += 1
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            self.journal.check(
                ONLY_503, answer.headers.get("retry-after"), f"{asked}: {answer.text}"
            )
            return False
        if answer.status_code not in ANSWERS:
            self.journal.check(
                ONLY_503, holds=False, detail=f"{asked}: {answer.status_code} {answer.text}"
            )
            raise NotAnswered
        return "request_in_progress" not in answer.text
