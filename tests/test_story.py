"""The main job, end to end: a site asks, a reader unlocks, the body comes out."""

import httpx

from tests.conftest import Bearer, SetClock

BODY = "<p>ព្រះរាជាណាចក្រកម្ពុជា</p><p>Second.</p><p>The tail nobody sees.</p>"


async def put_article(
    service: httpx.AsyncClient, bearer: Bearer, article_id: str, **fields: object
) -> httpx.Response:
    article = {"title": "A title", "policy": "premium", "body_html": BODY, **fields}
    return await service.put(f"/v1/articles/{article_id}", json=article, headers=bearer.site())


async def grant(
    service: httpx.AsyncClient, bearer: Bearer, reader_id: str, amount: int, **fields: object
) -> httpx.Response:
    body = {"amount": amount, "source": "promotion", "reference": f"{reader_id}-1", **fields}
    return await service.post(
        f"/v1/subscribers/{reader_id}/grants", json=body, headers=bearer.site()
    )


async def unlock(
    service: httpx.AsyncClient, bearer: Bearer, reader_id: str, article_id: str, **fields: object
) -> httpx.Response:
    return await service.post(
        "/v1/me/unlocks",
        json={"article_id": article_id, **fields},
        headers=bearer.reader(reader_id),
    )


async def check(
    service: httpx.AsyncClient, bearer: Bearer, article_id: str, **viewer: object
) -> dict[str, object]:
    answer = await service.post(
        "/v1/access/check", json={"article_id": article_id, **viewer}, headers=bearer.site()
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_reader_unlocks_and_reads(service: httpx.AsyncClient, bearer: Bearer) -> None:
    put = await put_article(service, bearer, "42", unlock_cost=2)
    assert put.status_code == 201
    denied = await check(service, bearer, "42", reader_id="ann")
    assert denied == {
        "granted": False,
        "reason": "credits_required",
        "unlocks_left": 0,
        "unlock_cost": 2,
        "actions": ["buy_credits", "subscribe"],
        "meter": None,
        "access_until": None,
    }
    granted = await grant(service, bearer, "ann", 3)
    assert granted.status_code == 201, granted.text

    first = await unlock(service, bearer, "ann", "42", max_cost=2)
    assert first.status_code == 201, first.text
    again = await unlock(service, bearer, "ann", "42", max_cost=2)
    assert again.status_code == 200
    assert first.json() == again.json()
    assert first.json()["unlocks_left"] == 1
    assert first.json()["unlock"]["payments"] == [{"grant_id": granted.json()["id"], "amount": 2}]
    assert first.json()["unlock"]["title"] == "A title"

    body = await service.get("/v1/me/articles/42/body", headers=bearer.reader("ann"))
    assert body.json()["body_html"] == BODY
    assert body.json()["decision"]["reason"] == "unlocked"
    assert body.headers["cache-control"] == "no-store"


async def test_readers_without_access_get_only_the_preview(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await put_article(service, bearer, "42")
    denied = await service.get("/v1/me/articles/42/body", headers=bearer.reader("bo"))
    assert denied.status_code == 200
    assert denied.json()["decision"]["granted"] is False
    assert denied.json()["body_html"] is None
    assert "tail" not in denied.text
    assert denied.json()["preview_html"]


async def test_a_reader_sees_what_they_have(
    service: httpx.AsyncClient, bearer: Bearer, clock: SetClock
) -> None:
    await put_article(service, bearer, "42")
    await grant(service, bearer, "ann", 3, expires_at="2026-12-01T00:00:00+07:00")
    await unlock(service, bearer, "ann", "42")
    me = (await service.get("/v1/me", headers=bearer.reader("ann"))).json()
    assert me["unlocks_left"] == 2
    assert [(g["remaining"], g["expires_at"]) for g in me["grants"]] == [
        (2, "2026-11-30T17:00:00Z")
    ]
    ledger = (await service.get("/v1/me/ledger", headers=bearer.reader("ann"))).json()
    assert [(e["kind"], e["amount"]) for e in ledger["items"]] == [("spent", -1), ("granted", 3)]
    assert "actor" not in ledger["items"][0]
    for_site = await service.get("/v1/subscribers/ann/ledger?limit=1", headers=bearer.site())
    assert for_site.json()["items"][0]["actor"]["subject"] == "ann"
    rest = await service.get(
        "/v1/subscribers/ann/ledger",
        params={"cursor": for_site.json()["next_cursor"]},
        headers=bearer.site(),
    )
    assert [e["kind"] for e in rest.json()["items"]] == ["granted"]
    assert rest.json()["next_cursor"] is None
    clock.move(days=7)
    me = (await service.get("/v1/me", headers=bearer.reader("ann"))).json()
    assert (me["unlocks_left"], me["grants"]) == (0, [])


async def test_a_complimentary_subscription_opens_everything_until_its_end(
    service: httpx.AsyncClient, bearer: Bearer, clock: SetClock
) -> None:
    await put_article(service, bearer, "42", policy="subscribers")
    url, end = "/v1/subscribers/ann/subscription", "2026-11-25T12:00:00Z"
    for status in (201, 200):
        put = await service.put(url, json={"current_period_end": end}, headers=bearer.site())
        assert put.status_code == status, put.text
        assert put.json()["access_until"] == end
    assert (await check(service, bearer, "42", reader_id="ann"))["access_until"] == end
    clock.move(hours=24, seconds=-1)
    assert (await check(service, bearer, "42", reader_id="ann"))["reason"] == "subscribed"
    clock.move(seconds=1)
    denied = await check(service, bearer, "42", reader_id="ann")
    assert (denied["granted"], denied["reason"]) == (False, "subscription_required")


async def test_a_batch_is_answered_in_the_requested_order(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await put_article(service, bearer, "free", policy="free")
    await put_article(service, bearer, "members", policy="registered")
    asked = {"article_ids": ["nope", "members", "free", "members"], "visitor_id": "v"}
    answer = await service.post("/v1/access/check-batch", json=asked, headers=bearer.site())
    assert [(d["article_id"], d["reason"]) for d in answer.json()["decisions"]] == [
        ("nope", "article_unknown"), ("members", "login_required"), ("free", "free"),
        ("members", "login_required"),
    ]  # fmt: skip


async def test_a_reader_checks_all_articles_of_a_page(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await put_article(service, bearer, "42")
    await put_article(service, bearer, "meter", policy="metered")
    path, ann = "/v1/me/access/check-batch", bearer.reader("ann")
    ids = ["nope", "42", "meter", *(f"a{number}" for number in range(97))]
    for _ in range(2):
        answer = await service.post(path, json={"article_ids": ids}, headers=ann)
        decisions = answer.json()["decisions"]
        assert [decision["article_id"] for decision in decisions] == ids
        assert [(one["reason"], one["title"]) for one in decisions[:3]] == [
            ("article_unknown", None), ("credits_required", "A title"), ("metered", "A title"),
        ]  # fmt: skip
        assert decisions[2]["meter"]["used"] == 0
    for refused in ([*ids, "one more"], [], ["a/b"]):
        answer = await service.post(path, json={"article_ids": refused}, headers=ann)
        assert (answer.status_code, answer.json()["type"][-14:]) == (422, "invalid_fields")
    answer = await service.post(path, json={"article_ids": ["42"]}, headers=bearer.site())
    assert answer.status_code == 401


async def test_reader_and_visitor_ids_are_not_accepted_together(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    answer = await service.post(
        "/v1/access/check",
        json={"article_id": "a", "reader_id": "r", "visitor_id": "v"},
        headers=bearer.site(),
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "visitor_id"


async def test_deleting_an_article_keeps_its_unlocks(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await put_article(service, bearer, "42")
    await grant(service, bearer, "ann", 1)
    await unlock(service, bearer, "ann", "42")
    for _ in range(2):
        gone = await service.delete("/v1/articles/42", headers=bearer.site())
        assert gone.status_code == 204
    decision = await check(service, bearer, "42", reader_id="ann")
    assert (decision["granted"], decision["reason"]) == (True, "unlocked")
    mine = (await service.get("/v1/me/unlocks", headers=bearer.reader("ann"))).json()
    assert [(u["article_id"], u["title"]) for u in mine["items"]] == [("42", None)]


async def test_refusals_name_a_remedy(service: httpx.AsyncClient, bearer: Bearer) -> None:
    await put_article(service, bearer, "dear", unlock_cost=5)
    await put_article(service, bearer, "members", policy="subscribers")
    await grant(service, bearer, "ann", 4)
    for article, fields, status, kind in (
        ("dear", {"max_cost": 4}, 409, "price_changed"),
        ("dear", {}, 409, "insufficient_credits"),
        ("members", {}, 409, "subscription_required"),
        ("nope", {}, 404, "article_unknown"),
    ):
        answer = await unlock(service, bearer, "ann", article, **fields)
        assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{kind}")
        assert answer.headers["content-type"] == "application/problem+json"
    me = (await service.get("/v1/me", headers=bearer.reader("ann"))).json()
    assert me["unlocks_left"] == 4


async def test_a_site_needs_no_jwt_library_to_let_a_reader_in(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    url = "/v1/readers/ann/token"
    for body in (None, {}, {"lifetime_seconds": 60}):
        minted = await service.post(url, json=body, headers=bearer.site("readers:token"))
        assert minted.status_code == 200, minted.text
        reader = {"Authorization": f"Bearer {minted.json()['token']}"}
        assert (await service.get("/v1/me", headers=reader)).json()["reader_id"] == "ann"
    without_a_body = await service.post(url, headers=bearer.site("readers:token"))
    assert without_a_body.status_code == 200, without_a_body.text
    wrong = await service.post(url, json={"lifetime_seconds": 59}, headers=bearer.site())
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "lifetime_seconds")


async def test_a_time_out_of_range_is_named(service: httpx.AsyncClient, bearer: Bearer) -> None:
    for time in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        answer = await grant(service, bearer, "ann", 1, expires_at=time)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["field"] == "expires_at"
    for time in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        answer = await grant(service, bearer, "ann", 1, expires_at=time, reference=time)
        assert (answer.status_code, answer.json()["expires_at"]) == (201, time)
