"""Cancelling, resuming and lapsing: access ends with what was paid, and nothing is told untrue."""

import asyncio
from copy import deepcopy
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from paywall.database.tables import StripePrice
from paywall.processors.stripe.catalogue import apply, differ
from paywall.sandbox.stripe.catalogue import create_price
from paywall.sandbox.stripe.customers import Card, set_card
from paywall.sandbox.stripe.faults import Fault
from paywall.sandbox.stripe.portal import portal_cancel, portal_switch
from paywall.sandbox.stripe.subscriptions import cancel_subscription
from tests.conftest import IS_LONG
from tests.processors.stripe.shop import DAY, Shop
from tests.test_story import check, put_article

# Of the event loop, between the delivery and what the reader asks.
TURNS = range(0, 1000, 25 if IS_LONG else 50)
UPDATE = r"/v1/subscriptions/[^/]+"


async def subscribed(shop: Shop, plan_id: str = "monthly") -> str:
    await shop.buy(plan_id=plan_id)
    await shop.deliver_events()
    return str((await shop.me())["subscription"]["id"])


async def test_cancelling_keeps_what_was_paid_for_and_resuming_goes_on(shop: Shop) -> None:
    await subscribed(shop)
    dry = await shop.post("subscription/cancel", when="period_end", dry_run=True)
    assert shop.only("subscription")["cancel_at_period_end"] is False
    done = await shop.post("subscription/cancel", when="period_end")
    assert done.status_code == 200, done.text
    only_asked = {"period_payment": None, "keeps_access": None}
    assert done.json() == {**dry.json(), **only_asked, "receipt": done.json()["receipt"]}
    assert done.json()["access_until"] == "2026-12-24T12:00:00Z"
    assert shop.only("subscription")["cancel_at_period_end"] is True
    again = await shop.post("subscription/cancel", when="period_end")
    assert again.json() == done.json()
    mine = (await shop.me())["subscription"]
    assert (mine["cancel_at_period_end"], mine["next_payment"]) == (True, None)
    assert mine["receipt"] == done.json()["receipt"]
    resumed = await shop.post("subscription/resume")
    assert resumed.status_code == 200, resumed.text
    assert resumed.json()["cancel_at_period_end"] is False
    assert resumed.json()["receipt"] is None
    assert shop.only("subscription")["cancel_at_period_end"] is False


async def test_a_subscription_shows_what_its_reader_pays_not_the_plans_new_price(
    shop: Shop,
) -> None:
    await shop.buy(plan_id="monthly", currency="khr")
    await shop.buy("bo", pass_id="week")
    await shop.deliver_events()
    dearer = {"title": "Monthly", "interval": "month", "credits": 2,
              "prices": [{"amount": 3_200_000, "currency": "khr"}]}  # fmt: skip
    put = await shop.service.put("/v1/plans/monthly", json=dearer, headers=shop.bearer.site())
    assert put.status_code == 200, put.text
    await apply(shop.database, shop.stripe_client, await differ(shop.database, shop.stripe_client))
    price = {"amount": 2_400_000, "currency": "khr"}
    assert (await shop.me())["subscription"]["price"] == price
    await shop.post("subscription/cancel", when="period_end")
    assert (await shop.post("subscription/resume")).json()["price"] == price
    assert (await shop.me("bo"))["subscription"]["price"] is None


async def test_a_price_outside_the_catalogue_is_not_shown(shop: Shop) -> None:
    subscription_id = await subscribed(shop)
    mine = (await shop.me())["subscription"]
    assert mine["price"] == {"amount": 600, "currency": "usd"}
    (item,) = shop.only("subscription")["items"]["data"]
    made = {"currency": "usd", "unit_amount": "500", "product": item["price"]["product"],
            "recurring": {"interval": "month"}}  # fmt: skip
    own = create_price(shop.stand_in.account, made)
    portal_switch(shop.stand_in.account, subscription_id, own["id"])
    await shop.deliver_events()
    # The next invoice also has the rest of the dearer period.
    next_charge = {"amount": 400, "currency": "usd"}
    expected = {**mine, "price": None, "next_charge": next_charge}
    assert (await shop.me())["subscription"] == expected


