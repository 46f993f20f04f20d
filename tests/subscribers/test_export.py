"""Readers can download everything on record about them in a readable form."""

import asyncio
import json

import httpx
import pytest
from click.testing import CliRunner, Result

from paywall.cli.main import main
from paywall.credits.grant import GrantTerms, grant_credits
from paywall.database.engine import Database
from paywall.database.tables import Unlock
from paywall.rules.enums import Actor, GrantSource, UnlockSource
from paywall.settings import Settings
from paywall.subscribers.export import AT_ONCE
from tests.conftest import START, Bearer, SetClock
from tests.subscribers.test_erase import erase, live, stock
from tests.subscribers.test_merge import merge
from tests.test_story import check, grant, put_article, unlock

Service = httpx.AsyncClient
SECTIONS = [
    *("profile", "credits", "unlocks", "subscriptions"),
    *("purchases", "checkouts", "views", "receipts"),
]


async def export(service: Service, bearer: Bearer, reader_id: str) -> httpx.Response:
    return await service.get(f"/v1/subscribers/{reader_id}/export", headers=bearer.site("admin"))


async def test_an_export_tells_everything_in_sections(
    service: Service, bearer: Bearer, database: Database
) -> None:
    await stock(database)
    await live(service, bearer, "ann", "42")
    await live(service, bearer, "bo", "only-bo-read-it")
    answer = await export(service, bearer, "ann")
    assert answer.status_code == 200, answer.text
    exported = answer.json()
    assert [key for key in exported if key != "made_at"] == SECTIONS
    assert all(exported[section]["about"].endswith(".") for section in SECTIONS)
    assert exported["profile"]["reader_id"] == "ann"
    assert exported["credits"]["unlocks_left"] == 11
    assert [u["article_id"] for u in exported["unlocks"]["unlocks"]] == ["42", "42-paid"]
    assert exported["unlocks"]["unlocks"][1]["title"] == "A title"
    assert {s["kind"] for s in exported["subscriptions"]["subscriptions"]} == {
        "pass",
        "complimentary",
    }
    (week, ten) = exported["purchases"]["purchases"]
    assert (week["product_id"], ten["product_id"]) == ("week", "ten")
    assert [(r["amount"], r["reference"]) for r in ten["refunds"]] == [(40000, "back ann")]
    assert ten["what"] == "Paid 4,000 KHR for the pack ten."
    assert ten["refunds"][0]["what"] == "400 KHR was refunded."
    (month,) = exported["views"]["months"]
    assert [(a["article_id"], a["title"]) for a in month["articles"]] == [("42-metered", "A title")]
    assert "only-bo-read-it" not in answer.text
    mine = await service.get("/v1/me/export", headers=bearer.reader("ann"))
    assert mine.json() == exported
    assert mine.headers["cache-control"] == "no-store"


async def test_a_token_for_privacy_exports_and_erases_without_admin(
    service: Service, bearer: Bearer
) -> None:
    await grant(service, bearer, "ann", 1)
    own = bearer.site("subscribers:privacy")
    assert (await service.get("/v1/subscribers/ann/export", headers=own)).status_code == 200
    overview = await service.get("/v1/subscribers/ann", headers=own)
    assert (overview.status_code, overview.json()["scope"]) == (403, "subscribers:read")
    assert (await service.delete("/v1/subscribers/ann", headers=own)).status_code == 204
    assert (await service.get("/v1/subscribers/ann/export", headers=own)).status_code == 404


async def test_the_ledger_is_told_in_words(
    service: Service, bearer: Bearer, clock: SetClock
) -> None:
    await put_article(service, bearer, "42", title="ទឹកឡើង", unlock_cost=2)
    granted = await grant(service, bearer, "ann", 4, expires_at="2026-11-25T12:00:00Z")
    await unlock(service, bearer, "ann", "42")
    await service.delete("/v1/subscribers/ann/unlocks/42", headers=bearer.site())
    await unlock(service, bearer, "ann", "42")
    void = f"/v1/subscribers/ann/grants/{granted.json()['id']}/void"
    await service.post(void, headers=bearer.site())
    clock.move(days=1)
    await service.delete("/v1/articles/42", headers=bearer.site())
    await service.delete("/v1/subscribers/ann/unlocks/42", headers=bearer.site())
    exported = (await export(service, bearer, "ann")).json()
    assert [entry["what"] for entry in reversed(exported["credits"]["ledger"])] == [
        "4 credits granted: promotion, ann-1",
        "2 credits spent on “42”",
        "2 credits returned for “42”",
        "2 credits spent on “42”",
        "2 credits taken back",
        "2 credits returned for “42”",
        "2 credits expired unspent",
    ]


