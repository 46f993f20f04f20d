"""What a publisher's server asks the service, over HTTP, with its site token."""

from typing import Any, NamedTuple

import httpx

Json = dict[str, Any]
ARTICLES_MAX = 100
TIMEOUT_SECONDS = 5


class Viewer(NamedTuple):
    """Who looks at a page: a reader who is signed in, a visitor by a pseudonym, or neither."""

    reader_id: str | None = None
    visitor_id: str | None = None

    def named(self) -> Json:
        if self.reader_id:
            return {"reader_id": self.reader_id}
        return {"visitor_id": self.visitor_id} if self.visitor_id else {}


class Publisher:
    """The service as the newspaper knows it. Raises httpx.HTTPError where it doesn't answer."""

    def __init__(self, service: str, site_token: str, clock_url: str = "") -> None:
        self.service = service
        self.clock_url = clock_url
        self._client = httpx.AsyncClient(
            base_url=service,
            headers={"Authorization": f"Bearer {site_token}"},
            timeout=TIMEOUT_SECONDS,
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
        return _read(answer)

    async def decisions(self, viewer: Viewer, article_ids: list[str]) -> dict[str, Json]:
        """May the viewer read each of these? No view is counted."""
        if not article_ids:
            return {}
        question = {**viewer.named(), "article_ids": article_ids}
        told = await self._told("POST", "/v1/access/check-batch", json=question)
        return {decision["article_id"]: decision for decision in told["decisions"]}

    async def body(self, viewer: Viewer, article_id: str) -> Json:
        """The decision with the body or the preview; a metered view is counted."""
        question = {**viewer.named(), "article_id": article_id}
        return await self._told("POST", "/v1/access/body", json=question)

    async def structured_data(self, article_id: str) -> str:
        """JSON-LD for the page's head, as it is."""
        answer = await self._client.get(f"/v1/articles/{article_id}/structured-data")
        answer.raise_for_status()
        return answer.text

    async def reader_token(self, reader_id: str, lifetime_seconds: int = 900) -> Json:
        """A token for this reader's browser."""
        order = {"lifetime_seconds": lifetime_seconds}
        return await self._told("POST", f"/v1/readers/{reader_id}/token", json=order)

    async def parts(self) -> Json:
        """Where today's script and style sheet for readers are."""
        return await self._told("GET", "/v1/parts")

    async def move_time(self, days: int) -> None:
        """Move the clock of the sandbox, and so the service's."""
        seconds = days * 86_400
        answer = await self._client.post(f"{self.clock_url}/advance", data={"seconds": seconds})
        answer.raise_for_status()

    async def close(self) -> None:
        await self._client.aclose()

    async def _told(self, method: str, path: str, **sent: Any) -> Json:
        return _read(await self._client.request(method, path, **sent))


def _read(answer: httpx.Response) -> Json:
    answer.raise_for_status()
    told: Json = answer.json()
    return told
