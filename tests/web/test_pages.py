"""The plain pages: all without a script, for who came by the site's form, and for nobody else."""

import base64
import hashlib
import re
from html import escape

import httpx
import pytest

from tests.conftest import Bearer, SetClock
from tests.test_story import grant, put_article
from tests.web.conftest import ORIGIN
from tests.web.plain import (
    COOKIE,
    Form,
    account,
    cookie_of,
    enter,
    forms,
    has_own_address,
    send,
    subscribe,
)

TAIL = "The tail nobody sees"


async def test_nobody_gets_in_without_a_token_that_holds(
    service: httpx.AsyncClient, bearer: Bearer, clock: SetClock
) -> None:
    assert (await service.get("/account")).status_code == 403
    for token in (
        "",
        "garbage",
        "é",
        "a; b=c",
        bearer.site()["Authorization"].removeprefix("Bearer "),
    ):
        for fields in ({"page": "unlock", "article": "42"}, {"page": "account"}):
            entered = await service.post(
                "/account/enter", data={"token": token, **fields}, headers={"Origin": ORIGIN}
            )
            assert entered.status_code == (303 if fields["page"] == "account" else 403)
        for kept in (token.encode(), cookie_of(token, "", "", ""), cookie_of(token)):
            page = await service.get("/account", headers={b"Cookie": COOKIE.encode() + b"=" + kept})
            assert page.status_code == 403
            assert "open it from there" in page.text
            assert page.text.count(f'<a href="{ORIGIN}/">Back to the site</a>') == 2
    await enter(service, bearer, "ann")
    await account(service)
    clock.move(minutes=16)
    assert (await service.get("/account")).status_code == 403