async def test_a_switch_of_plans_shows_the_payment_type(shop: Shop) -> None:
    subscription_id = await subscribed(shop)
    mine = (await shop.me())["subscription"]
    assert (mine["plan_id"], mine["payment_type"]) == ("monthly", "card")
    account = shop.stand_in.account
    yearly = next(
        price for price in account.find_all("price", currency="usd")
        if (price["recurring"] or {}).get("interval") == "year"
    )  # fmt: skip
    portal_switch(account, subscription_id, yearly["id"])
    await shop.deliver_events()
    assert (await shop.me())["subscription"]["plan_id"] == "yearly"


async def test_the_invoice_of_a_switch_is_for_the_plan_that_is_left(shop: Shop) -> None:
    subscription_id = await subscribed(shop)
    shop.move(days=10)
    async with shop.database.reading() as session:
        tried = select(StripePrice.id).where(
            StripePrice.product_id == "tried", StripePrice.currency == "usd"
        )
        price_id = (await session.exec(tried)).one()
    portal_switch(shop.stand_in.account, subscription_id, price_id)
    await shop.deliver_events()
    assert (await shop.me())["subscription"]["plan_id"] == "tried"
    bought = await shop.service.get("/v1/me/purchases", headers=shop.bearer.reader("ann"))
    assert [paid["plan_id"] for paid in bought.json()["items"]] == ["monthly", "monthly"]


async def test_a_payment_is_dated_by_its_payment_and_not_by_its_invoice(shop: Shop) -> None:
    await shop.buy(card=Card.PAYS_ONCE, plan_id="monthly")
    shop.move(days=31)
    await shop.deliver_events()
    assert (await shop.me())["subscription"]["status"] == "past_due"
    set_card(shop.stand_in.account, shop.only("customer")["id"], Card.PAYS)
    shop.move(days=5)
    await shop.deliver_events()
    invoice = next(shop.stand_in.account.find_all("invoice", billing_reason="subscription_cycle"))
    paid_at = datetime.fromtimestamp(invoice["status_transitions"]["paid_at"], UTC)
    bought = await shop.service.get("/v1/me/purchases", headers=shop.bearer.reader("ann"))
    latest = bought.json()["items"][0]
    assert paid_at - timedelta(days=2) > datetime.fromtimestamp(invoice["created"], UTC)
    assert latest["created_at"] == f"{paid_at:%Y-%m-%dT%H:%M:%SZ}"


async def test_an_invoices_line_for_another_subscription_pays_for_none_of_this(shop: Shop) -> None:
    await shop.buy(plan_id="monthly")
    lines = shop.only("invoice")["lines"]["data"]
    other = deepcopy(lines[0])
    other["id"] += "_other"
    other["parent"]["subscription_item_details"]["subscription"] = "sub_other"
    other["period"] = {key: at + 300 * DAY for key, at in other["period"].items()}
    lines.append(other)
    await shop.deliver_events()
    assert (await shop.me())["subscription"]["access_until"] == "2026-12-24T12:00:00Z"
    assert (await shop.me())["unlocks_left"] == 2


async def test_a_cancellation_that_stripe_did_not_do_ends_no_access(shop: Shop) -> None:
    await subscribed(shop)
    before = (await shop.me())["subscription"]
    shop.stand_in.faults.plan(Fault.SERVER_ERROR_BEFORE, "DELETE", UPDATE, times=3)
    refused = await shop.post("subscription/cancel", when="now")
    assert refused.status_code == 503, refused.text
    assert (await shop.me())["subscription"] == before


async def test_what_ended_in_stripe_is_shown_as_cancelled(shop: Shop) -> None:
    cancel_subscription(shop.stand_in.account, {}, await subscribed(shop))
    await shop.deliver_events()
    mine = (await shop.me())["subscription"]
    assert (mine["status"], mine["cancel_at_period_end"]) == ("canceled", True)


