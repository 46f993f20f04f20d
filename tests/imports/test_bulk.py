"""Up to 100 articles, grants, unlocks or subscriptions in one request, all of them or none."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlmodel import col, select

from paywall.access import bodies
from paywall.database.engine import Database
from paywall.database.tables import (
    Article,
    CreditGrant,
    LedgerEntry,
    PolicyChange,
    Subscriber,
    Subscription,
    Unlock,
)
from paywall.http.bodies import ARTICLE_BYTES_MAX
from paywall.problem_types import ERRORS_MAX
from paywall.rules.enums import UnlockSource
from paywall.subscribers.audit import audit
from tests.conftest import Bearer, SetClock
from tests.test_story import check, grant, put_article

Service = httpx.AsyncClient
Rows = list[dict[str, Any]]
SCOPES = {
    "articles": "articles:write",
    "grants": "subscribers:write",
    "unlocks": "subscribers:write",
    "subscriptions": "subscribers:write",
}
TABLES = (Article, PolicyChange, Subscriber, CreditGrant, LedgerEntry, Unlock, Subscription)
LATER = "2027-02-01T00:00:00+07:00"
EARLIER = "2026-01-01T00:00:00Z"


def article(article_id: str, **fields: object) -> dict[str, Any]:
    return {"id": article_id, "title": "", "policy": "premium", **fields}


def granted(reader_id: str, reference: str, **fields: object) -> dict[str, Any]:
    given = {"amount": 3, "source": "migration", "reference": reference}
    return {"reader_id": reader_id, **given, **fields}


def unlocked(reader_id: str, article_id: str, **fields: object) -> dict[str, Any]:
    return {"reader_id": reader_id, "article_id": article_id, "source": "migration", **fields}


def subscribed(reader_id: str, **fields: object) -> dict[str, Any]:
    return {"reader_id": reader_id, "current_period_end": LATER, **fields}


# Two rows of each kind, of which the first is bad by the field.
BAD: dict[str, tuple[str, Rows]] = {
    "articles": ("policy", [article("1", policy="secret"), article("2")]),
    "grants": ("amount", [granted("ann", "1", amount=0), granted("bo", "2")]),
    "unlocks": ("article_id", [unlocked("ann", ""), unlocked("bo", "2")]),
    "subscriptions": ("plan_id", [subscribed("ann", plan_id=7), subscribed("bo")]),
}


class Bulk:
    """Sends rows with the scope that their kind needs."""

    def __init__(self, service: Service, bearer: Bearer, database: Database) -> None:
        self.service, self.bearer, self.database = service, bearer, database

    async def post(self, kind: str, rows: list[Any], **headers: str) -> httpx.Response:
        return await self.service.post(
            f"/v1/bulk/{kind}",
            json={"rows": rows},
            headers={**self.bearer.site(SCOPES[kind]), **headers},
        )

    async def outcomes(self, kind: str, rows: Rows) -> list[str]:
        answer = await self.post(kind, rows)
        assert answer.status_code == 200, answer.text
        return [result["outcome"] for result in answer.json()["results"]]

    async def errors(self, kind: str, rows: list[Any]) -> dict[str, str]:
        """The refused fields; nothing was written."""
        before = await self.stored()
        answer = await self.post(kind, rows)
        assert answer.status_code == 422, answer.text
        assert await self.stored() == before
        return {error["field"]: error["detail"] for error in answer.json()["errors"]}

    async def stored(self) -> list[list[str]]:
        """Every row that a bulk request could write."""
        async with self.database.reading() as session:
            assert await audit(session) == []
            found = [(await session.exec(select(table))).all() for table in TABLES]
        return [sorted(str(row) for row in rows) for rows in found]


@pytest.fixture
def bulk(service: Service, bearer: Bearer, database: Database) -> Bulk:
    return Bulk(service, bearer, database)


async def test_articles_are_created_and_replaced_with_their_previews(
    bulk: Bulk, service: Service, bearer: Bearer
) -> None:
    body = "<p>Open.</p><p>The tail.</p><p>The tail.</p>"
    rows = [
        article("1", body_html=body, preview={"paragraphs": 1}, tags=["a"], unlock_cost=2),
        article("2", policy="free"),
    ]
    first = await bulk.post("articles", rows)
    assert first.json()["results"] == [
        {"outcome": "created", "preview_html": "<p>Open.</p>"},
        {"outcome": "created", "preview_html": ""},
    ]
    before = await bulk.stored()
    assert await bulk.outcomes("articles", rows) == ["unchanged"] * 2
    assert await bulk.stored() == before
    rows[0]["title"] = "New"
    assert await bulk.outcomes("articles", rows) == ["replaced", "unchanged"]
    one = await service.get("/v1/articles/1", headers=bearer.site())
    assert (one.json()["title"], one.json()["tags"], one.json()["has_body"]) == ("New", ["a"], True)


async def test_previews_beyond_the_limit_of_a_bulk_answer_are_null(
    bulk: Bulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "PREVIEWS_CHARS_MAX", 5)
    answer = await bulk.post("articles", [article(n, preview={"html": "xxx"}) for n in "ab"])
    assert [result["preview_html"] for result in answer.json()["results"]] == ["xxx", None]


async def test_grants_are_made_once_for_each_reference(bulk: Bulk) -> None:
    rows = [granted("zoe", "1"), granted("ann", "2", expires_at=LATER), granted("zoe", "3")]
    assert await bulk.outcomes("grants", rows) == ["created"] * 3
    before = await bulk.stored()
    assert await bulk.outcomes("grants", [*rows, rows[0]]) == ["unchanged"] * 4
    assert await bulk.stored() == before
    async with bulk.database.reading() as session:
        actors = {entry.actor_subject for entry in await session.exec(select(LedgerEntry))}
    assert actors == {"site"}


async def test_a_reference_with_other_fields_is_a_bad_row(bulk: Bulk) -> None:
    await bulk.outcomes("grants", [granted("ann", "1")])
    errors = await bulk.errors("grants", [granted("bo", "2"), granted("ann", "1", amount=4)])
    assert list(errors) == ["rows[1].reference"]
    assert "amount" in errors["rows[1].reference"]


async def test_large_grants_in_bulk_need_admin_as_single_ones_do(
    bulk: Bulk, service: Service, bearer: Bearer
) -> None:
    rows = [granted("ann", "1"), granted("ann", "2", amount=1001), granted("bo", "3", amount=1001)]
    before = await bulk.stored()
    refused = await bulk.post("grants", rows)
    problem = refused.json()
    assert (refused.status_code, problem["scope"]) == (403, "admin")
    assert problem["detail"].startswith("rows[1].amount, rows[2].amount: ")
    assert await bulk.stored() == before
    admin = bearer.site("admin")
    allowed = await service.post("/v1/bulk/grants", json={"rows": rows}, headers=admin)
    assert allowed.status_code == 200


async def test_unlocks_are_added_and_no_credit_is_spent(
    bulk: Bulk, service: Service, bearer: Bearer, clock: SetClock
) -> None:
    await put_article(service, bearer, "42")
    await grant(service, bearer, "ann", 1)
    rows = [
        unlocked("ann", "42", source="complimentary"),
        unlocked("ann", "old", unlocked_at=EARLIER),
        unlocked("bo", "old"),
    ]
    assert await bulk.outcomes("unlocks", rows) == ["created"] * 3
    before = await bulk.stored()
    clock.move(days=1)
    assert await bulk.outcomes("unlocks", [*rows, rows[2]]) == ["unchanged"] * 4
    assert await bulk.stored() == before
    async with bulk.database.reading() as session:
        found = (await session.exec(select(Unlock).order_by(col(Unlock.id)))).all()
    kept = {(one.reader_id, one.article_id): one for one in found}
    assert kept["ann", "42"].source is UnlockSource.COMPLIMENTARY
    assert kept["bo", "old"].unlocked_at == clock.move(days=-1)
    assert (await check(service, bearer, "42", reader_id="ann"))["unlocks_left"] == 1


async def test_a_revoked_migrated_unlock_stays_revoked_when_repeated(
    bulk: Bulk, service: Service, bearer: Bearer
) -> None:
    rows = [unlocked("ann", "1"), unlocked("ann", "2", unlocked_at=EARLIER)]
    await bulk.outcomes("unlocks", rows)
    for article_id in "12":
        await service.delete(
            f"/v1/subscribers/ann/unlocks/{article_id}", headers=bearer.site("subscribers:write")
        )
    before = await bulk.stored()
    assert await bulk.outcomes("unlocks", rows) == ["unchanged"] * 2
    assert await bulk.stored() == before
    anew = [unlocked("ann", "2", unlocked_at="2026-02-01T00:00:00Z")]
    assert await bulk.outcomes("unlocks", anew) == ["created"]


async def test_unlocks_of_the_future_or_of_unknown_articles_are_bad_rows(bulk: Bulk) -> None:
    rows = [
        unlocked("ann", "nope", source="complimentary"),
        unlocked("ann", "nope"),
        unlocked("bo", "1", unlocked_at=LATER),
    ]
    fields = {"rows[0].article_id", "rows[2].unlocked_at"}
    assert fields <= set(await bulk.errors("unlocks", rows))


async def test_a_complimentary_unlock_outlives_its_article_when_repeated(
    bulk: Bulk, service: Service, bearer: Bearer
) -> None:
    await put_article(service, bearer, "42")
    rows = [unlocked("ann", "42", source="complimentary")]
    assert await bulk.outcomes("unlocks", rows) == ["created"]
    await service.delete("/v1/articles/42", headers=bearer.site())
    assert await bulk.outcomes("unlocks", rows) == ["unchanged"]


async def test_subscriptions_are_created_and_changed(
    bulk: Bulk, service: Service, bearer: Bearer
) -> None:
    await put_article(service, bearer, "42")
    rows = [subscribed("zoe", plan_id="monthly"), subscribed("ann")]
    assert await bulk.outcomes("subscriptions", rows) == ["created"] * 2
    before = await bulk.stored()
    assert await bulk.outcomes("subscriptions", rows) == ["unchanged"] * 2
    assert await bulk.stored() == before
    rows[1]["current_period_end"] = "2027-03-01T00:00:00Z"
    assert await bulk.outcomes("subscriptions", rows) == ["unchanged", "replaced"]
    assert (await check(service, bearer, "42", reader_id="ann"))["reason"] == "subscribed"


async def test_a_subscription_in_stripe_is_refused_with_the_route_that_links_it(
    bulk: Bulk,
) -> None:
    rows = [subscribed("ann"), subscribed("bo", stripe_subscription_id="sub_1")]
    errors = await bulk.errors("subscriptions", rows)
    assert list(errors) == ["rows[1].stripe_subscription_id"]
    assert "/v1/subscribers/{reader_id}/subscriptions/link" in next(iter(errors.values()))


@pytest.mark.parametrize("kind", SCOPES)
async def test_every_bad_row_is_named_and_no_row_is_written(bulk: Bulk, kind: str) -> None:
    field, (bad, good) = BAD[kind]
    errors = await bulk.errors(kind, [good, bad, bad | {"colour": "red"}, good])
    assert list(errors) == [f"rows[1].{field}", f"rows[2].{field}", "rows[2].colour"]


async def test_every_bad_value_within_a_row_is_named(bulk: Bulk) -> None:
    rows: list[Any] = [
        article("1", tags=["a", 1]),
        article("2", preview={}, unlock_cost=0),
        {"title": "", "policy": "free"},
        article("4", published_at="0001-01-01T00:00:00+07:00"),
        article("5", published_at="2026-01-01T00:00:00"),
        7,
    ]
    assert list(await bulk.errors("articles", rows)) == [
        "rows[0].tags[1]",
        "rows[1].unlock_cost",
        "rows[1].preview",
        "rows[2].id",
        "rows[3].published_at",
        "rows[4].published_at",
        "rows[5]",
    ]


async def test_a_time_before_year_1_in_utc_is_named_with_its_row(bulk: Bulk) -> None:
    rows = [article("1"), article("2", published_at="0001-01-01T00:00:00+07:00")]
    assert list(await bulk.errors("articles", rows)) == ["rows[1].published_at"]


async def test_more_bad_rows_than_an_answer_lists_are_counted(bulk: Bulk) -> None:
    answer = await bulk.post("articles", [article(f"{n}", policy="x") for n in range(100)])
    problem = answer.json()
    named = [error["field"] for error in problem["errors"]]
    assert named == [f"rows[{n}].policy" for n in range(ERRORS_MAX)]
    assert problem["detail"].startswith("100 fields are invalid, 80 of them not listed")


@pytest.mark.parametrize("kind", SCOPES)
async def test_two_rows_about_the_same_have_to_be_equal(bulk: Bulk, kind: str) -> None:
    one, other = {
        "articles": (article("1"), article("1", policy="free")),
        "grants": (granted("ann", "1"), granted("bo", "1")),
        "unlocks": (unlocked("ann", "1"), unlocked("ann", "1", unlocked_at=EARLIER)),
        "subscriptions": (subscribed("ann"), subscribed("ann", plan_id="monthly")),
    }[kind]
    errors = await bulk.errors(kind, [one, other])
    assert list(errors) == ["rows[1]"]
    assert "rows[0]" in errors["rows[1]"]
    assert await bulk.outcomes(kind, [one, one]) == ["created", "unchanged"]


@pytest.mark.parametrize("kind", SCOPES)
async def test_a_request_has_1_to_100_rows(bulk: Bulk, kind: str) -> None:
    _, (_, good) = BAD[kind]
    assert list(await bulk.errors(kind, [])) == ["rows"]
    assert list(await bulk.errors(kind, [good] * 101)) == ["rows"]
    assert len(await bulk.outcomes(kind, [good] * 100)) == 100


@pytest.mark.parametrize("kind", SCOPES)
async def test_a_request_in_bulk_has_at_most_4_mib(bulk: Bulk, kind: str) -> None:
    _, (_, good) = BAD[kind]
    padded = [good, good | {"colour": "x" * (ARTICLE_BYTES_MAX - 2000)}]
    assert (await bulk.post(kind, padded)).status_code == 422
    padded[1]["colour"] += "x" * 2000
    assert (await bulk.post(kind, padded)).status_code == 413


async def test_a_repeat_with_the_same_key_gets_the_first_answer(bulk: Bulk) -> None:
    key = {"Idempotency-Key": "once"}
    rows = [granted("ann", "1")]
    first = await bulk.post("grants", rows, **key)
    again = await bulk.post("grants", rows, **key)
    assert again.json() == first.json() == {"results": [{"outcome": "created"}]}
    assert again.headers["idempotent-replay"] == "true"
    assert (await bulk.post("grants", [granted("bo", "2")], **key)).status_code == 422


async def test_requests_for_the_same_readers_at_once_are_made_once(bulk: Bulk) -> None:
    rows = {
        "grants": [granted(f"r{n % 7}", f"{n}") for n in range(100)],
        "unlocks": [unlocked(f"r{n % 7}", f"{n}") for n in range(100)],
        "subscriptions": [subscribed(f"r{n}") for n in range(100)],
    }
    sent = [
        (kind, order)
        for kind, of_kind in rows.items()
        for order in (of_kind, of_kind[::-1], of_kind[1::2] + of_kind[::2])
    ]
    found = await asyncio.gather(*(bulk.outcomes(kind, order) for kind, order in sent))
    for kind in rows:
        counted = [outcome for (of, _), some in zip(sent, found, strict=True) if of == kind
                   for outcome in some]  # fmt: skip
        assert (counted.count("created"), counted.count("unchanged")) == (100, 200)
    await bulk.stored()
