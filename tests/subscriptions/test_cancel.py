"""Cancelling states its exact effect, forfeits no paid time, and can be withdrawn."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from paywall.database.engine import Database
from paywall.subscriptions.import_subscriptions import ImportedSubscription, import_subscriptions
from tests.conftest import START, Bearer, SetClock
from tests.test_story import check, grant, put_article

END = "2026-12-24T12:00:00Z"


@pytest.fixture
async def given(service: httpx.AsyncClient, bearer: Bearer) -> str:
    """A complimentary subscription of ann's, and its id."""
    await put_article(service, bearer, "a", policy="subscribers")
    put = await service.put(
        "/v1/subscribers/ann/subscription", json={"current_period_end": END}, headers=bearer.site()
    )
    return str(put.json()["id"])


async def ask(
    service: httpx.AsyncClient, bearer: Bearer, verb: str, **fields: object
) -> httpx.Response:
    return await service.post(
        f"/v1/me/subscription/{verb}", json=fields, headers=bearer.reader("ann")
    )


async def mine(service: httpx.AsyncClient, bearer: Bearer) -> dict[str, Any]:
    me = await service.get("/v1/me", headers=bearer.reader("ann"))
    return dict(me.json()["subscription"])


async def test_cancelling_at_the_end_keeps_access_and_has_a_receipt(
    service: httpx.AsyncClient, bearer: Bearer, clock: SetClock, given: str
) -> None:
    await grant(service, bearer, "ann", 3, expires_at="2026-12-01T00:00:00Z")
    fields: dict[str, object] = {"subscription_id": given, "when": "period_end"}
    dry = await ask(service, bearer, "cancel", **fields, dry_run=True)
    assert dry.json() == {
        "subscription_id": given,
        "when": "period_end",
        "access_until": END,
        "credits": [{"amount": 3, "expires_at": "2026-12-01T00:00:00Z"}],
        "receipt": None,
        "period_payment": None,
        "keeps_access": False,
    }
    assert (await mine(service, bearer))["cancel_at_period_end"] is False

    real = await ask(service, bearer, "cancel", **fields)
    receipt = real.json().pop("receipt")
    assert real.json() | {"receipt": None, "keeps_access": False} == dry.json()
    assert receipt["at"] == "2026-11-24T12:00:00Z"
    assert await mine(service, bearer) == (await mine(service, bearer)) | {
        "cancel_at_period_end": True, "access_until": END, "receipt": receipt,
    }  # fmt: skip
    clock.move(days=1)
    again = await ask(service, bearer, "cancel", **fields)
    assert again.json()["receipt"] == receipt
    assert (await check(service, bearer, "a", reader_id="ann"))["granted"] is True


async def test_resuming_works_only_before_the_end(
    service: httpx.AsyncClient, bearer: Bearer, clock: SetClock, given: str
) -> None:
    await ask(service, bearer, "cancel", subscription_id=given, when="period_end")
    resumed = await ask(service, bearer, "resume", subscription_id=given)
    assert (resumed.status_code, resumed.json()["receipt"]) == (200, None)
    assert resumed.json()["cancel_at_period_end"] is False
    second = await ask(service, bearer, "cancel", subscription_id=given, when="period_end")
    assert second.json()["receipt"] is not None
    clock.move(days=30)
    late = await ask(service, bearer, "resume", subscription_id=given)
    assert (late.status_code, late.json()["type"]) == (409, "/problems/subscription_ended")


async def test_a_withdrawn_receipt_stays_listed(
    service: httpx.AsyncClient, bearer: Bearer, clock: SetClock, given: str
) -> None:
    assert (await mine(service, bearer))["receipts"] == []
    receipts = []
    for _ in range(2):
        done = await ask(service, bearer, "cancel", subscription_id=given, when="period_end")
        receipts.append(done.json()["receipt"])
        assert receipts[-1]["withdrawn_at"] is None
        assert (await mine(service, bearer))["receipt"] == receipts[-1]
        at = clock.move(hours=1)
        resumed = await ask(service, bearer, "resume", subscription_id=given)
        receipts[-1]["withdrawn_at"] = at.isoformat().replace("+00:00", "Z")
        assert (resumed.json()["receipt"], resumed.json()["receipts"][0]) == (None, receipts[-1])
        clock.move(hours=1)
    last = await ask(service, bearer, "cancel", subscription_id=given, when="now")
    receipts.append(last.json()["receipt"])
    now = await mine(service, bearer)
    assert (now["receipt"], now["receipts"]) == (receipts[-1], list(reversed(receipts)))


async def test_cancelling_now_ends_permanently(
    service: httpx.AsyncClient, bearer: Bearer, given: str
) -> None:
    dry = await ask(service, bearer, "cancel", subscription_id=given, when="now", dry_run=True)
    assert dry.json()["access_until"] == "2026-11-24T12:00:00Z"
    assert (await check(service, bearer, "a", reader_id="ann"))["granted"] is True
    first = await ask(service, bearer, "cancel", subscription_id=given, when="now")
    assert first.json()["access_until"] == "2026-11-24T12:00:00Z"
    assert (await check(service, bearer, "a", reader_id="ann"))["granted"] is False
    again = await ask(service, bearer, "cancel", subscription_id=given, when="period_end")
    assert again.json()["receipt"] == first.json()["receipt"]
    resumed = await ask(service, bearer, "resume", subscription_id=given)
    assert (resumed.status_code, resumed.json()["type"]) == (409, "/problems/subscription_ended")


