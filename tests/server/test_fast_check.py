"""The fast path of a check answers like every other path."""

import asyncio
import random
from datetime import datetime

import httpx
import msgspec
import pytest
import sqlalchemy as sa

from paywall.access.api import decision_response
from paywall.access.facts import Facts, viewer_of
from paywall.credits.locking import lock_subscriber
from paywall.database.columns import ID_LENGTH_MAX
from paywall.database.engine import Database
from paywall.http.edge import Edge
from paywall.problems import Problem
from paywall.rules.decision import Policy, Reason
from paywall.server.check_batches import WAITING_MAX, Batches
from paywall.server.check_connections import PendingCheck
from paywall.settings import Settings
from paywall.tokens.caller import Caller, TokenKind
from paywall.tokens.verify import Verifier
from tests.conftest import START, Bearer, SetClock
from tests.router import router_of
from tests.server.slow_check import (
    ARTICLES,
    READERS,
    UNKNOWN,
    decide_row_by_row,
    fill_with_any_state,
)
from tests.test_story import check, grant, put_article, unlock

QUESTIONS = 400


@pytest.fixture(params=[None, Policy.METERED], ids=["no default", "a default"])
def settings(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, default_policy=request.param)


async def nowhere(_scope: object, _receive: object, _send: object) -> None:
    raise AssertionError("this check did not take the short way")


@pytest.mark.slow
async def test_all_ways_to_ask_agree(
    edge: Edge, service: httpx.AsyncClient, bearer: Bearer, database: Database, settings: Settings
) -> None:
    chance = random.Random(1)
    await fill_with_any_state(database, chance)
    viewers = [{}, *({kind: r} for kind in ("reader_id", "visitor_id") for r in READERS)]
    questions = [
        (chance.choice([*ARTICLES, UNKNOWN]), chance.choice(viewers)) for _ in range(QUESTIONS)
    ]
    by_batch = {}
    for viewer in viewers:
        answer = await service.post(
            "/v1/access/check-batch",
            json={"article_ids": [*ARTICLES, UNKNOWN], **viewer},
            headers=bearer.site(),
        )
        for received in answer.json()["decisions"]:
            # A single check has no previews.
            assert received.pop("preview_html") is None
            by_batch[received.pop("article_id"), str(viewer)] = received
    await check(service, bearer, UNKNOWN)
    edge.app = nowhere
    reasons = set()
    for article_id, viewer in questions:
        received = await check(service, bearer, article_id, **viewer)
        assert received == by_batch[article_id, str(viewer)], (article_id, viewer)
        async with database.reading() as session:
            decision = await decide_row_by_row(session, article_id, settings, **viewer)
        plain = msgspec.json.decode(msgspec.json.encode(decision_response(decision)))
        assert received == plain, (article_id, viewer)
        reasons.add(received["reason"])
    missing = {"article_unknown"} if settings.default_policy else set()
    assert reasons == set(Reason) - missing


CORRECT = {"article_id": "a1", "reader_id": "ann"}
WRONG_BODIES: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{",
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "not UTF-8": b'{"article_id":"\xff"}',
    "a lone surrogate": rb'{"article_id":"\ud800"}',
    "a lone surrogate behind": rb'{"article_id":"a","reader_id":"\udc00"}',
    "NUL": rb'{"article_id":"a\u0000"}',
    "no article": b'{"reader_id":"ann"}',
    "an empty id": b'{"article_id":""}',
    "a long id": b'{"article_id":"' + b"a" * (ID_LENGTH_MAX + 1) + b'"}',
    "a slash": b'{"article_id":"a/b"}',
    "dots": b'{"article_id":".."}',
    "a number for an id": b'{"article_id":1}',
    "an unknown field": b'{"article_id":"a","reader":"ann"}',
    "two ids": b'{"article_id":"a","reader_id":"ann","visitor_id":"v"}',
    "a key twice": b'{"article_id":"a","article_id":"b"}',
    "a key twice, spelled anew": rb'{"article_id":"a","\u0061rticle_id":"b"}',
    "a key twice, the last null": b'{"article_id":"a","reader_id":"ann","reader_id":null}',
    "deep": b'{"article_id":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "something behind": b'{"article_id":"a"} {}',
    "over the limit": b'{"article_id":"a"}' + b" " * 1_048_576,
}


