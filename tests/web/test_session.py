"""The session of the plain pages: who may begin one, and that it is over when it is ended."""

import base64
import json
from typing import Any

import httpx
import pytest

from tests.conftest import Bearer
from tests.test_story import grant, put_article
from tests.web.conftest import ORIGIN
from tests.web.plain import COOKIE, account, cookie_of, enter, forms, subscribe


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(f"{payload}=="))
    return decoded


async def test_who_leaves_is_forgotten_and_led_to_the_site_and_nowhere_else(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    for back, way in (
        ("", f"{ORIGIN}/42"),
        (f"{ORIGIN}/bye", f"{ORIGIN}/bye"),
        ("https://evil.example/", f"{ORIGIN}/"),
        ("javascript:alert(1)", f"{ORIGIN}/"),
    ):
        await enter(service, bearer, "ann", back=f"{ORIGIN}/42")
        assert '<a href="/account/leave">Sign out of these pages</a>' in await account(service)
        gone = await service.get("/account/leave", params={"back": back})
        assert (gone.status_code, gone.headers["location"]) == (303, way)
        received = gone.headers["set-cookie"]
        assert received.startswith(f'{COOKIE}="";')
        flags = {part.strip().lower() for part in received.split(";")[1:]}
        assert {"max-age=0", "secure", "httponly", "samesite=lax", "path=/"} <= flags
    del service.headers["Cookie"]
    again = await service.get("/account/leave")
    assert (again.status_code, again.headers["location"]) == (303, f"{ORIGIN}/")


async def test_whoever_is_not_let_in_leaves_no_session_of_another_reader(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await put_article(service, bearer, "42")
    for page, status, is_kept in (
        ({"page": "cancel", "subscription": "nothing"}, 404, True),
        ({"page": "unlock", "article": "42", "token": "garbage"}, 403, False),
    ):
        await enter(service, bearer, "ann", name="Ann")
        refused = await enter(service, bearer, "bo", name="Bo", **page)
        assert refused.status_code == status
        assert COOKIE in refused.headers["set-cookie"]
        assert ("Max-Age=0" in refused.headers["set-cookie"]) is not is_kept
        assert "Ann" not in refused.text
        if is_kept:
            assert "<span>Bo</span>" in await account(service)


async def test_a_copied_cookie_opens_nothing_after_leaving(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await enter(service, bearer, "ann")
    copied = service.headers["Cookie"]
    elsewhere = bearer.reader("ann")
    for _again in range(2):
        assert (await service.get("/account/leave")).status_code == 303
    page = await service.get("/account", headers={"Cookie": copied})
    assert page.status_code == 403
    assert (await service.get("/v1/me", headers=elsewhere)).status_code == 200
    await enter(service, bearer, "ann")
    await account(service)


@pytest.mark.parametrize("revoked", ["token_id", "subject", "site_token", "site_subject"])
async def test_no_page_answers_a_session_whose_token_is_revoked(
    revoked: str, service: httpx.AsyncClient, bearer: Bearer
) -> None:
    """Each page asks for itself: no guard of a route stands before the pages."""
    site = bearer.site("readers:token", "shop")
    minted = await service.post("/v1/readers/ann/token", headers=site)
    token = minted.json()["token"]
    await put_article(service, bearer, "42")
    await grant(service, bearer, "ann", 5)
    given = await subscribe(service, bearer, "ann")
    entered = {"token": token, "page": "unlock", "article": "42"}
    await enter(service, bearer, "ann", **entered)
    page = await service.get("/account")
    form_token = forms(page)["/account/language"].fields["form_token"]
    target = {
        "token_id": {"token_id": claims(token)["jti"]},
        "subject": {"subject": "ann"},
        "site_token": {"token_id": claims(site["Authorization"])["jti"]},
        "site_subject": {"subject": "shop"},
    }[revoked]
    answer = await service.post("/v1/tokens/revoke", json=target, headers=bearer.site())
    assert answer.status_code == 204
    for path in ("", "/data", "/receipts/receipt_1"):
        assert (await service.get(f"/account{path}")).status_code == 403
    fields = {
        "article_id": "42", "max_cost": "1", "order": "pack:usd:five", "subscription_id": given,
        "key": "k", "form_token": form_token,
    }  # fmt: skip
    for action in ("unlock", "buy", "cancel", "resume", "billing"):
        for more in ({}, {"when": "now"}):
            refused = await service.post(f"/account/{action}", data={**fields, **more})
            assert refused.status_code == 403
    for first in ("unlock", "buy", "cancel"):
        refused = await enter(service, bearer, "ann", **{**entered, "page": first})
        assert refused.status_code == 403
    mine = await service.get("/v1/subscribers/ann", headers=bearer.site())
    assert mine.json()["unlocks_left"] == 5
    assert not mine.json()["subscription"]["cancel_at_period_end"]


async def test_head_of_leaving_ends_no_session(service: httpx.AsyncClient, bearer: Bearer) -> None:
    await enter(service, bearer, "ann")
    assert (await service.head("/account/leave")).status_code == 303
    await account(service)


@pytest.mark.parametrize(
    ("reader_id", "fields", "is_over"),
    [
        ("ann", {}, False),
        ("bo", {}, True),
        ("bo", {"token": "garbage"}, True),
        ("bo", {"token": "garbage", "page": "buy"}, True),
    ],
)
async def test_a_session_ends_for_copies_too_when_another_reader_comes(
    service: httpx.AsyncClient,
    bearer: Bearer,
    reader_id: str,
    fields: dict[str, str],
    *,
    is_over: bool,
) -> None:
    await enter(service, bearer, "ann")
    copied = service.headers["Cookie"]
    await enter(service, bearer, reader_id, **fields)
    page = await service.get("/account", headers={"Cookie": copied})
    assert page.status_code == (403 if is_over else 200)


async def test_a_cookie_that_holds_no_token_is_left_without_a_trace(
    service: httpx.AsyncClient,
) -> None:
    for kept in (cookie_of("garbage", "", "", ""), b"x"):
        cookie = {b"Cookie": COOKIE.encode() + b"=" + kept}
        gone = await service.get("/account/leave", headers=cookie)
        assert (gone.status_code, gone.headers["location"]) == (303, f"{ORIGIN}/")


async def test_the_cookie_is_for_this_host_alone_and_no_script_reads_it(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    received = (await enter(service, bearer, "ann")).headers["set-cookie"]
    assert received.startswith(f"{COOKIE}=")
    flags = {part.strip().lower() for part in received.split(";")[1:]}
    assert {"secure", "httponly", "samesite=lax", "path=/"} <= flags
    assert not any(flag.startswith("domain") for flag in flags)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://news.example.evil.example"},
        {"Origin": "https://news.example@evil.example"},
        {"Origin": "http://["},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "garbage"},
    ],
    ids=lambda headers: "".join(headers.values()) or "empty",
)
async def test_a_strangers_page_cannot_bring_a_reader_in(
    headers: dict[str, str], service: httpx.AsyncClient, bearer: Bearer
) -> None:
    token = bearer.reader("mallory")["Authorization"].removeprefix("Bearer ")
    entered = await service.post("/account/enter", data={"token": token}, headers=headers)
    assert entered.status_code == 403
    assert "set-cookie" not in entered.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {},
    ],
    ids=lambda headers: "".join(headers.values()) or "nothing",
)
async def test_the_sites_page_and_what_is_no_other_sites_may_bring_a_reader_in(
    headers: dict[str, str], service: httpx.AsyncClient, bearer: Bearer
) -> None:
    token = bearer.reader("ann")["Authorization"].removeprefix("Bearer ")
    entered = await service.post("/account/enter", data={"token": token}, headers=headers)
    assert entered.status_code == 303
    assert "set-cookie" in entered.headers


async def test_v1_reads_no_cookie(service: httpx.AsyncClient, bearer: Bearer) -> None:
    await enter(service, bearer, "ann")
    assert (await service.get("/v1/me")).status_code == 401
