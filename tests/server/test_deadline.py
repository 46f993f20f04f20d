"""A check has its answer in time, though it be that there is none yet."""

import asyncio
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from litestar.enums import ScopeType
from litestar.types import Message, Receive, Scope, Send

from paywall.app import Service
from paywall.database.engine import Database
from paywall.http.deadline import Deadline
from paywall.http.edge import Edge
from tests.conftest import Bearer
from tests.test_story import check, put_article

QUESTION = {"article_id": "a1", "visitor_id": "v"}


@pytest.fixture
async def hurried(service: httpx.AsyncClient, bearer: Bearer, edge: Edge) -> httpx.AsyncClient:
    """A service that gives checks no time, and knows an article and the token."""
    await put_article(service, bearer, "a1", policy="metered")
    await check(service, bearer, "a1")
    assert isinstance(edge, Service)
    edge.check.deadline = Deadline(0)
    return service


async def assert_too_late(service: httpx.AsyncClient, bearer: Bearer, **more: bool) -> None:
    answer = await service.post(
        "/v1/access/check", json={**QUESTION, **more}, headers=bearer.site()
    )
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["detail"] == "The response was not ready in time."


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_a_check_that_waits_for_the_database_is_refused_in_time(
    hurried: httpx.AsyncClient, bearer: Bearer, edge: Edge, database: Database
) -> None:
    async with database.writing() as session:
        connection = await session.connection()
        await connection.execute(sa.text("lock table article in access exclusive mode"))
        for _ in range(3):
            await assert_too_late(hurried, bearer)
    assert isinstance(edge, Service)
    edge.check.deadline = Deadline(30)
    for _ in range(3):
        assert (await check(hurried, bearer, "a1", visitor_id="v"))["granted"]


async def test_a_view_that_cannot_be_counted_in_time_is_not_counted(
    hurried: httpx.AsyncClient, bearer: Bearer, edge: Edge, database: Database
) -> None:
    async with database.writing() as session:
        connection = await session.connection()
        if not database.is_sqlite:
            await connection.execute(sa.text("lock table metered_views in exclusive mode"))
        await assert_too_late(hurried, bearer, count_view=True)
    assert isinstance(edge, Service)
    edge.check.deadline = Deadline(30)
    received = await check(hurried, bearer, "a1", visitor_id="v", count_view=True)
    assert isinstance(received["meter"], dict)
    assert received["meter"]["used"] == 1


async def test_an_answer_on_its_way_is_not_cut_off_by_the_deadline() -> None:
    """A client that reads slowly had its answer in time."""
    sent: list[str] = []

    async def application(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def receive() -> Any:
        raise AssertionError("nothing is read")

    async def send(message: Message) -> None:
        edge.deadline.cancel_overdue(asyncio.get_running_loop())
        await asyncio.sleep(0)
        sent.append(message["type"])

    edge = Edge(application, timeout_seconds=0)
    scope: Any = {"type": ScopeType.HTTP, "method": "GET", "path": "/a", "headers": [], "state": {}}
    await edge(scope, receive, send)
    assert sent == ["http.response.start", "http.response.body"]
