"""After an erasure the database contains neither the reader nor what they read."""

import asyncio
import re
from pathlib import Path

import httpx
import pytest
from sqlmodel import SQLModel, col, select

from paywall.database.engine import Database
from paywall.database.tables import (
    CancellationReceipt,
    CreditGrant,
    IdempotencyKey,
    LedgerEntry,
    Pack,
    Pass,
    PolicyChange,
    RevokedSubject,
    RevokedToken,
    Subscriber,
)
from paywall.rules.enums import Actor, CancelWhen
from paywall.rules.tombstone import is_tombstone
from paywall.subscribers.audit import audit
from paywall.subscribers.erase import ACTOR_TABLES, DELETED_TABLES, KEPT_TABLES
from tests.conftest import START, Bearer
from tests.subscribers.dump import dumped
from tests.subscribers.test_merge import is_proven, left, merge, put_end
from tests.test_story import check, grant, put_article, unlock
from tests.unlocks.test_concurrent_unlocks import patiently

Service = httpx.AsyncClient
ID = "reader-πλ-9137"
OTHERS = [f"{ID}0", f"x{ID}", "reader-πλ-913", "9137"]


async def erase(service: Service, bearer: Bearer, reader_id: str = ID) -> int:
    answer = await service.delete(f"/v1/subscribers/{reader_id}", headers=bearer.site("admin"))
    return answer.status_code


async def buy(service: Service, bearer: Bearer, reader_id: str, **product: str) -> httpx.Response:
    (kind,) = product
    body = {
        "reader_id": reader_id,
        "processor": "khqr",
        "reference": f"{kind}/{reader_id}".replace("/", "-"),
        "amount_paid": 400000,
        "currency": "khr",
        **product,
    }
    return await service.post("/v1/purchases", json=body, headers=bearer.site())


async def stock(database: Database) -> None:
    prices = [{"amount": 400000, "currency": "khr"}]
    async with database.writing() as session:
        session.add(Pack(id="ten", title="Ten", prices=prices, credits=10, created_at=START))
        session.add(Pass(id="week", title="Week", prices=prices, days=7, created_at=START))


async def live(service: Service, bearer: Bearer, reader_id: str, article_id: str) -> None:
    """All that a reader can have: credits, unlocks, views, purchases, a gift, keys and answers."""
    key = {"Idempotency-Key": f"k-{article_id}"}
    await grant(service, bearer, reader_id, 3, reference=f"{reader_id}-welcome")
    await read(service, bearer, reader_id, article_id)
    await put_end(service, bearer, reader_id, "2027-01-01T00:00:00Z")
    await put_end_now(service, bearer, reader_id)
    bought = await buy(service, bearer, reader_id, pack_id="ten")
    assert bought.status_code == 201, bought.text
    await buy(service, bearer, reader_id, pass_id="week")
    refund = await service.post(
        f"/v1/purchases/{bought.json()['id']}/refunds",
        json={"amount": 40000, "reference": f"back {reader_id}"},
        headers={**bearer.site(subject=reader_id), **key},
    )
    assert refund.status_code == 201, refund.text
    gift = await service.post(
        f"/v1/subscribers/{reader_id}/unlocks",
        json={"article_id": article_id, "source": "migration"},
        headers={**bearer.site(), **key},
    )
    assert gift.status_code == 201, gift.text


async def put_end_now(service: Service, bearer: Bearer, reader_id: str) -> None:
    await service.put(
        f"/v1/subscribers/{reader_id}/subscription",
        json={"current_period_end": "2026-11-24T12:00:00Z"},
        headers=bearer.site(),
    )


async def read(service: Service, bearer: Bearer, reader_id: str, article_id: str) -> None:
    """Spend a credit and a view."""
    paid, metered = f"{article_id}-paid", f"{article_id}-metered"
    await put_article(service, bearer, paid)
    await put_article(service, bearer, metered, policy="metered")
    clicked = await service.post(
        "/v1/me/unlocks",
        json={"article_id": paid},
        headers={"Idempotency-Key": "click", **bearer.reader(reader_id)},
    )
    assert clicked.status_code == 201, clicked.text
    await check(service, bearer, metered, reader_id=reader_id, count_view=True)


def a_stored_answer(
    key: str, *, subject: str = "site", route: str = "POST /v1/purchases", answer: str = "{}"
) -> IdempotencyKey:
    """One that is about another reader, as far as its column tells."""
    return IdempotencyKey(
        caller_issuer="paywall",
        caller_subject=subject,
        route=route,
        key=f"key-{key}",
        reader_id="another",
        request_sha256="",
        status=200,
        answer=answer,
        created_at=START,
    )


