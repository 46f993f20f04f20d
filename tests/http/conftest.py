"""What a malformed request is answered with, and that it leaves nothing behind."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.conftest import Bearer

Refused = Callable[[httpx.Response, int, str], Awaitable[None]]


@pytest.fixture
def refused(service: httpx.AsyncClient, bearer: Bearer) -> Refused:
    """Is it this problem, with a mend? And is the next request served as if nothing had been?"""

    async def check(answer: httpx.Response, status: int, code: str) -> None:
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert (problem["type"], problem["status"]) == (f"/problems/{code}", status)
        assert problem["detail"]
        assert "Traceback" not in answer.text
        assert answer.headers["x-request-id"]
        if answer.request.url.path.startswith("/v1/"):
            assert answer.headers["cache-control"] == "no-store"
        following = await service.get("/v1/articles", headers=bearer.site())
        assert following.status_code == 200

    return check