async def test_subscriptions_that_never_renew_are_cancelled_by_id(
    service: httpx.AsyncClient, bearer: Bearer, given: str
) -> None:
    for fields, status, kind in (
        ({"when": "now"}, 409, "no_subscription"),
        ({"when": "now", "subscription_id": "nope"}, 404, "subscription_unknown"),
    ):
        refused = await ask(service, bearer, "cancel", **fields)
        assert (refused.status_code, refused.json()["type"]) == (status, f"/problems/{kind}")
    theirs = await service.post(
        "/v1/me/subscription/cancel",
        json={"subscription_id": given, "when": "now"},
        headers=bearer.reader("bo"),
    )
    assert theirs.status_code == 404


async def test_a_dry_run_ignores_an_idempotency_key(
    service: httpx.AsyncClient, bearer: Bearer, given: str
) -> None:
    headers = {"Idempotency-Key": "k", **bearer.reader("ann")}
    for dry_run in (True, False):
        answer = await service.post(
            "/v1/me/subscription/cancel",
            json={"subscription_id": given, "when": "now", "dry_run": dry_run},
            headers=headers,
        )
        assert answer.status_code == 200, answer.text
        assert (answer.json()["receipt"] is None) is dry_run


async def test_a_site_cancels_for_a_known_subscriber(
    service: httpx.AsyncClient, bearer: Bearer, given: str
) -> None:
    fields = {"subscription_id": given, "when": "period_end", "reason": "asked by telephone"}
    url = "/v1/subscribers/{}/subscription/cancel"
    done = await service.post(url.format("ann"), json=fields, headers=bearer.site())
    assert done.json()["access_until"] == END
    unknown = await service.post(url.format("eve"), json=fields, headers=bearer.site())
    assert unknown.json()["type"] == "/problems/subscriber_unknown"


async def test_a_full_refund_of_the_first_pass_begins_the_second(
    service: httpx.AsyncClient, bearer: Bearer, clock: SetClock, given: str
) -> None:
    del given
    week = {"title": "A week", "days": 7, "prices": [{"amount": 500, "currency": "usd"}]}
    shop = await service.put("/v1/passes/week", json=week, headers=bearer.site())
    assert shop.status_code == 201
    bought = [
        await service.post(
            "/v1/purchases",
            json={"reader_id": "bo", "processor": "cash", "reference": reference,
                  "pass_id": "week", "amount_paid": 500, "currency": "USD"},
            headers=bearer.site(),
        )
        for reference in ("one", "two")
    ]  # fmt: skip
    me = (await service.get("/v1/me", headers=bearer.reader("bo"))).json()
    ends = sorted(subscription["access_until"] for subscription in me["subscriptions"])
    assert ends == ["2026-12-01T12:00:00Z", "2026-12-08T12:00:00Z"]
    refund = await service.post(
        f"/v1/purchases/{bought[0].json()['id']}/refunds",
        json={"amount": 500, "reference": "sorry"},
        headers=bearer.site(),
    )
    assert refund.json()["refunded"] == 500
    decision = await check(service, bearer, "a", reader_id="bo")
    assert (decision["granted"], decision["access_until"]) == (True, "2026-12-01T12:00:00Z")
    clock.move(days=7)
    assert (await check(service, bearer, "a", reader_id="bo"))["granted"] is False


async def test_a_new_subscription_does_not_revive_an_ended_one(
    service: httpx.AsyncClient, bearer: Bearer, clock: SetClock, given: str
) -> None:
    await ask(service, bearer, "cancel", subscription_id=given, when="now")
    clock.move(seconds=1)
    url = "/v1/subscribers/ann/subscription"
    another = await service.put(url, json={"current_period_end": END}, headers=bearer.site())
    assert another.status_code == 201
    assert another.json()["id"] != given
    assert (another.json()["receipt"], another.json()["cancel_at_period_end"]) == (None, False)
    assert (await check(service, bearer, "a", reader_id="ann"))["granted"] is True
    gone = await ask(service, bearer, "resume", subscription_id=given)
    assert gone.json()["type"] == "/problems/subscription_unknown"


@pytest.mark.usefixtures("given")
async def test_a_preview_of_ending_an_imported_subscription_keeps_the_others(
    service: httpx.AsyncClient, bearer: Bearer, database: Database
) -> None:
    """The pass waits for the complimentary subscription, which goes on."""
    week = {"title": "A week", "days": 7, "prices": [{"amount": 500, "currency": "usd"}]}
    await service.put("/v1/passes/week", json=week, headers=bearer.site())
    payment = {"reader_id": "ann", "processor": "cash", "reference": "1", "pass_id": "week"}
    paid = {"amount_paid": 500, "currency": "usd"}
    await service.post("/v1/purchases", json=payment | paid, headers=bearer.site())
    async with database.writing() as session:
        imported = ImportedSubscription("ann", None, START + timedelta(days=7), "sub_of_before")
        await import_subscriptions(session, [imported], clock=database.clock)
    preview = await ask(
        service, bearer, "cancel", subscription_id="sub_of_before", when="now", dry_run=True
    )
    assert preview.json()["access_until"] == "2026-12-31T12:00:00Z"