@pytest.mark.parametrize("body", WRONG_BODIES.values(), ids=WRONG_BODIES.keys())
async def test_a_wrong_body_is_refused_as_on_every_route(
    body: bytes, service: httpx.AsyncClient, bearer: Bearer
) -> None:
    headers = {**bearer.site(), "Content-Type": "application/json"}
    await check(service, bearer, "a1")
    answers = [
        await service.post(path, content=body, headers=headers)
        for path in ("/v1/access/check", "/v1/access/body")
    ]
    assert answers[0].is_client_error
    assert answers[0].status_code == answers[1].status_code
    assert answers[0].json() == answers[1].json()
    assert (await check(service, bearer, "a1"))["unlock_cost"] == 1


WRONG_HEADERS: dict[str, list[tuple[str, str]]] = {
    "no token": [("Authorization", "")],
    "another scheme": [("Authorization", "Basic YTpi")],
    "garbage": [("Authorization", "Bearer x.y.z")],
    "no media type": [("Content-Type", "")],
    "a form": [("Content-Type", "application/x-www-form-urlencoded")],
}


@pytest.mark.parametrize("wrong", WRONG_HEADERS.values(), ids=WRONG_HEADERS.keys())
async def test_wrong_headers_are_refused_as_on_every_route(
    wrong: list[tuple[str, str]], service: httpx.AsyncClient, bearer: Bearer
) -> None:
    headers = {**bearer.site(), "Content-Type": "application/json", **dict(wrong)}
    answers = [
        await service.post(path, content=b'{"article_id":"a"}', headers=headers)
        for path in ("/v1/access/check", "/v1/access/body")
    ]
    assert answers[0].is_client_error
    assert answers[0].status_code == answers[1].status_code
    assert answers[0].json() == answers[1].json()
    assert answers[0].headers.get("www-authenticate") == answers[1].headers.get("www-authenticate")


