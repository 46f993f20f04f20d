"""Plain pages ask the service what a page's script would ask: by the contract, with a reader token.

In the same process, without a socket. So they can do no more than the reader's token can.
"""

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from litestar import Request
from litestar.types import Receive, Scope, Send

from paywall.http.edge import DISCARDS_WRITES
from paywall.lazy_import import lazy_import

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazy_import("httpx")

T = TypeVar("T")
BASE = "http://service.internal"


class Refused(Exception):  # noqa: N818 (the reader is told, and it is no failure)
    """A problem document of the service; `code` is the end of its type."""

    def __init__(self, status: int, told: dict[str, Any]) -> None:
        self.status = status
        self.code = str(told.get("type", "")).rpartition("/")[2]
        self.told = told
        super().__init__(self.code)


class Service:
    """The service, as one reader's browser sees it."""

    def __init__(self, request: Request[Any, Any, Any], token: str) -> None:
        self._request = request
        self._headers = {b"Authorization": f"Bearer {token}".encode()}

    async def get(self, path: str, shape: type[T]) -> T:
        """Raises Refused."""
        return msgspec.json.decode(await self._content("GET", path, None, None), type=shape)

    async def post(self, path: str, body: object, shape: type[T], key: str | None = None) -> T:
        """With `key` it can be repeated: the effect happens once. Raises Refused."""
        return msgspec.json.decode(await self._content("POST", path, body, key), type=shape)

    async def _content(self, method: str, path: str, body: object, key: str | None) -> bytes:
        headers = self._headers | ({b"Idempotency-Key": key.encode()} if key else {})
        transport = httpx.ASGITransport(self._ask)  # type: ignore[arg-type]  # httpx has looser types of its own
        async with httpx.AsyncClient(
            transport=transport, base_url=BASE, headers=headers, trust_env=False
        ) as client:
            answer = await client.request(method, path, json=body)
        if answer.is_success:
            return answer.content
        raise Refused(answer.status_code, answer.json())

    async def _ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        """It is the page's own request still: one id in the log, and one deadline."""
        scope["state"] = {
            name: self._request.scope["state"][name]
            for name in ("request_id", "task", DISCARDS_WRITES)
        }
        await self._request.app(scope, receive, send)
