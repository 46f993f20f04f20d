"""Grants by the site: once a reference, within the scope, and voided for good."""

import httpx

from tests.conftest import Bearer
from tests.test_story import grant


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


async def test_the_same_reference_is_granted_once_and_names_what_differs(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    first, again = await grant(service, bearer, "ann", 3), await grant(service, bearer, "ann", 3)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = await grant(service, bearer, "bo", 4, reference="ann-1")
    assert (other.status_code, other.json()["fields"]) == (409, ["reader_id", "amount"])
    unknown = await service.get("/v1/subscribers/bo", headers=bearer.site())
    assert unknown.status_code == 404


async def test_a_void_takes_what_is_unspent_and_twice_is_once(
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