async def test_a_token_twice_or_without_the_scope_is_refused(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await check(service, bearer, "a1")
    twice = [*bearer.site().items(), *bearer.site().items()]
    answer = await service.post("/v1/access/check", json=CORRECT, headers=twice)
    assert answer.status_code == 401
    for _ in range(2):
        other = bearer.site("articles:read")
        answer = await service.post("/v1/access/check", json=CORRECT, headers=other)
        assert answer.status_code == 403


async def test_a_revoked_token_is_refused_at_the_next_check_and_no_other(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    one, other = bearer.site("access:check", "one"), bearer.site("access:check", "other")

    async def ask() -> list[int]:
        answers = await asyncio.gather(
            *(
                service.post("/v1/access/check", json=CORRECT, headers=headers)
                for headers in [one, other] * 10
            )
        )
        return [answer.status_code for answer in answers]

    assert await ask() == [200] * 20
    revoked = await service.post(
        "/v1/tokens/revoke",
        json={"subject": "one"},
        headers=bearer.site(),
    )
    assert revoked.status_code == 204, revoked.text
    assert await ask() == [401, 200] * 10


async def test_what_cannot_be_asked_fails_alone(
    edge: Edge, database: Database, bearer: Bearer, clock: SetClock, settings: Settings
) -> None:
    """The edge refuses such texts; should one slip through, its neighbours have their answers."""
    caller = await verified(edge, bearer)
    batches = Batches(settings, clock)
    async with batches.open(database.connector):
        articles = ["a1", "\ud800", "a2", "\x00" if not settings.is_sqlite else "\ud801", "a3"]
        waiting = [Hope(PendingCheck(article, viewer_of("ann"), caller)) for article in articles]
        for hope in waiting:
            batches.ask(hope)
        received = await asyncio.gather(*(it.future for it in waiting), return_exceptions=True)
    assert [isinstance(it, BaseException) for it in received] == [False, True, False, True, False]


class Hope:
    """Somebody who waits for what a batch says."""

    is_answered = False

    def __init__(self, pending_check: PendingCheck) -> None:
        self.pending_check = pending_check
        self.future: asyncio.Future[Facts] = asyncio.get_running_loop().create_future()

    def answered(self, facts: Facts, at: datetime) -> None:
        assert at == START
        self.future.set_result(facts)

    def failed(self, error: Exception) -> None:
        self.future.set_exception(error)


async def verified(edge: Edge, bearer: Bearer) -> Caller:
    verifier: Verifier = router_of(edge).state.verifier
    token = bearer.site()["Authorization"].removeprefix("Bearer ")
    return await verifier.verify(token, TokenKind.SITE)


async def test_past_the_queue_a_check_is_refused_at_once(
    edge: Edge, database: Database, bearer: Bearer, clock: SetClock, settings: Settings
) -> None:
    caller = await verified(edge, bearer)
    batches = Batches(settings, clock)
    async with batches.open(database.connector):
        waiting = [Hope(PendingCheck("a1", viewer_of(f"r{n}"), caller)) for n in range(WAITING_MAX)]
        one_too_many = Hope(PendingCheck("a1", viewer_of("one too many"), caller))
        for hope in [*waiting, one_too_many]:
            batches.ask(hope)
        with pytest.raises(Problem) as refused:
            await one_too_many.future
        assert refused.value.headers["Retry-After"] == "1"
        assert len(await asyncio.gather(*(it.future for it in waiting))) == WAITING_MAX


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_a_connection_that_breaks_at_the_end_is_not_opened_again(
    edge: Edge,
    database: Database,
    bearer: Bearer,
    clock: SetClock,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun = asyncio.Event()

    async def breaks(*_: object) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise ConnectionResetError

    hope = Hope(PendingCheck("a1", viewer_of("ann"), await verified(edge, bearer)))
    batches, before = Batches(settings, clock), asyncio.all_tasks()
    async with batches.open(database.connector):
        monkeypatch.setattr("asyncpg.prepared_stmt.PreparedStatement.fetch", breaks)
        monkeypatch.setattr("asyncpg.connect", lambda *_, **__: asyncio.Event().wait())
        batches.ask(hope)
        await begun.wait()
    assert asyncio.all_tasks() == before
    with pytest.raises(Problem):
        await hope.future


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_slow_writes_do_not_keep_a_check_from_its_answer(
    service: httpx.AsyncClient, bearer: Bearer, database: Database, settings: Settings
) -> None:
    await put_article(service, bearer, "a1")
    await grant(service, bearer, "ann", 50)
    await check(service, bearer, "a1")
    holder = Database(settings)
    async with holder.writing() as session:
        await lock_subscriber(session, "ann")
        clicks = [
            asyncio.create_task(unlock(service, bearer, "ann", "a1"))
            for _ in range(settings.database_pool_size)
        ]
        while database.connections_in_use < settings.database_pool_size:  # noqa: ASYNC110 (no event)
            await asyncio.sleep(0)
        assert (await check(service, bearer, "a1", reader_id="ann"))["unlocks_left"] == 50
    assert max(it.status_code for it in await asyncio.gather(*clicks)) == 201
    await holder.close()


async def test_nothing_is_written_for_a_view_that_counts_nothing(
    service: httpx.AsyncClient, bearer: Bearer, database: Database
) -> None:
    for policy in ("metered", "free", "premium"):
        await put_article(service, bearer, policy, policy=policy)
    await check(service, bearer, "metered", visitor_id="v", count_view=True)
    async with database.writing() as session:
        # Whoever would write now has to wait, and the test with it.
        connection = await session.connection()
        if not database.is_sqlite:
            await connection.execute(sa.text("lock table metered_views in exclusive mode"))
        for policy in ("metered", "free", "premium"):
            await check(service, bearer, policy, visitor_id="v", count_view=True)