async def test_while_the_next_payment_is_on_its_way_it_is_renewing(shop: Shop) -> None:
    await subscribed(shop)
    assert (await shop.me())["subscription"]["is_renewing"] is False
    for hours, until in ((1, None), (8, "2026-12-24T12:00:00Z")):
        shop.clock.at = datetime(2026, 12, 24, 12, tzinfo=UTC) + timedelta(hours=hours)
        mine = (await shop.me())["subscription"]
        assert (mine["is_renewing"], mine["access_until"]) == (True, until)
    shop.move(days=31)
    await shop.deliver_events()
    mine = (await shop.me())["subscription"]
    assert (mine["is_renewing"], mine["next_payment"]) == (False, "2027-01-24T12:00:00Z")


async def test_opens_all_is_true_as_long_as_the_check_grants(shop: Shop) -> None:
    """Of a subscription that ended in Stripe, in the time that was paid; in grace; never before."""
    await put_article(shop.service, shop.bearer, "42")
    cancel_subscription(shop.stand_in.account, {}, await subscribed(shop))
    await shop.buy("bo", Card.PAYS_ONCE, plan_id="monthly")
    for _week in range(2):
        await shop.buy("chan", pass_id="week")
    await shop.deliver_events()
    shown: dict[str, list[list[tuple[str, bool]]]] = {"ann": [], "bo": [], "chan": []}
    for days in (1, 28, 2.2, 3):
        shop.move(days=days)
        await shop.deliver_events()
        for reader, days_of in shown.items():
            subscriptions = (await shop.me(reader))["subscriptions"]
            days_of.append([(one["status"], one["opens_all"]) for one in subscriptions])
            decision = await check(shop.service, shop.bearer, "42", reader_id=reader)
            assert decision["granted"] is any(one["opens_all"] for one in subscriptions)
    assert [one for (one,) in shown["ann"]] == [("canceled", True)] * 2 + [("canceled", False)] * 2
    assert [one for (one,) in shown["bo"]] == [
        ("active", True), ("active", True), ("past_due", True), ("past_due", False),
    ]  # fmt: skip
    assert shown["chan"][0] == [("active", False), ("active", True)]
    assert shown["chan"][1] == [("canceled", False)] * 2


async def test_cancel_resume_cancel_is_cancelled(shop: Shop) -> None:
    await subscribed(shop)
    for verb in ("cancel", "resume", "cancel"):
        fields = {"when": "period_end"} if verb == "cancel" else {}
        done = await shop.post(f"subscription/{verb}", **fields)
        assert done.status_code == 200, done.text
    assert shop.only("subscription")["cancel_at_period_end"] is True
    assert (await shop.me())["subscription"]["cancel_at_period_end"] is True


async def test_now_ends_access_and_billing_for_good(shop: Shop) -> None:
    await subscribed(shop)
    shop.move(days=3)
    done = await shop.post("subscription/cancel", when="now")
    assert done.status_code == 200, done.text
    assert done.json()["access_until"] == "2026-11-27T12:00:00Z"
    assert shop.only("subscription")["status"] == "canceled"
    await shop.deliver_events()
    mine = (await shop.me())["subscription"]
    assert (mine["status"], mine["access_until"]) == ("canceled", "2026-11-27T12:00:00Z")
    resumed = await shop.post("subscription/resume", subscription_id=mine["id"])
    assert (resumed.status_code, resumed.json()["type"]) == (409, "/problems/subscription_ended")


async def test_cancelling_now_after_cancelling_at_period_end_has_its_own_receipt(
    shop: Shop,
) -> None:
    await subscribed(shop)
    first = await shop.post("subscription/cancel", when="period_end")
    shop.move(days=3)
    done = await shop.post("subscription/cancel", when="now")
    assert (done.json()["when"], done.json()["access_until"]) == ("now", "2026-11-27T12:00:00Z")
    assert done.json()["receipt"]["id"] != first.json()["receipt"]["id"]
    mine = done.json()["subscription_id"]
    again = await shop.post("subscription/cancel", when="now", subscription_id=mine)
    assert again.json()["receipt"] == done.json()["receipt"]


async def test_it_renews_with_new_credits(shop: Shop) -> None:
    await subscribed(shop)
    shop.move(days=32)
    await shop.deliver_events()
    mine = await shop.me()
    assert mine["subscription"]["access_until"] == "2027-01-24T12:00:00Z"
    assert mine["unlocks_left"] == 2