async def test_a_title_is_told_while_the_article_is_there(service: Service, bearer: Bearer) -> None:
    await put_article(service, bearer, "42", title="ទឹកឡើង")
    await grant(service, bearer, "ann", 1)
    await unlock(service, bearer, "ann", "42")
    exported = (await export(service, bearer, "ann")).json()
    assert exported["credits"]["ledger"][0]["what"] == "1 credit spent on “ទឹកឡើង”"


async def test_a_long_history_is_told_whole(
    service: Service, bearer: Bearer, database: Database
) -> None:
    await grant(service, bearer, "ann", 1)
    async with database.writing() as session:
        for number in range(AT_ONCE + 10):
            session.add(
                Unlock(reader_id="ann", article_id=f"a{number}", source=UnlockSource.MIGRATION,
                       unlocked_at=START)
            )  # fmt: skip
    exported = (await export(service, bearer, "ann")).json()
    assert len({unlock["article_id"] for unlock in exported["unlocks"]["unlocks"]}) == AT_ONCE + 10


async def test_what_was_given_to_a_visitor_of_the_same_id_is_told(
    service: Service, bearer: Bearer
) -> None:
    for name in ("as-reader", "as-visitor"):
        await put_article(service, bearer, name, policy="metered")
    await check(service, bearer, "as-reader", reader_id="ann", count_view=True)
    await check(service, bearer, "as-visitor", visitor_id="ann", count_view=True)
    months = (await export(service, bearer, "ann")).json()["views"]["months"]
    exported = [view["article_id"] for month in months for view in month["articles"]]
    assert exported == ["as-reader", "as-visitor"]


async def test_who_is_not_on_record(service: Service, bearer: Bearer) -> None:
    answer = await export(service, bearer, "nobody")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/subscriber_unknown")
    mine = await service.get("/v1/me/export", headers=bearer.reader("nobody"))
    assert mine.status_code == 200
    assert mine.json()["profile"]["on_record_since"] is None
    await put_article(service, bearer, "m", policy="metered")
    await check(service, bearer, "m", reader_id="nobody", count_view=True)
    assert (await export(service, bearer, "nobody")).status_code == 200


async def test_after_a_merge_the_other_id_is_told_and_after_an_erasure_nothing(
    service: Service, bearer: Bearer
) -> None:
    await grant(service, bearer, "old", 1)
    await merge(service, bearer, "old", "new")
    assert (await export(service, bearer, "new")).json()["profile"]["merged_ids"] == ["old"]
    await erase(service, bearer, "new")
    assert (await export(service, bearer, "new")).status_code == 404
    mine = (await service.get("/v1/me/export", headers=bearer.reader("new"))).json()
    assert mine["credits"]["ledger"] == []


@pytest.fixture
def configured(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("PAYWALL_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("PAYWALL_DATA_DIR", settings.data_dir)
    return settings


async def _export_beside_a_service(settings: Settings) -> Result:
    """Typed while another connection has the database for writing."""
    service = Database(settings)
    try:
        async with service.writing() as session:
            terms = GrantTerms("sophea", 7, GrantSource.PROMOTION, "ឆ្នាំថ្មី")
            actor = Actor("test", "export", "0")
            await grant_credits(session, terms, actor=actor, clock=service.clock)
        return await asyncio.to_thread(CliRunner().invoke, main, ["export", "sophea"])
    finally:
        await service.close()


def test_the_command_prints_the_same_beside_a_running_service(configured: Settings) -> None:
    done = asyncio.run(_export_beside_a_service(configured))
    assert done.exit_code == 0, done.output
    exported = json.loads(done.stdout)
    assert exported["credits"]["unlocks_left"] == 7
    assert "ឆ្នាំថ្មី" in done.stdout
    assert "\n  " in done.stdout


@pytest.mark.usefixtures("configured")
def test_the_command_says_who_is_unknown() -> None:
    done = CliRunner().invoke(main, ["export", "nobody"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "who has" in done.stderr
    wrong = CliRunner().invoke(main, ["export", "a/b"])
    assert wrong.exit_code == 2
