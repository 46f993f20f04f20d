"""What a publisher's server asks the service, over HTTP, with a site token."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import httpx

Json = dict[str, Any]
ARTICLES_MAX = 100
TIMEOUT_SECONDS = 5
TOKEN_SECONDS, ENTRY_TOKEN_SECONDS = 900, 300
PURCHASE_WITHIN_SECONDS = 4.0
POLL_SECONDS = 0.2
CLOCK_READER_ID = "nobody"


class PageViewer(NamedTuple):
    """Who looks at a page: a reader who is signed in, a visitor by a pseudonym, or neither."""

    reader_id: str | None = None
    visitor_id: str | None = None

    def named(self) -> Json:
        if self.reader_id:
            return {"reader_id": self.reader_id}
        return {"visitor_id": self.visitor_id} if self.visitor_id else {}


class SiteTokenAuth(httpx.Auth):
    """The newspaper's own, made by `mint` when it is needed first, and anew where it has ended."""

    def __init__(self, mint: Callable[[], Awaitable[str]]) -> None:
        self._mint = mint
        self._token: str | None = None

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        self._token = self._token or await self._mint()
        request.headers["Authorization"] = f"Bearer {self._token}"
        answer = yield request
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self._token = await self._mint()
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request


class PaywallClient:
    """The service as the newspaper knows it. Raises httpx.HTTPError where it doesn't answer."""

    def __init__(self, service: str, mint_token: Callable[[], Awaitable[str]]) -> None:
        self.service = service
        self._client = httpx.AsyncClient(
            base_url=service, auth=SiteTokenAuth(mint_token), timeout=TIMEOUT_SECONDS
        )

    async def articles(self) -> list[Json]:
        """Every article, the one published last at the top."""
        told = await self._told("GET", "/v1/articles", params={"limit": ARTICLES_MAX})
        items: list[Json] = told["items"]
        return sorted(items, key=lambda item: str(item["published_at"]), reverse=True)

    async def article(self, article_id: str) -> Json | None:
        answer = await self._client.get(f"/v1/articles/{article_id}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        return _parse(answer)

    async def decisions(self, viewer: PageViewer, article_ids: list[str]) -> dict[str, Json]:
        """May the viewer read each of these? No view is counted."""
        if not article_ids:
            return {}
        question = {**viewer.named(), "article_ids": article_ids}
        told = await self._told("POST", "/v1/access/check-batch", json=question)
        return {decision["article_id"]: decision for decision in told["decisions"]}

    async def body(self, viewer: PageViewer, article_id: str) -> Json:
        """The decision with the body or the preview; a metered view is counted."""
        question = {**viewer.named(), "article_id": article_id}
        return await self._told("POST", "/v1/access/body", json=question)

    async def structured_data(self, article_id: str) -> str:
        """JSON-LD for the page's head, as it is."""
        answer = await self._client.get(f"/v1/articles/{article_id}/structured-data")
        answer.raise_for_status()
        return answer.text

    async def reader_token(self, reader_id: str, lifetime_seconds: int = TOKEN_SECONDS) -> Json:
        """A token for this reader's browser."""
        order = {"lifetime_seconds": lifetime_seconds}
        return await self._told("POST", f"/v1/readers/{reader_id}/token", json=order)

    async def offers(self) -> Json:
        """What can be bought: `plans`, `passes` and `packs`."""
        return await self._told("GET", "/v1/offers")

    async def unlocks(self, reader_id: str) -> list[Json]:
        """What the reader has unlocked, the newest first."""
        return await self._mine(reader_id, "unlocks", ARTICLES_MAX)

    async def paid_since(self, reader_id: str, since_unix_seconds: int) -> Json | None:
        """The reader's last payment, if it was made then or later.

        A reader is back sooner than the processor tells of the payment: it has some seconds.
        """
        deadline = time.monotonic() + PURCHASE_WITHIN_SECONDS
        while True:
            for last in await self._mine(reader_id, "purchases", 1):
                if datetime.fromisoformat(last["created_at"]).timestamp() >= since_unix_seconds:
                    return last
            if time.monotonic() > deadline:
                return None
            await asyncio.sleep(POLL_SECONDS)

    async def _mine(self, reader_id: str, what: str, limit: int) -> list[Json]:
        """Asked in the reader's own name, since it is nobody else's to ask."""
        token = await self.reader_token(reader_id, ENTRY_TOKEN_SECONDS)
        told = await self._told(
            "GET",
            f"/v1/me/{what}",
            params={"limit": limit},
            headers={"Authorization": f"Bearer {token['token']}"},
            auth=None,
        )
        items: list[Json] = told["items"]
        return items

    async def service_time(self) -> datetime:
        """The service's clock, to the second: when a token ends, less how long it lives."""
        token = await self.reader_token(CLOCK_READER_ID, ENTRY_TOKEN_SECONDS)
        return datetime.fromisoformat(token["expires_at"]) - timedelta(seconds=ENTRY_TOKEN_SECONDS)

    async def assets(self) -> Json:
        """Where today's script and style sheet for readers are."""
        return await self._told("GET", "/v1/parts")

    async def is_up(self) -> bool:
        """Whether a reader's browser can be led to it now."""
        try:
            return (await self._client.get("/livez")).is_success
        except httpx.HTTPError:
            return False

    async def close(self) -> None:
        await self._client.aclose()

    async def _told(self, method: str, path: str, **sent: Any) -> Json:
        return _parse(await self._client.request(method, path, **sent))


def _parse(answer: httpx.Response) -> Json:
    answer.raise_for_status()
    told: Json = answer.json()
    return told
