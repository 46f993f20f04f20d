"""Sites grant credits once per reference, within their scope, and void them."""

import httpx
import pytest

from paywall.unlocks.unlock import GRANTS_READ_FIRST
from tests.conftest import Bearer, SetClock
from tests.test_story import grant, put_article, unlock


async def test_a_large_grant_needs_the_scope_admin(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    writer = bearer.site("subscribers:write")
    for amount, headers, status in (
        (1000, writer, 201),
        (1001, writer, 403),
        (1001, bearer.site("admin"), 201),
    ):
        answer = await service.post(
            "/v1/subscribers/ann/grants",
            json={"amount": amount, "source": "promotion", "reference": f"{amount}-{status}"},
            headers=headers,
        )
        assert answer.status_code == status, answer.text
        if status == 403:
            assert 'scope="admin"' in answer.headers["www-authenticate"]
            assert "1000" in answer.json()["detail"]


async def test_a_reference_is_granted_once_and_differences_are_named(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    first, again = await grant(service, bearer, "ann", 3), await grant(service, bearer, "ann", 3)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = await grant(service, bearer, "bo", 4, reference="ann-1")
    assert (other.status_code, other.json()["fields"]) == (409, ["reader_id", "amount"])
    unknown = await service.get("/v1/subscribers/bo", headers=bearer.site())
    assert unknown.status_code == 404


async def test_voiding_removes_unspent_credits_once(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    granted = (await grant(service, bearer, "ann", 3)).json()
    url = f"/v1/subscribers/ann/grants/{granted['id']}/void"
    for _ in range(2):
        voided = await service.post(url, headers=bearer.site())
        assert (voided.status_code, voided.json()["remaining"]) == (200, 0)
    ledger = await service.get("/v1/subscribers/ann/ledger", headers=bearer.site())
    assert [(e["kind"], e["amount"]) for e in ledger.json()["items"]] == [
        ("voided", -3), ("granted", 3),
    ]  # fmt: skip
    theirs = await service.post(url.replace("ann", "bo"), headers=bearer.site())
    assert theirs.json()["type"] == "/problems/subscriber_unknown"
    missing = await service.post("/v1/subscribers/ann/grants/999/void", headers=bearer.site())
    assert missing.json()["type"] == "/problems/grant_unknown"


@pytest.mark.parametrize("end", ["spent", "expired"])
async def test_the_next_grant_pays_after_any_number_of_spent_grants(
    service: httpx.AsyncClient, bearer: Bearer, clock: SetClock, end: str
) -> None:
    """One more than an unlock reads at first."""
    await put_article(service, bearer, "everything", unlock_cost=GRANTS_READ_FIRST)
    await put_article(service, bearer, "one")
    for n in range(GRANTS_READ_FIRST):
        await grant(service, bearer, "ann", 1, reference=f"r{n}", expires_at="2026-11-24T13:00:00Z")
    if end == "spent":
        assert (await unlock(service, bearer, "ann", "everything")).status_code == 201
    else:
        clock.move(hours=1)
    new = await grant(service, bearer, "ann", 1, reference="new")
    opened = await unlock(service, bearer, "ann", "one")
    assert opened.status_code == 201, opened.text
    assert opened.json()["unlock"]["payments"] == [{"grant_id": new.json()["id"], "amount": 1}]


async def test_grants_are_listed_in_burn_order(
    service: httpx.AsyncClient, bearer: Bearer, clock: SetClock
) -> None:
    for reference, priority, expires_at in (
        ("never", 100, None),
        ("later", 100, "2027-02-01T00:00:00Z"),
        ("sooner", 100, "2027-01-01T00:00:00Z"),
        ("sooner-but-newer", 100, "2027-01-01T00:00:00Z"),
        ("first", 50, None),
    ):
        await grant(
            service, bearer, "ann", 1, reference=reference, priority=priority,
            expires_at=expires_at,
        )  # fmt: skip
        clock.move(minutes=1)
    order = ["first", "sooner", "sooner-but-newer", "later", "never"]
    listed = (await service.get("/v1/me", headers=bearer.reader("ann"))).json()["grants"]
    assert [item["reference"] for item in listed] == order
    await put_article(service, bearer, "a", unlock_cost=3)
    opened = (await unlock(service, bearer, "ann", "a")).json()["unlock"]
    assert [item["grant_id"] for item in opened["payments"]] == [item["id"] for item in listed[:3]]
    left = (await service.get("/v1/me", headers=bearer.reader("ann"))).json()["grants"]
    assert [item["reference"] for item in left] == order[3:]
