"""A reader has one trial, of whatever plan, in whatever tab, and under whatever id."""

import asyncio
from html import unescape
from typing import Any

import httpx
import pytest

from paywall.processors.stripe.catalogue import apply, differ
from paywall.processors.stripe.context import StripeContext
from paywall.processors.stripe.reconcile import reconcile
from paywall.sandbox.stripe.faults import Fault
from paywall.settings import Settings
from paywall.subscribers.audit import audit
from tests.processors.stripe.shop import DAY, PRICES, RETURN_URL, Shop
from tests.processors.stripe.trials import begin_trial_at_the_desk
from tests.subscribers.test_merge import merge
from tests.web.plain import account, enter

WISH = {"return_url": RETURN_URL, "plan_id": "tried"}
PAGES, EXPIRE = "/v1/checkout/sessions", r"/v1/checkout/sessions/[^/]+/expire"
OPEN_TRIAL = {"status": "open", "amount_total": 0}
FREE_DAYS = {"tried": "The first 7 days are free, then", "other": "The first 5 days are free, then"}


async def sell_another_trial(shop: Shop) -> None:
    """A second plan with a trial."""
    plan = {"title": "Other", "interval": "year", "trial_days": 5, "prices": PRICES}
    put = await shop.service.put("/v1/plans/other", json=plan, headers=shop.bearer.site())
    assert put.status_code == 201, put.text
    await apply(shop.database, shop.stripe_client, await differ(shop.database, shop.stripe_client))


def session_of(shop: Shop, opened: httpx.Response) -> dict[str, Any]:
    """The page in Stripe to which a checkout led."""
    assert opened.status_code in (200, 201), opened.text
    session_id = opened.json()["url"].rpartition("/")[2]
    session: dict[str, Any] = shop.stand_in.account.find("checkout.session", session_id)
    return session


def has_trial(shop: Shop, opened: httpx.Response) -> bool:
    """Whether nothing is to be paid on this page now."""
    return bool(session_of(shop, opened)["amount_total"] == 0)


def trials_of(shop: Shop) -> int:
    """How many trials have begun in Stripe."""
    return sum(
        one["trial_end"] is not None for one in shop.stand_in.account.find_all("subscription")
    )


def begin_another_trial(shop: Shop) -> None:
    begin_trial_at_the_desk(shop.stand_in.account, shop.only("customer")["id"])


async def available(shop: Shop, reader: str = "ann") -> bool:
    """What the reader and the site are told of the trial, and what the page sells."""
    shown = (await shop.me(reader))["trial_available"]
    seen = await shop.service.get(f"/v1/subscribers/{reader}", headers=shop.bearer.site())
    assert seen.status_code == 404 or seen.json()["trial_available"] is shown
    return bool(shown)


async def end_now(shop: Shop, reader: str = "ann") -> None:
    assert set(await shop.deliver_events()) <= {200}
    done = await shop.post("subscription/cancel", reader, when="now")
    assert done.status_code == 200, done.text


async def test_a_second_trial_is_neither_offered_nor_given(shop: Shop) -> None:
    await sell_another_trial(shop)
    sold = unescape((await enter(shop.service, shop.bearer, "ann", page="buy")).text)
    assert [text in sold for text in FREE_DAYS.values()] == [True, True]
    assert await available(shop)
    first = await shop.open(plan_id="tried")
    assert has_trial(shop, first)
    assert await available(shop)
    shop.pay(session_of(shop, first)["id"])
    await end_now(shop)
    assert not await available(shop)
    sold = unescape((await enter(shop.service, shop.bearer, "ann", page="buy")).text)
    assert [text in sold for text in FREE_DAYS.values()] == [False, False]
    assert "plan:usd:other" in sold
    for plan_id in ("tried", "other"):
        assert not has_trial(shop, await shop.open(plan_id=plan_id))
    bought = await shop.buy(plan_id="other")
    await shop.deliver_events()
    assert (await shop.checkout(bought["id"]))["status"] == "paid"
    assert (await shop.me())["subscription"]["access_until"] == "2027-11-24T12:00:00Z"
    assert trials_of(shop) == 1