async def leave_traces(database: Database) -> None:
    """What only other parts of the service write."""
    async with database.writing() as session:
        session.add(
            RevokedSubject(issuer="paywall", subject=ID, issued_before=START, forget_at=START)
        )
        session.add(RevokedToken(issuer="idp", token_id=f"{ID}/77", forget_at=START))
        session.add(RevokedToken(issuer="paywall", token_id="random", forget_at=START))
        session.add(
            CancellationReceipt(id="r", reader_id=ID, subscription_id="s", at=START,
                                when=CancelWhen.NOW, access_until=START, reason=f"I, {ID}, go")
        )  # fmt: skip
        session.add(a_stored_answer("caller", subject=ID))
        session.add(a_stored_answer("path", route=f"POST /v1/subscribers/{ID}/merge"))
        session.add(a_stored_answer("answer", answer=f'{{"reader_id":"{ID}"}}'))
        session.add(a_stored_answer("kept", answer=f'{{"reader_id":"{ID}0"}}'))
        actor = Actor("idp", ID, f"{ID}/78")
        session.add(
            PolicyChange(article_id="paid", at=START, actor_issuer=actor.issuer,
                         actor_subject=actor.subject, actor_token_id=actor.token_id)
        )  # fmt: skip


def test_every_table_that_names_a_reader_is_covered() -> None:
    tables = SQLModel.metadata.tables.items()
    covered = {str(table.__tablename__) for table in (*DELETED_TABLES, *KEPT_TABLES)}
    assert covered == {name for name, table in tables if "reader_id" in table.columns}
    acted = {name for name, table in tables if "actor_subject" in table.columns}
    assert {str(table.__tablename__) for table in ACTOR_TABLES} == acted


async def test_a_dump_contains_neither_the_reader_nor_the_articles_read(
    service: Service, bearer: Bearer, database: Database, database_url: str
) -> None:
    await stock(database)
    await live(service, bearer, ID, "read-by-them-alone")
    await leave_traces(database)
    for number, other in enumerate(OTHERS):
        await live(service, bearer, other, f"other-{number}")
    assert (await erase(service, bearer), await erase(service, bearer)) == (204, 204)
    dump = dumped(database_url)
    for longer in OTHERS[:2]:
        assert longer in dump
        dump = dump.replace(longer, "")
    assert ID not in dump
    about = [line for line in dump.splitlines() if "read-by-them-alone" in line]
    assert len(about) == 6, about  # two articles, each with its body and its policy's history
    assert all(re.search("INTO \\W?(public[.])?(article|policy_change)", line) for line in about)
    assert "random" in dump
    assert re.findall("key-[a-z]+", dump) == ["key-kept"]
    assert await is_proven(database)


async def test_other_readers_are_unchanged(
    service: Service, bearer: Bearer, database: Database
) -> None:
    await stock(database)
    for number, reader_id in enumerate([ID, *OTHERS]):
        await live(service, bearer, reader_id, f"article-{number}")

    async def everything(reader_id: str) -> list[object]:
        paths = ("", "/ledger", "/unlocks")
        asked = [f"/v1/subscribers/{reader_id}{path}" for path in paths]
        answers = [await service.get(path, headers=bearer.site()) for path in asked]
        bought = await service.get("/v1/me/purchases", headers=bearer.reader(reader_id))
        again = await grant(service, bearer, reader_id, 3, reference=f"{reader_id}-welcome")
        assert again.status_code == 200
        return [answer.json() for answer in [*answers, bought]]

    before = [await everything(other) for other in OTHERS]
    await erase(service, bearer)
    assert [await everything(other) for other in OTHERS] == before


async def test_payments_stay_under_a_random_id(
    service: Service, bearer: Bearer, database: Database
) -> None:
    await stock(database)
    await live(service, bearer, ID, "42")
    async with database.reading() as session:
        amounts = select(LedgerEntry.grant_id, LedgerEntry.kind, LedgerEntry.amount)
        before = (await session.exec(amounts.order_by(col(LedgerEntry.id)))).all()
    await erase(service, bearer)
    async with database.reading() as session:
        assert (await session.exec(amounts.order_by(col(LedgerEntry.id)))).all() == before
        readers = set((await session.exec(select(LedgerEntry.reader_id))).all())
        references = (await session.exec(select(CreditGrant.reference))).all()
    (tombstone,) = readers
    assert is_tombstone(tombstone)
    assert f"{tombstone}-welcome" in references
    ledger = await service.get(f"/v1/subscribers/{tombstone}/ledger", headers=bearer.site())
    assert {(e["unlock_id"] is None, e["article"]) for e in ledger.json()["items"]} == {
        (True, None), (False, None),
    }  # fmt: skip
    purchases = (await service.get("/v1/purchases", headers=bearer.site())).json()["items"]
    assert {p["reader_id"] for p in purchases} == {tombstone}
    assert {p["reference"] for p in purchases} == {
        f"{k}-{tombstone}" for k in ("pack_id", "pass_id")
    }


