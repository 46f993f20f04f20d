"""The plain account: what a reader has, had and paid; cancelling and resuming."""

import re
from html import unescape

import httpx
import msgspec
import pytest

from paywall.credits.expiry import record_expired
from paywall.database.engine import Database
from paywall.server.housekeeping import run_housekeeping_once
from paywall.settings import Settings
from paywall.unlocks.api import SEARCH_CHARS_MAX
from paywall.web.pages.account import ITEMS_MAX
from tests.conftest import Bearer, SetClock
from tests.test_story import grant, put_article
from tests.web.conftest import ORIGIN
from tests.web.plain import account, enter, forms, has_own_address, send, subscribe


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(
        settings,
        seller_name="Post Ltd",
        seller_address="Quay 1",
        seller_tax_number="K001-9",
        withdrawal_days=14,
    )


async def test_the_account_shows_all_that_a_reader_has_and_had(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await put_article(service, bearer, "42", title="A <b>bold</b> title", url=f"{ORIGIN}/42")
    await grant(service, bearer, "ann", 3, expires_at="2027-01-31T12:00:00Z")
    await service.post("/v1/me/unlocks", json={"article_id": "42"}, headers=bearer.reader("ann"))
    await service.put(
        "/v1/packs/five",
        json={"title": "Five", "credits": 5, "prices": [{"amount": 400000, "currency": "khr"}]},
        headers=bearer.site(),
    )
    bought = {"reader_id": "ann", "processor": "khqr", "reference": "7f3a", "pack_id": "five"}
    paid = {"amount_paid": 400000, "currency": "khr"}
    await service.post("/v1/purchases", json=bought | paid, headers=bearer.site())
    await subscribe(service, bearer, "ann")
    entered = await enter(service, bearer, "ann")
    assert (entered.status_code, entered.headers["location"]) == (303, "/account")
    page = await account(service)
    for received in (
        "You have 7 credits.",
        "2 credits until 31 January 2027",
        "5 credits that never expire",
        f'<a href="{ORIGIN}/42">A <b>bold</b> title</a>',
        f'1 credit spent (<a href="{ORIGIN}/42">A <b>bold</b> title</a>)',
        "3 credits received (a gift)",
        "5 credits received (bought)",
        "<b>Five</b>",
        "4,000\u00a0riel, 24 November 2026",
        "Complimentary subscription",
        "You can read everything until 24 December 2026.",
        "<title>Your account and data</title>",
    ):
        assert received in page
    raw = (await service.get("/account")).text
    assert "<b>bold</b>" not in raw


async def test_a_lapse_is_shown_at_once_and_only_once(
    service: httpx.AsyncClient, bearer: Bearer, clock: SetClock, database: Database
) -> None:
    await grant(service, bearer, "ann", 3, expires_at="2026-11-25T12:00:00Z")
    await grant(service, bearer, "ann", 2, reference="kept")
    clock.move(days=1)
    await enter(service, bearer, "ann")
    read = [await account(service), await account(service)]
    entries = await service.get("/v1/me/ledger", headers=bearer.reader("ann"))
    assert [entry["kind"] for entry in entries.json()["items"]] == ["granted", "granted"]
    await run_housekeeping_once(database, [record_expired])
    entries = await service.get("/v1/me/ledger", headers=bearer.reader("ann"))
    assert [entry["kind"] for entry in entries.json()["items"]] == ["expired", "granted", "granted"]
    for page in (*read, await account(service)):
        assert "You have 2 credits." in page
        assert re.findall(r"<li>(2. November [^<]+)</li>", page) == [
            "25 November 2026: 3 credits expired",
            "24 November 2026: 2 credits received (a gift)",
            "24 November 2026: 3 credits received (a gift)",
        ]


async def test_a_subscription_is_cancelled_with_a_receipt_and_resumed(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    given = await subscribe(service, bearer, "ann")
    await grant(service, bearer, "ann", 3)
    asked = await enter(service, bearer, "ann", page="cancel", subscription=given)
    assert "Are you sure you want to cancel your subscription?" in asked.text
    assert "until 24 December 2026" in asked.text
    assert "You keep 3 credits." in asked.text
    form = forms(asked)["/account/cancel"]
    assert form.fields["when"] == "period_end"
    done = await send(service, form)
    assert "Your subscription is cancelled. You will not be charged for it again" in done.text
    assert "You can read everything until 24 December 2026." in done.text
    receipt = re.search(r"receipt_[0-9a-f]+", done.text)
    assert receipt
    assert receipt[0] in await account(service)
    resumed = await send(service, forms(done)["/account/resume"])
    assert (has_own_address(done), has_own_address(resumed)) == (True, True)
    assert "/account/resume" not in forms(await service.get(done.url.path))
    assert "<h1>Your subscription continues.</h1>" in resumed.text
    assert "You can read everything until 24 December 2026." in resumed.text
    assert receipt[0] in await account(service)
    assert "Resumed on 24 November 2026." in await account(service)


async def test_what_was_cancelled_or_paid_has_a_receipt_to_keep(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    week = {"title": "A week", "days": 7, "prices": [{"amount": 150, "currency": "usd"}]}
    await service.put("/v1/passes/week", json=week, headers=bearer.site())
    bought = {"reader_id": "ann", "processor": "khqr", "reference": "7f3a", "pass_id": "week"}
    paid = {"amount_paid": 150, "currency": "usd"}
    await service.post("/v1/purchases", json=bought | paid, headers=bearer.site())
    given = await subscribe(service, bearer, "ann")
    asked = await enter(service, bearer, "ann", page="cancel", subscription=given)
    done = await send(service, forms(asked)["/account/cancel"])
    of_cancellation = receipts(done.text)
    of_payment = sorted(receipts(await account(service)) - of_cancellation)
    assert (len(of_cancellation), len(of_payment)) == (1, 1)
    page = unescape((await service.get(of_payment[0])).text)
    number = re.search(r"<dd>(2026-[A-Z2-7]{4}-[A-Z2-7]{4})</dd>", page)
    assert number
    listed = await service.get("/v1/me/purchases", headers=bearer.reader("ann"))
    assert listed.json()["items"][0]["receipt_number"] == number[1]
    assert f">Receipt {number[1]}</a>" in await account(service)
    for shown in ("<address>Post Ltd<br>Quay 1<br>Tax number: K001-9</address>", "<dd>$1.50</dd>"):
        assert shown in page
    file = await service.get(f"{of_payment[0]}.txt")
    name = of_payment[0].rpartition("/")[2]
    assert file.headers["content-disposition"] == f'attachment; filename="{name}.txt"'
    lines = file.text.splitlines()
    assert lines[:6] == [
        "Post Ltd", "Quay 1", "Tax number: K001-9", "", "Receipt", f"Number: {number[1]}",
    ]  # fmt: skip
    assert lines[-4:] == [
        "Product: A week",
        "Amount: $1.50",
        "Reference: 7f3a (khqr)",
        "Reader: ann",
    ]
    file = await service.get(f"{of_cancellation.pop()}.txt")
    # The pass follows the subscription.
    assert "Cancelled: you can read everything until 31 December 2026" in file.text
    number = re.search(r"^Number: (2026-[A-Z2-7]{4}-[A-Z2-7]{4})$", file.text, re.MULTILINE)
    assert number
    assert f">Receipt {number[1]}</a>" in await account(service)
    assert "You will not be charged for it again." in file.text
    entered = await enter(service, bearer, "ann", page="receipt", receipt=name)
    assert entered.headers["location"] == of_payment[0]


async def test_a_reader_says_why_after_cancelling_and_not_before(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    given = await subscribe(service, bearer, "ann")
    asked = await enter(service, bearer, "ann", page="cancel", subscription=given)
    assert "Why did you cancel?" not in asked.text
    done = await send(service, forms(asked)["/account/cancel"])
    why = forms(done)["/account/why"]
    thanks = await send(service, why, reason="missing_content", comment="x\r\n" * 250)
    assert "Thank you for your answer." in thanks.text
    assert has_own_address(thanks)
    # Whoever goes back is not asked again.
    assert "/account/why" not in forms(await service.get(done.url.path))
    listed = await service.get("/v1/cancellation-feedback", headers=bearer.site())
    (comment,) = listed.json()["items"]
    assert (comment["reason"], len(comment["comment"])) == ("missing_content", 499)


async def test_a_pack_is_withdrawn_from_with_one_confirmation_and_a_receipt(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    pack = {"title": "Five", "credits": 5, "prices": [{"amount": 150, "currency": "usd"}]}
    await service.put("/v1/packs/five", json=pack, headers=bearer.site())
    bought = {"reader_id": "ann", "processor": "khqr", "reference": "7f3a", "pack_id": "five"}
    paid = {"amount_paid": 150, "currency": "usd"}
    await service.post("/v1/purchases", json=bought | paid, headers=bearer.site())
    await enter(service, bearer, "ann", name="Ann Chan")
    assert "You can withdraw until 8 December 2026." in await account(service)
    (question_url,) = re.findall('href="(/account/withdraw/[0-9]+)"', await account(service))
    entered = await enter(
        service, bearer, "ann", page="withdraw", purchase_id=question_url[18:], name="Ann Chan"
    )
    assert entered.headers["location"] == question_url
    asked = await service.get(question_url)
    assert "You get $1.50 back within 14 days, and what you bought ends." in asked.text
    assert "5 credits are taken back." in asked.text
    done = await send(service, forms(asked)["/account/withdraw"])
    assert "We will refund $1.50 within 14 days." in done.text
    assert has_own_address(done)
    receipt = await service.get(receipts(done.text).pop())
    for shown in ("<dd>2026-", "24 November 2026", "<dd>Five</dd>", "<dd>Ann Chan</dd>"):
        assert shown in receipt.text
    # The site has not returned the money yet.
    assert "taken back" not in receipt.text
    assert question_url not in await account(service)
    assert (await service.get("/account/withdraw/x")).status_code == 403


@pytest.mark.parametrize("name", ["payment-999", "receipt_0", "x%2Fy", "é"])
async def test_there_is_no_receipt_of_what_is_not_the_readers(
    name: str, service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await enter(service, bearer, "ann")
    answer = await service.get(f"/account/receipts/{name}")
    assert answer.status_code == 404


def receipts(page: str) -> set[str]:
    """Where the receipts are that a page leads to."""
    return set(re.findall(r'href="(/account/receipts/[^"]+)"', page))


async def test_an_article_paid_by_several_grants_is_listed_once(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await put_article(service, bearer, "42", title="The ferry", unlock_cost=2)
    for reference in ("a", "b"):
        await grant(service, bearer, "ann", 1, reference=reference)
    await service.post("/v1/me/unlocks", json={"article_id": "42"}, headers=bearer.reader("ann"))
    await enter(service, bearer, "ann")
    page = await account(service)
    assert page.count("2 credits spent (The ferry)") == 1
    assert 'The ferry<p class="paywall-left">24 November 2026 · 2 credits</p>' in page


async def test_a_change_cut_off_by_the_page_is_left_out(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await put_article(service, bearer, "42", title="The ferry", unlock_cost=60)
    for number in range(60):
        await grant(service, bearer, "ann", 1, reference=str(number))
    await service.post(
        "/v1/me/unlocks", json={"article_id": "42", "max_cost": 60}, headers=bearer.reader("ann")
    )
    await enter(service, bearer, "ann")
    page = await account(service)
    assert "credits spent" not in page
    assert "24 November 2026 · 60 credits" in page


async def test_credits_that_end_together_are_listed_together(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    for reference, end in (("a", None), ("b", None), ("c", "2027-01-31T12:00:00Z")):
        await grant(service, bearer, "ann", 2, reference=reference, expires_at=end)
    await enter(service, bearer, "ann")
    page = await account(service)
    assert "<li>4 credits that never expire</li>" in page
    assert "<li>2 credits until 31 January 2027</li>" in page


async def test_kept_credits_are_named_with_their_lapses(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    given = await subscribe(service, bearer, "ann")
    await grant(service, bearer, "ann", 4, reference="kept")
    await grant(service, bearer, "ann", 2, reference="lent", expires_at="2027-01-31T12:00:00Z")
    asked = await enter(service, bearer, "ann", page="cancel", subscription=given)
    assert "<p>You keep 2 credits until 31 January 2027.</p>" in asked.text
    assert "<p>You keep 4 credits.</p>" in asked.text


async def test_ending_now_ends_now(service: httpx.AsyncClient, bearer: Bearer) -> None:
    given = await subscribe(service, bearer, "ann")
    asked = await enter(service, bearer, "ann", page="cancel", subscription=given)
    done = await send(service, forms(asked)["/account/cancel"], when="now")
    assert "Your subscription has ended." in done.text


async def test_what_never_renews_is_not_offered_to_be_cancelled(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    prices = [{"amount": 150, "currency": "usd"}]
    week = {"title": "A week", "days": 7, "prices": prices}
    await service.put("/v1/passes/week", json=week, headers=bearer.site())
    bought = {"reader_id": "ann", "processor": "khqr", "reference": "7f3a", "pass_id": "week"}
    paid = {"amount_paid": 150, "currency": "usd"}
    await service.post("/v1/purchases", json=bought | paid, headers=bearer.site())
    await subscribe(service, bearer, "ann")
    await enter(service, bearer, "ann")
    assert "You can read everything until" in await account(service)
    assert "/account/cancel" not in forms(await service.get("/account"))
    asked = await enter(service, bearer, "ann", page="cancel")
    assert (asked.status_code, asked.headers["location"]) == (303, "/account")


async def test_the_reader_gets_all_that_is_on_record(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await grant(service, bearer, "ann", 3)
    await enter(service, bearer, "ann")
    file = await service.get("/account/data")
    assert file.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    asked = await service.get("/v1/me/export", headers=bearer.reader("ann"))
    assert file.json() == asked.json()
    assert file.headers["content-type"] == "application/json"
    assert '\n  "profile": {\n    "about": "Your id on this site' in file.text
    assert "\n" not in asked.text


async def test_a_deleted_article_is_listed_without_its_id_or_a_link(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await put_article(service, bearer, "raw-id", title="The ferry", url=f"{ORIGIN}/raw-id")
    await grant(service, bearer, "ann", 1)
    unlock = {"article_id": "raw-id"}
    await service.post("/v1/me/unlocks", json=unlock, headers=bearer.reader("ann"))
    await service.delete("/v1/articles/raw-id", headers=bearer.site())
    await enter(service, bearer, "ann")
    page = await account(service)
    assert "raw-id" not in page
    assert page.count("An article that is no longer there") == 2  # unlocked, and in the history


async def test_an_unlocked_article_is_found_by_a_part_of_its_title(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    titles = {"first": "The ferry_ 100%", "khmer": "ទឹក\u200bទន្លេ\u200bឡើង"}
    titles |= {f"later-{number:02}": f"Later {number}" for number in range(ITEMS_MAX)}
    for article_id, title in titles.items():
        await put_article(service, bearer, article_id, title=title)
        given = {"article_id": article_id, "source": "complimentary"}
        await service.post("/v1/subscribers/ann/unlocks", json=given, headers=bearer.site())
    await enter(service, bearer, "ann")
    first = await service.get("/account")
    assert "The ferry_" not in first.text
    search = forms(first)["/account/search#articles"]
    for sought, found in (
        ("FERRY_", ["first"]), ("100%", ["first"]), ("ទន្លេឡើង", ["khmer"]),
        ("later 4", [f"later-{number}" for number in range(49, 39, -1)] + ["later-04"]),
        ("e_r", []),
    ):  # fmt: skip
        answer = await service.post(
            "/v1/me/unlocks/search", json={"title": sought}, headers=bearer.reader("ann")
        )
        assert [item["article_id"] for item in answer.json()["items"]] == found
        page = await send(service, search, search=sought)
        assert len(re.findall(r"<li>[^<]+<p", page.text)) == len(found)
        assert ("None of your articles has this in its title." in page.text) == (not found)
    longest = await send(service, search, search="x" * (SEARCH_CHARS_MAX + 1))
    assert f'value="{"x" * SEARCH_CHARS_MAX}"' in longest.text
    for length, status in ((SEARCH_CHARS_MAX, 200), (SEARCH_CHARS_MAX + 1, 422)):
        answer = await service.post(
            "/v1/me/unlocks/search", json={"title": "x" * length}, headers=bearer.reader("ann")
        )
        assert answer.status_code == status


async def test_the_plain_account_begins_with_the_subscription_and_folds_history(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await subscribe(service, bearer, "ann")
    await grant(service, bearer, "ann", 3)
    await enter(service, bearer, "ann")
    page = (await service.get("/account")).text
    assert re.findall(r"<h2>([^<]+)</h2>|<summary>([^<]+)</summary>", page) == [
        ("Your subscription", ""), ("Your credits", ""), ("Your unlocked articles", ""),
        ("Your payments", ""), ("", "Credit history"), ("Your data", ""),
    ]  # fmt: skip