async def test_a_trial_is_named_in_the_account_and_on_its_receipt(shop: Shop) -> None:
    opened = await shop.open(plan_id="tried")
    shop.pay(session_of(shop, opened)["id"])
    await shop.deliver_events()
    await enter(shop.service, shop.bearer, "ann")
    shown = unescape(await account(shop.service))
    assert "Your free days end on 1 December 2026, and your subscription continues." in shown
    assert "You will then be charged" in shown
    paid = await shop.service.get("/v1/me/purchases", headers=shop.bearer.reader("ann"))
    (receipt,) = [f"/account/receipts/payment-{one['id']}" for one in paid.json()["items"]]
    assert "Free until 1 December 2026" in (await shop.service.get(receipt)).text


async def test_a_page_that_expired_unpaid_used_no_trial(shop: Shop) -> None:
    assert has_trial(shop, await shop.open(plan_id="tried"))
    shop.move(days=2)
    await shop.deliver_events()
    assert await available(shop)
    assert has_trial(shop, await shop.open(plan_id="tried"))


async def test_two_tabs_with_two_plans_give_one_trial(shop: Shop) -> None:
    await sell_another_trial(shop)
    for reader in ("ann", "bo", "chan"):
        tabs = await asyncio.gather(*(shop.open(reader, plan_id=plan) for plan in FREE_DAYS))
        for tab in tabs:
            if tab.is_success and session_of(shop, tab)["status"] == "open":
                shop.pay(session_of(shop, tab)["id"])
        # Paid for, and not reported yet: the same plan leads back to the site.
        again = [await shop.open(reader, plan_id=plan) for plan in FREE_DAYS]
        assert {one.json().get("url", RETURN_URL) for one in again} == {RETURN_URL}
        assert not list(shop.stand_in.account.find_all("checkout.session", **OPEN_TRIAL))
        await end_now(shop, reader)
        for plan in FREE_DAYS:
            assert not has_trial(shop, await shop.open(reader, plan_id=plan))
    assert trials_of(shop) == 3


async def test_a_page_with_a_trial_closes_when_another_trial_begins(shop: Shop) -> None:
    page = await shop.open(plan_id="tried")
    shop.move(days=0.1)
    begin_another_trial(shop)
    assert set(await shop.deliver_events()) == {200}
    assert session_of(shop, page)["status"] == "expired"
    assert (await shop.checkout(page.json()["id"]))["status"] == "expired"
    assert not await available(shop)
    await end_now(shop)
    assert not has_trial(shop, await shop.open(plan_id="tried"))


async def left_open(shop: Shop, key: str | None = None) -> httpx.Response:
    """A page with a trial that Stripe did not close when another trial began."""
    page = await shop.post("checkout", key=key, **WISH)
    assert has_trial(shop, page)
    shop.move(days=0.1)
    begin_another_trial(shop)
    shop.stand_in.faults.plan(Fault.SERVER_ERROR_BEFORE, "POST", EXPIRE, times=1000)
    assert set(await shop.deliver_events()) == {200}
    shop.stand_in.faults.planned.clear()
    assert session_of(shop, page)["status"] == "open"
    return page


async def test_a_page_with_a_trial_that_stayed_open_is_replaced(shop: Shop) -> None:
    page = await left_open(shop)
    await end_now(shop)
    again = await shop.post("checkout", **WISH)
    assert again.status_code == 201, again.text
    assert not has_trial(shop, again)
    assert session_of(shop, page)["status"] == "expired"
    assert (await shop.post("checkout", **WISH)).json() == again.json()


async def test_reconcile_closes_a_page_with_a_trial_that_stayed_open(
    shop: Shop, settings: Settings
) -> None:
    page = await left_open(shop)
    context = StripeContext(shop.database, shop.stripe_client, settings)
    drift = await reconcile(context)
    assert drift is not None
    assert (drift.checkouts, session_of(shop, page)["status"]) == (1, "expired")