async def test_the_same_id_can_be_used_anew(
    service: Service, bearer: Bearer, database: Database
) -> None:
    await stock(database)
    await live(service, bearer, ID, "42")
    await erase(service, bearer)
    unknown = await service.get(f"/v1/subscribers/{ID}", headers=bearer.site())
    assert unknown.status_code == 404
    me = (await service.get("/v1/me", headers=bearer.reader(ID))).json()
    assert (me["unlocks_left"], me["subscriptions"], me["meter"]["used"]) == (0, [], 0)
    await live(service, bearer, ID, "42")
    assert await left(service, bearer, ID) == 11
    assert await is_proven(database)


async def test_erasing_an_unknown_reader_leaves_no_rows(
    service: Service, bearer: Bearer, database: Database
) -> None:
    await put_article(service, bearer, "metered", policy="metered")
    await check(service, bearer, "metered", reader_id=ID, count_view=True)
    assert await erase(service, bearer) == 204
    me = (await service.get("/v1/me", headers=bearer.reader(ID))).json()
    assert me["meter"]["used"] == 0
    async with database.reading() as session:
        assert (await session.exec(select(Subscriber))).all() == []


async def test_a_refund_of_an_erased_purchase_is_recorded(
    service: Service, bearer: Bearer, database: Database
) -> None:
    await stock(database)
    bought = (await buy(service, bearer, ID, pack_id="ten")).json()
    await read(service, bearer, ID, "42")
    refunds = f"/v1/purchases/{bought['id']}/refunds"
    part = {"amount": 390000, "reference": "before"}
    await service.post(refunds, json=part, headers=bearer.site())
    await erase(service, bearer)
    rest = {"amount": 10000, "reference": "after"}
    answer = await service.post(refunds, json=rest, headers=bearer.site())
    assert (answer.status_code, answer.json()["refunded"]) == (201, 400000), answer.text
    assert await is_proven(database)


async def test_a_refund_of_an_erased_pass_is_recorded(
    service: Service, bearer: Bearer, database: Database
) -> None:
    await stock(database)
    bought = (await buy(service, bearer, ID, pass_id="week")).json()
    await erase(service, bearer)
    answer = await service.post(
        f"/v1/purchases/{bought['id']}/refunds",
        json={"amount": 400000, "reference": "after"},
        headers=bearer.site(),
    )
    assert answer.status_code == 201, answer.text
    assert await is_proven(database)


async def test_merged_ids_are_erased_too(
    service: Service, bearer: Bearer, database: Database, database_url: str
) -> None:
    await put_article(service, bearer, "42")
    for reader_id in ("first-id", "second-id", "third-id"):
        await grant(service, bearer, reader_id, 2)
    await unlock(service, bearer, "first-id", "42")
    for step in (("first-id", "second-id"), ("second-id", ID), ("third-id", ID)):
        assert (await merge(service, bearer, *step)).status_code == 200
    await grant(service, bearer, "third-id", 5, reference="anew")
    await erase(service, bearer)
    dump = dumped(database_url)
    assert not [id_ for id_ in (ID, "first-id", "second-id") if id_ in dump]
    assert await left(service, bearer, "third-id") == 5
    assert await is_proven(database)


async def test_unlocks_during_an_erasure_come_before_or_after_it(
    service: Service, bearer: Bearer, database: Database, database_url: str
) -> None:
    for number in range(12):
        await put_article(service, bearer, f"a{number}", body_html=None)
    await grant(service, bearer, ID, 20)
    clicks = [
        patiently(lambda a=f"a{number}": unlock(service, bearer, ID, a))  # type: ignore[misc]  # a is bound
        for number in range(12)
    ]
    erasures = [erase(service, bearer) for _ in range(2)]
    await asyncio.gather(*clicks[:6], *erasures, *clicks[6:])
    assert await is_proven(database)
    assert ID not in dumped(database_url)
    assert await left(service, bearer, ID) == 0


async def test_an_id_that_resembles_a_tombstone_is_audited(
    service: Service, bearer: Bearer, database: Database
) -> None:
    await put_article(service, bearer, "42")
    await grant(service, bearer, "erased_bob", 1)
    await unlock(service, bearer, "erased_bob", "42")
    async with database.writing() as session:
        entry = (await session.exec(select(LedgerEntry).where(LedgerEntry.amount < 0))).one()
        entry.unlock_id = 999
        session.add(entry)
        await session.flush()
        assert await audit(session)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_erased_data_is_not_in_the_database_file(
    service: Service, bearer: Bearer, database: Database, database_url: str
) -> None:
    await stock(database)
    await live(service, bearer, ID, "gift-for-them")
    await erase(service, bearer)
    await database.close()
    raw = Path(database_url.removeprefix("sqlite:///")).read_bytes()
    assert ID.encode() not in raw
    assert b'"gift-for-them-metered"' not in raw
    assert not re.search(rb"gift-for-them(?!-)", raw)
