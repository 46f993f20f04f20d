"""The calls that a publisher's server makes to the service, with a site token."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
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
    """Who views a page: a reader who is signed in, a visitor by a pseudonym, or neither."""

    reader_id: str | None = None
    visitor_id: str | None = None

    def to_fields(self) -> Json:
        """The fields of a check that identify the viewer."""
        if self.reader_id:
            return {"reader_id": self.reader_id}
        return {"visitor_id": self.visitor_id} if self.visitor_id else {}


class SiteTokenAuth(httpx.Auth):
    """Sends the site token, which it mints at the first request and after a 401."""

    def __init__(self, mint: Callable[[], Awaitable[str]]) -> None:
        self._mint = mint
        self._token: str | None = None

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        self._token = self._token or await self._mint()
        request.headers["Authorization"] = f"Bearer {self._token}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:
            self._token = await self._mint()
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request


class PaywallClient:
    """The service's API as the newspaper uses it. Raises httpx.HTTPError where a call fails."""

    def __init__(self, service: str, mint_token: Callable[[], Awaitable[str]]) -> None:
        self.service = service
        self._client = httpx.AsyncClient(
            base_url=service, auth=SiteTokenAuth(mint_token), timeout=TIMEOUT_SECONDS
        )

    async def articles(self) -> list[Json]:
        """Every article, the newest first."""
        answer = await self._request("GET", "/v1/articles", params={"limit": ARTICLES_MAX})
        items: list[Json] = answer["items"]
        return sorted(items, key=lambda item: str(item["published_at"]), reverse=True)

    async def article(self, article_id: str) -> Json | None:
        response = await self._client.get(f"/v1/articles/{article_id}")
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        return _parse(response)

    async def decisions(
        self, viewer: PageViewer, article_ids: list[str], *, previews: bool = False
    ) -> dict[str, Json]:
        """The decision for each article, by id, with its preview if wanted. No view is counted."""
        if not article_ids:
            return {}
        body = {**viewer.to_fields(), "article_ids": article_ids, "previews": previews}
        answer = await self._request("POST", "/v1/access/check-batch", json=body)
        return {decision["article_id"]: decision for decision in answer["decisions"]}

    async def body(self, viewer: PageViewer, article_id: str) -> Json:
        """The decision with the body or the preview; a metered view is counted."""
        body = {**viewer.to_fields(), "article_id": article_id}
        return await self._request("POST", "/v1/access/body", json=body)

    async def structured_data(self, article_id: str) -> str:
        """JSON-LD for the page's head, escaped for a script element."""
        response = await self._client.get(f"/v1/articles/{article_id}/structured-data")
        response.raise_for_status()
        return response.text

    async def reader_token(self, reader_id: str, lifetime_seconds: int = TOKEN_SECONDS) -> Json:
        """A token for this reader's browser."""
        body = {"lifetime_seconds": lifetime_seconds}
        return await self._request("POST", f"/v1/readers/{reader_id}/token", json=body)

    async def offers(self) -> Json:
        """Everything for sale: `plans`, `passes` and `packs`."""
        return await self._request("GET", "/v1/offers")

    async def paid_since(self, reader_id: str, since_unix_seconds: int) -> Json | None:
        """The reader's latest purchase, if it was made then or later.

        Waits some seconds for it: the reader returns before the processor's event arrives.
        """
        deadline = time.monotonic() + PURCHASE_WITHIN_SECONDS
        while True:
            answer = await self._of_reader(reader_id, "/v1/me/purchases", {"limit": 1})
            items: list[Json] = answer["items"]
            for latest in items:
                if datetime.fromisoformat(latest["created_at"]).timestamp() >= since_unix_seconds:
                    return latest
            if time.monotonic() > deadline:
                return None
            await asyncio.sleep(POLL_SECONDS)

    async def has_pending(self, reader_id: str) -> bool:
        """Whether a payment of the reader's waits for the bank."""
        return bool((await self._of_reader(reader_id, "/v1/me", {}))["pending"])

    async def _of_reader(self, reader_id: str, path: str, params: Mapping[str, int]) -> Json:
        """What is the reader's, fetched with a token of their own."""
        token = await self.reader_token(reader_id, ENTRY_TOKEN_SECONDS)
        return await self._request(
            "GET",
            path,
            params=params,
            headers={"Authorization": f"Bearer {token['token']}"},
            auth=None,
        )

    async def service_time(self) -> datetime:
        """The service's clock in whole seconds: a token's expiry less its lifetime."""
        token = await self.reader_token(CLOCK_READER_ID, ENTRY_TOKEN_SECONDS)
        return datetime.fromisoformat(token["expires_at"]) - timedelta(seconds=ENTRY_TOKEN_SECONDS)

    async def assets(self) -> Json:
        """Where the current script and style sheet for readers are."""
        return await self._request("GET", "/v1/parts")

    async def is_up(self) -> bool:
        """Whether the service answers, so that a browser can be redirected to it."""
        try:
            return (await self._client.get("/livez")).is_success
        except httpx.HTTPError:
            return False

    async def close(self) -> None:
        await self._client.aclose()

    async def _request(self, method: str, path: str, **sent: Any) -> Json:
        return _parse(await self._client.request(method, path, **sent))


def _parse(response: httpx.Response) -> Json:
    response.raise_for_status()
    answer: Json = response.json()
    return answer