async def test_a_key_goes_on_with_no_page_whose_trial_is_gone(shop: Shop) -> None:
    for method in ("POST", "GET"):
        shop.stand_in.faults.plan(Fault.SERVER_ERROR_AFTER, method, PAGES, times=3)
    failed = await shop.post("checkout", key="button", **WISH)
    assert failed.status_code == 503, failed.text
    shop.stand_in.faults.planned.clear()
    shop.move(days=0.1)
    begin_another_trial(shop)
    shop.stand_in.faults.plan(Fault.SERVER_ERROR_BEFORE, "POST", EXPIRE, times=1000)
    await end_now(shop)
    shop.stand_in.faults.planned.clear()
    again = await shop.post("checkout", key="button", **WISH)
    assert not has_trial(shop, again)
    (open_one,) = shop.stand_in.account.find_all("checkout.session", status="open")
    assert open_one["url"] == again.json()["url"]


@pytest.mark.parametrize("used", ["ann", "bo"])
async def test_a_merge_closes_the_page_of_who_had_no_trial_yet(shop: Shop, used: str) -> None:
    other = "bo" if used == "ann" else "ann"
    await shop.buy(used, plan_id="tried")
    await end_now(shop, used)
    page = await shop.open(other, plan_id="tried")
    assert has_trial(shop, page)
    merged = await merge(shop.service, shop.bearer, "ann", "bo")
    assert merged.status_code == 200, merged.text
    assert merged.json()["trial_available"] is False
    assert session_of(shop, page)["status"] == "expired"
    assert not has_trial(shop, await shop.open("bo", plan_id="tried"))
    assert await available(shop, "ann")


async def test_a_merge_learns_of_a_trial_that_was_not_reported_yet(shop: Shop) -> None:
    await shop.buy("ann", plan_id="tried")
    page = await shop.open("bo", plan_id="tried")
    merged = await merge(shop.service, shop.bearer, "ann", "bo")
    assert merged.status_code == 200, merged.text
    assert session_of(shop, page)["status"] == "expired"
    assert not await available(shop, "bo")
    assert trials_of(shop) == 1


async def test_a_merge_keeps_a_page_without_a_trial(shop: Shop) -> None:
    await shop.buy("ann", plan_id="tried")
    await end_now(shop)
    await shop.buy("bo", plan_id="tried")
    await end_now(shop, "bo")
    page = await shop.open("bo", plan_id="tried")
    assert (await merge(shop.service, shop.bearer, "ann", "bo")).status_code == 200
    assert session_of(shop, page)["status"] == "open"
    assert (await shop.open("bo", plan_id="tried")).json() == page.json()
    assert not await available(shop, "bo")
    async with shop.database.reading() as session:
        assert await audit(session) == []


async def test_a_merge_that_stripe_cannot_close_a_page_for_is_not_done(shop: Shop) -> None:
    await shop.buy("ann", plan_id="tried")
    await end_now(shop)
    page = await shop.open("bo", plan_id="tried")
    shop.stand_in.faults.plan(Fault.SERVER_ERROR_BEFORE, "POST", EXPIRE, times=1000)
    merged = await merge(shop.service, shop.bearer, "ann", "bo")
    assert merged.status_code == 503, merged.text
    assert session_of(shop, page)["status"] == "open"
    assert not await available(shop, "ann")
    shop.stand_in.faults.planned.clear()
    assert (await merge(shop.service, shop.bearer, "ann", "bo")).status_code == 200
    assert session_of(shop, page)["status"] == "expired"


async def test_after_an_erasure_the_same_id_has_a_trial_again(shop: Shop) -> None:
    await shop.buy(plan_id="tried")
    await shop.deliver_events()
    assert not await available(shop)
    erased = await shop.service.delete("/v1/subscribers/ann", headers=shop.bearer.site("admin"))
    assert erased.status_code == 204, erased.text
    assert await available(shop)
    assert has_trial(shop, await shop.open(plan_id="tried"))


@pytest.mark.parametrize("is_late", [False, True], ids=["in_time", "late"])
async def test_a_paid_period_grants_although_free_days_were_added(
    shop: Shop, *, is_late: bool
) -> None:
    """In Stripe's dashboard free days are a trial of the running subscription."""
    await shop.buy(plan_id="monthly")
    if not is_late:
        assert set(await shop.deliver_events()) == {200}
    shop.move(days=1)
    subscription, now = shop.only("subscription"), shop.stand_in.account.now
    subscription.update(status="trialing", trial_start=now, trial_end=now + 40 * DAY)
    assert set(await shop.deliver_events()) <= {200}
    assert (await shop.me())["unlocks_left"] == 2