async def test_what_a_site_says_never_makes_a_cookie_too_large_for_a_browser(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    reader_id, khmer = "ក" * 200, "ខ" * 400
    entered = await enter(service, bearer, reader_id, name=khmer, back=f"{ORIGIN}/{khmer}")
    assert len(entered.headers["set-cookie"].split(";")[0]) <= 4096
    assert "You have no credits." in await account(service)
    nested = base64.urlsafe_b64encode(b"[" * 3000 + b"]" * 3000)
    page = await service.get("/account", headers={b"Cookie": COOKIE.encode() + b"=" + nested})
    assert page.status_code == 403


@pytest.mark.parametrize("action", ["enter", "unlock", "buy", "cancel", "resume", "billing"])
async def test_the_address_of_a_form_opened_by_get_leads_to_the_account(
    action: str, service: httpx.AsyncClient
) -> None:
    again = await service.get(f"/account/{action}")
    assert (again.status_code, again.headers["location"]) == (303, "/account")


async def test_every_page_shows_the_readers_name(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await put_article(service, bearer, "42")
    await grant(service, bearer, "ann", 3)
    asked = await enter(service, bearer, "ann", page="unlock", article="42", name="Ann & <ចាន់>")
    for page in (asked, await service.get("/account")):
        assert "<span>Ann &amp; &lt;ចាន់&gt;</span>" in page.text
    await enter(service, bearer, "ann", name="x" * 5000)
    assert f"<span>{'x' * 60}</span>" in await account(service)


async def test_no_page_can_be_framed_kept_or_made_to_run_a_script_but_its_own(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await enter(service, bearer, "ann")
    page = await service.get("/account")
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["cache-control"] == "no-store"
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    (script,) = re.findall("<script>(.*?)</script>", page.text)
    assert page.text.count("<script") == 1
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert re.findall("script-src ([^;]*)", policy) == [f"'sha256-{digest}'"]


async def test_an_article_is_unlocked_by_two_clicks_and_never_paid_twice(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await put_article(service, bearer, "42", url=f"{ORIGIN}/42", unlock_cost=2)
    await grant(service, bearer, "ann", 5)
    asked = await enter(service, bearer, "ann", page="unlock", article="42")
    assert "Are you sure you want to unlock this post?" in asked.text
    assert "This costs 2 of your 5 credits. You will have 3 left." in asked.text
    assert "Unlocks left: 5" in asked.text
    form = forms(asked)["/account/unlock"]
    done = asked
    for _click in range(3):
        done = await send(service, form)
        assert "You have 3 credits." in done.text
        assert f'href="{ORIGIN}/42"' in done.text
        assert has_own_address(done)
        # What is read is named in no address.
        assert "42" not in done.url.path
        assert TAIL not in asked.text + done.text
    again = await enter(service, bearer, "ann", page="unlock", article="42")
    assert "You can read this article." in again.text
    await enter(service, bearer, "bo")
    others = await service.get(done.url.path)
    assert (others.status_code, others.headers["location"]) == (303, "/account")


async def test_a_higher_price_is_asked_about_again(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await put_article(service, bearer, "42")
    await grant(service, bearer, "ann", 5)
    form = forms(await enter(service, bearer, "ann", page="unlock", article="42"))[
        "/account/unlock"
    ]
    await put_article(service, bearer, "42", unlock_cost=3)
    asked = await send(service, form)
    assert "The price has changed: it now costs 3 credits." in asked.text
    assert "This costs 3 of your 5 credits." in asked.text
    assert "Unlocks left: 5" in asked.text
    done = await send(service, forms(asked)["/account/unlock"])
    assert "You have 2 credits." in done.text


async def test_offers_are_listed_smallest_first_where_credits_are_short(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await put_article(service, bearer, "42")
    prices = [{"amount": 400000, "currency": "khr"}]
    for credits_ in (5, 10, 2):
        pack = {"title": f"Pack {credits_}", "credits": credits_, "prices": prices}
        await service.put(f"/v1/packs/{credits_}", json=pack, headers=bearer.site())
    fields = {"page": "unlock", "article": "42", "return": f"{ORIGIN}/42", "consent": "yes"}
    asked = await enter(service, bearer, "ann", **fields)
    received = re.findall(r'aria-label="([^"]+)"', asked.text)
    assert received == [f"Buy for 4,000\u00a0riel: Pack {credits_}" for credits_ in (2, 5, 10)]
    form = forms(asked)["/account/buy"]
    assert form.fields["return"] == f"{ORIGIN}/42"
    assert 'name="agreed" value="yes" required' in asked.text
    # One button stands out: of what is recommended, else of the first.
    assert re.findall(r'paywall-first"[^>]+value="([^"]+)"', asked.text) == ["pack:khr:2"]
    refused = await send(service, form, order="pack:khr:5")
    assert refused.status_code == 403
    pack = {"title": "Pack 5", "credits": 5, "prices": prices, "recommended": True}
    await service.put("/v1/packs/5", json=pack, headers=bearer.site())
    asked = await enter(service, bearer, "ann", **fields)
    assert re.findall(r'paywall-first"[^>]+value="([^"]+)"', asked.text) == ["pack:khr:5"]


async def test_nobody_is_sold_days_that_are_theirs_already(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    prices = [{"amount": 400, "currency": "usd"}]
    plan = {"title": "Monthly", "interval": "month", "prices": prices}
    await service.put("/v1/plans/monthly", json=plan, headers=bearer.site())
    pack = {"title": "Five", "credits": 5, "prices": prices}
    await service.put("/v1/packs/five", json=pack, headers=bearer.site())
    fields = {"page": "buy", "return": f"{ORIGIN}/paid"}
    assert "plan:usd:monthly" in (await enter(service, bearer, "ann", **fields)).text
    await subscribe(service, bearer, "ann")
    received = (await enter(service, bearer, "ann", **fields)).text
    assert "plan:usd:monthly" not in received
    assert "You can read everything until" in received
    assert "pack:usd:five" in received


@pytest.mark.parametrize("action", ["unlock", "buy", "cancel", "resume", "billing", "language"])
async def test_a_form_that_is_not_of_this_session_does_nothing(
    action: str, service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await put_article(service, bearer, "42")
    await grant(service, bearer, "ann", 5)
    await subscribe(service, bearer, "ann")
    await enter(service, bearer, "bo", page="unlock", article="42")
    others = forms(await service.get("/account"))
    await enter(service, bearer, "ann")
    fields = {"article_id": "42", "max_cost": "1", "when": "now", "key": "k"}
    stolen = [form.fields["form_token"] for form in others.values()]
    for form_token in ("", "garbage", *stolen):
        answer = await service.post(f"/account/{action}", data={**fields, "form_token": form_token})
        assert answer.status_code == 403
    page = await account(service)
    assert "You have 5 credits." in page
    assert "ended" not in page


async def test_the_pages_speak_the_readers_language(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await enter(service, bearer, "ann")
    page = await service.get("/account", headers={"Accept-Language": "km-KH,en;q=0.5"})
    assert '<html lang="km" dir="ltr">' in page.text
    assert "គណនី និងទិន្នន័យរបស់អ្នក" in page.text
    await enter(service, bearer, "ann", language="km")
    assert "គណនី និងទិន្នន័យរបស់អ្នក" in await account(service)


async def test_a_refusal_is_explained_in_words(service: httpx.AsyncClient, bearer: Bearer) -> None:
    unknown = await enter(service, bearer, "ann", page="unlock", article="nothing")
    assert "This article is not available at the moment." in unknown.text
    await enter(service, bearer, "ann", page="cancel")
    assert "You have no subscription." in await account(service)
    for article in ("a/b", "..", "x" * 300, "\x00"):
        odd = await enter(service, bearer, "ann", page="unlock", article=article)
        assert odd.status_code in (404, 422)
        assert odd.headers["content-type"].startswith("text/html")


async def test_what_is_no_id_of_a_subscription_is_refused_in_words(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    """PostgreSQL keeps no NUL and no surrogate, and fails where one is asked for."""
    await subscribe(service, bearer, "ann")
    for odd_id in ("\x00", "\x7f", "a/b", "..", "x" * 300):
        asked = await enter(service, bearer, "ann", page="cancel", subscription=odd_id)
        form = forms(await service.get("/account"))["/account/language"]
        cancel = Form("/account/cancel", {**form.fields, "subscription_id": odd_id})
        for refused in (asked, await send(service, cancel)):
            assert refused.status_code == 422, (odd_id, refused.text)
            assert refused.headers["content-type"].startswith("text/html")


async def test_not_now_leads_to_the_site_and_nowhere_else(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await put_article(service, bearer, "42")
    for back, link in (
        (f"{ORIGIN}/42", f'<a href="{ORIGIN}/42">Not now</a>'),
        ("https://elsewhere.example/42", None),
        ("javascript:alert(1)", None),
        (f"{ORIGIN}.elsewhere.example/", None),
        (f"{ORIGIN}@elsewhere.example/", None),
        (f"{ORIGIN}\\@elsewhere.example/", None),
        (f"{ORIGIN}:8443/", None),
        (f"{ORIGIN}/\t42", None),
        ("//elsewhere.example/", None),
        ("/\\elsewhere.example", None),
    ):
        fields = {"return": f"{ORIGIN}/paid", "back": back}
        for page in ("buy", "unlock"):
            asked = await enter(service, bearer, "ann", page=page, article="42", **fields)
            assert re.findall("<a [^>]*>Not now</a>", asked.text) == ([link] if link else [])


async def test_who_may_read_already_is_led_back_to_the_article(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await put_article(service, bearer, "42")
    await subscribe(service, bearer, "ann")
    fields = {"page": "unlock", "article": "42", "return": f"{ORIGIN}/42"}
    received = await enter(service, bearer, "ann", **fields)
    assert "<h1>You can read this article.</h1>" in received.text
    assert f'<a href="{ORIGIN}/42">Open the article</a>' in received.text


async def test_every_page_leads_back_to_where_the_reader_came_from_on_the_site(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await put_article(service, bearer, "42", url=f"{ORIGIN}/42")
    await grant(service, bearer, "ann", 3)
    here = f"{ORIGIN}/42?from=a%2Fb&page=2:x"
    asked = await enter(service, bearer, "ann", page="unlock", article="42", back=here)
    done = await send(service, forms(asked)["/account/unlock"])
    for page in (asked, done, await service.get("/account")):
        assert f'<nav><a href="{escape(here)}">Back to the site</a>' in page.text
    for odd in ("https://evil.example/42", "javascript:alert(1)", f"{ORIGIN}/{'x' * 2000}", "\r\n"):
        await enter(service, bearer, "ann", back=odd)
        page = await service.get("/account")
        assert f'<nav><a href="{ORIGIN}/">Back to the site</a>' in page.text


async def test_the_account_can_be_read_in_another_language(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await enter(service, bearer, "ann", back=f"{ORIGIN}/42")
    page = await service.get("/account")
    form = forms(page)["/account/language"]
    assert '<button class="paywall-language" name="language" value="km" lang="km"' in page.text
    switched = await send(service, form, language="km")
    assert (switched.status_code, switched.headers["location"]) == (303, "/account")
    service.headers["Cookie"] = f"{COOKIE}={switched.cookies[COOKIE]}"
    page = await service.get("/account")
    assert '<html lang="km" dir="ltr">' in page.text
    assert f'href="{ORIGIN}/42"' in page.text
    odd = await send(service, forms(page)["/account/language"], language="x;y")
    assert odd.status_code == 403