async def test_a_failed_payment_leaves_a_grace_and_then_ends_access(shop: Shop) -> None:
    await subscribed(shop)
    set_card(shop.stand_in.account, shop.only("customer")["id"], Card.DECLINES)
    shop.move(days=30.5)
    await shop.deliver_events()
    mine = (await shop.me())["subscription"]
    assert (mine["status"], mine["access_until"]) == ("past_due", "2026-12-27T12:00:00Z")
    shop.move(days=30)
    await shop.deliver_events()
    mine = (await shop.me())["subscription"]
    assert (mine["status"], mine["access_until"]) == ("canceled", "2026-12-24T12:00:00Z")


async def test_a_trial_gives_access_and_no_credits_until_it_is_paid_for(shop: Shop) -> None:
    await subscribed(shop, "tried")
    mine = await shop.me()
    assert mine["subscription"]["status"] == "trialing"
    assert mine["subscription"]["access_until"] == "2026-12-01T12:00:00Z"
    assert mine["unlocks_left"] == 0
    shop.move(days=8)
    await shop.deliver_events()
    mine = await shop.me()
    assert mine["subscription"]["status"] == "active"
    assert mine["unlocks_left"] == 2


async def test_a_cancellation_that_stripe_did_not_confirm_is_not_recorded(shop: Shop) -> None:
    await subscribed(shop)
    shop.stand_in.faults.plan(Fault.SERVER_ERROR_BEFORE, "POST", UPDATE, times=3)
    failed = await shop.post("subscription/cancel", when="period_end")
    assert failed.status_code == 503, failed.text
    assert (await shop.me())["subscription"]["cancel_at_period_end"] is False
    done = await shop.post("subscription/cancel", when="period_end")
    assert done.status_code == 200


async def test_a_cancellation_is_confirmed_though_the_response_was_lost(shop: Shop) -> None:
    await subscribed(shop)
    for fault in (Fault.SERVER_ERROR_AFTER, Fault.RESET_AFTER, Fault.TIMEOUT_AFTER):
        shop.stand_in.faults.plan(fault, "POST", UPDATE, times=3)
        done = await shop.post("subscription/cancel", when="period_end")
        assert done.status_code == 200, done.text
        shop.stand_in.faults.planned.clear()
        assert (await shop.post("subscription/resume")).status_code == 200


async def test_twins_with_one_key_get_one_answer(shop: Shop) -> None:
    await subscribed(shop)
    twins = await asyncio.gather(
        *(shop.post("subscription/cancel", key="k", when="period_end") for _ in range(4))
    )
    assert {twin.status_code for twin in twins} == {200}
    assert len({twin.text for twin in twins}) == 1
    asked = [
        a for a in shop.stand_in.requests if a.method == "POST" and "/subscriptions/" in a.path
    ]
    assert len(asked) == 1


@pytest.mark.slow
async def test_cancelled_is_never_said_of_one_that_began_meanwhile_and_goes_on(shop: Shop) -> None:
    """A reader cancels at the very moment at which the first webhook tells of the subscription."""
    for turns in TURNS:
        reader = f"reader{turns}"
        await shop.buy(reader, plan_id="yearly")
        telling = asyncio.create_task(shop.deliver_events())
        for _ in range(turns):
            await asyncio.sleep(0)
        done = await shop.post("subscription/cancel", reader, when="period_end")
        await telling
        *_, bought = shop.stand_in.account.find_all("subscription")
        assert bought["cancel_at_period_end"] is (done.status_code == 200), (turns, done.text)


@pytest.mark.slow
async def test_resumed_is_never_said_of_one_that_began_meanwhile_and_ends(shop: Shop) -> None:
    """A reader resumes at the very moment at which a webhook first tells of a cancelled one."""
    for turns in TURNS:
        reader = f"reader{turns}"
        await shop.buy(reader, plan_id="yearly")
        *_, bought = shop.stand_in.account.find_all("subscription")
        portal_cancel(shop.stand_in.account, bought["id"])
        telling = asyncio.create_task(shop.deliver_events())
        for _ in range(turns):
            await asyncio.sleep(0)
        done = await shop.post("subscription/resume", reader)
        await telling
        assert (bought["cancel_at"] is None) is (done.status_code == 200), (turns, done.text)
