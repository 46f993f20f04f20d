"""More checks than can wait: those too many are refused at once, and no other is lost."""

import asyncio

import httpx
import pytest
import sqlalchemy as sa

from paywall.database.engine import Database
from paywall.server.check_batches import BATCH_MAX, CONNECTIONS, WAITING_MAX
from tests.conftest import Bearer
from tests.server.wire import Answer, Client, Wire, question
from tests.test_story import check, put_article

pytestmark = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
TOO_MANY = 10
ASKED = WAITING_MAX + CONNECTIONS * BATCH_MAX + TOO_MANY


async def test_only_checks_beyond_the_queue_are_refused(
    service: httpx.AsyncClient, port: tuple[Wire, int], bearer: Bearer, database: Database
) -> None:
    await put_article(service, bearer, "a1", policy="free")
    await check(service, bearer, "a1")
    asked = question(bearer, b'{"article_id":"a1"}')
    refused: list[Answer] = []
    is_refused = asyncio.Event()

    async def ask() -> int:
        async with Client(port[1]) as client:
            client.send(asked)
            answer = await client.answer()
        if answer.status != httpx.codes.OK:
            refused.append(answer)
            if len(refused) == TOO_MANY:
                is_refused.set()
        return answer.status

    async with database.writing() as session:
        connection = await session.connection()
        await connection.execute(sa.text("lock table article in access exclusive mode"))
        waiting = [asyncio.create_task(ask()) for _ in range(ASKED)]
        await is_refused.wait()
    statuses = await asyncio.gather(*waiting)
    assert set(statuses) == {httpx.codes.OK, httpx.codes.SERVICE_UNAVAILABLE}
    assert TOO_MANY <= len(refused) <= TOO_MANY + CONNECTIONS * BATCH_MAX
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert {answer.body["type"].rpartition("/")[2] for answer in refused} == {"unavailable"}
