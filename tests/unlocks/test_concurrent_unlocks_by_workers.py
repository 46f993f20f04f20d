"""The same promises over real HTTP, with two workers on PostgreSQL."""

import asyncio
from collections import Counter
from pathlib import Path

import httpx
import pytest

from paywall.database.engine import Database
from paywall.settings import Settings
from paywall.subscribers.audit import audit
from tests.processes import Served, serving

CLICKS = 200
CREDITS = 7


async def ask(http: httpx.AsyncClient, token: str, article_id: str) -> httpx.Response:
    while True:
        answer = await http.post(
            "/v1/me/unlocks",
            json={"article_id": article_id},
            headers={"Authorization": f"Bearer {token}"},
        )
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            return answer


async def click(served: Served, site: str, reader: str, articles: list[str]) -> Counter[int]:
    """Grant the reader seven credits, then click on every article at once."""
    limits = httpx.Limits(max_connections=64)
    async with httpx.AsyncClient(base_url=served.address, limits=limits, timeout=60) as http:
        granted = await http.post(
            f"/v1/subscribers/{reader}/grants",
            json={"amount": CREDITS, "source": "promotion", "reference": reader},
            headers={"Authorization": f"Bearer {site}"},
        )
        assert granted.status_code == httpx.codes.CREATED
        token = served.reader_token(reader)
        answers = await asyncio.gather(*(ask(http, token, article) for article in articles))
    return Counter(answer.status_code for answer in answers)


@pytest.mark.slow
@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_two_workers_spend_each_credit_once(database_url: str, tmp_path: Path) -> None:
    with serving(
        tmp_path, workers=2, database_url=database_url, default_policy="premium"
    ) as served:
        site = served.site_token("subscribers:write")
        different = [f"a{n}" for n in range(CLICKS)]
        assert await click(served, site, "ann", different) == {201: CREDITS, 409: CLICKS - CREDITS}
        assert await click(served, site, "bo", ["a1"] * CLICKS) == {201: 1, 200: CLICKS - 1}
        assert served.stop() == 0
    database = Database(Settings(database_url=database_url))
    async with database.reading() as session:
        assert await audit(session) == []
    await database.close()
