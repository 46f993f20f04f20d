"""Prepaid time that waits: what a reader sees before paying for it, and until it is used."""

from html import unescape
from typing import Any

import pytest
from sqlmodel import update

from paywall.database.tables import StripeInvoice
from paywall.sandbox.stripe.customers import Card
from paywall.sandbox.stripe.subscriptions import cancel_subscription
from paywall.subscribers.audit import audit
from tests.processors.stripe.shop import Shop
from tests.test_story import check, put_article
from tests.web.plain import account, enter, forms, send, subscribe

PLAN, PASS = "plan:usd:monthly", "pass:usd:week"
END, PASS_END = "2026-12-24T12:00:00Z", "2026-12-31T12:00:00Z"


async def offers_page(shop: Shop, language: str = "en") -> str:
    """What is sold to ann."""
    entered = await enter(shop.service, shop.bearer, "ann", page="buy", language=language)
    return unescape(entered.text)


async def buy(shop: Shop, **product: Any) -> None:
    await shop.buy(**product)
    assert set(await shop.deliver_events()) == {200}


async def of_kind(shop: Shop, kind: str) -> dict[str, Any]:
    (found,) = [one for one in (await shop.me())["subscriptions"] if one["kind"] == kind]
    return dict(found)


async def pay_period(shop: Shop) -> None:
    """A month of the plan, paid once, to the site."""
    payment = {"reader_id": "ann", "processor": "cash", "reference": "1", "plan_id": "yearly"}
    paid = {"amount_paid": 600, "currency": "usd"}
    bought = await shop.service.post(
        "/v1/purchases", json=payment | paid, headers=shop.bearer.site()
    )
    assert bought.status_code == 201, bought.text


async def test_a_pass_beside_a_renewing_subscription_waits(shop: Shop) -> None:
    await buy(shop, plan_id="monthly")
    await buy(shop, pass_id="week")
    waiting = await of_kind(shop, "pass")
    assert (waiting["phase"], waiting["starts_at"], waiting["opens_all"]) == ("waiting", END, False)
    assert (waiting["access_until"], waiting["reader_access_until"]) == (PASS_END, PASS_END)
    assert (await of_kind(shop, "stripe"))["access_until"] == END
    shop.move(days=31)
    await shop.deliver_events()
    assert (await of_kind(shop, "pass"))["starts_at"] == "2027-01-24T12:00:00Z"
    cancel_subscription(shop.stand_in.account, {}, shop.only("subscription")["id"])
    await shop.deliver_events()
    shop.move(days=31)
    used = await of_kind(shop, "pass")
    assert (used["phase"], used["access_until"]) == ("active", "2027-01-31T12:00:00Z")


async def test_a_subscription_is_cancelled_while_a_pass_waits(shop: Shop) -> None:
    """By the site, which names none, by the entry from the site, and by the account."""
    await buy(shop, plan_id="monthly")
    await buy(shop, pass_id="week")
    mine = await shop.me()
    assert mine["subscription"]["kind"] == "stripe"
    assert "cancel" in mine["subscription"]["actions"]
    asked = await enter(shop.service, shop.bearer, "ann", page="cancel")
    assert "you can read everything until 31 December 2026" in asked.text
    assert "You keep everything else that you have." in asked.text
    assert "/account/cancel" in forms(await shop.service.get("/account"))
    done = await shop.post("subscription/cancel", when="period_end")
    assert done.json()["access_until"] == PASS_END
    resumed = (await shop.post("subscription/resume")).json()
    assert (resumed["access_until"], resumed["reader_access_until"]) == (END, PASS_END)


async def test_the_reader_and_the_site_see_the_readers_own_access(shop: Shop) -> None:
    await put_article(shop.service, shop.bearer, "a")
    await buy(shop, pass_id="week")
    put = await shop.service.put(
        "/v1/subscribers/ann/subscription",
        json={"current_period_end": END},
        headers=shop.bearer.site(),
    )
    assert (put.json()["access_until"], put.json()["reader_access_until"]) == (END, PASS_END)
    overview = await shop.service.get("/v1/subscribers/ann", headers=shop.bearer.site())
    assert overview.json()["access_until"] == (await shop.me())["access_until"] == PASS_END
    assert (await check(shop.service, shop.bearer, "a", reader_id="ann"))[
        "access_until"
    ] == PASS_END
    assert (await shop.me("bo"))["access_until"] is None
    shop.move(days=40)
    assert (await shop.me())["access_until"] is None


@pytest.mark.parametrize("days", [0, 31], ids=["paid", "being_renewed"])
async def test_no_pass_is_sold_beside_a_subscription_that_renews(shop: Shop, days: int) -> None:
    await buy(shop, plan_id="monthly")
    shop.move(days=days)
    sold = await offers_page(shop)
    assert (PLAN in sold, PASS in sold) == (False, False)
    assert "You already have a subscription" in sold
    assert "A pass that you buy now" not in sold
    if not days:
        assert "Credits that you buy are kept, to unlock articles when your access has" in sold
        assert "ក្រេឌីតដែលអ្នកទិញត្រូវបានរក្សាទុក" in await offers_page(shop, "km")


async def test_a_pass_follows_a_cancelled_subscription(shop: Shop) -> None:
    await buy(shop, plan_id="monthly")
    await shop.post("subscription/cancel", when="period_end")
    sold = await offers_page(shop)
    assert (PLAN in sold, PASS in sold) == (False, True)
    assert "Your subscription lasts until 24 December 2026" in sold
    assert "A pass that you buy now starts on 24 December 2026, when" in sold
    await buy(shop, pass_id="week")
    sold = await offers_page(shop)
    assert "Your subscription lasts until 24 December 2026" in sold
    assert "A pass that you buy now starts on 31 December 2026, when" in sold


async def test_a_pass_follows_a_complimentary_subscription(shop: Shop) -> None:
    await subscribe(shop.service, shop.bearer, "ann")
    sold = await offers_page(shop)
    assert (PLAN in sold, PASS in sold) == (False, True)
    assert "You can read everything until 24 December 2026." in sold
    assert "A pass that you buy now starts on 24 December 2026, when" in sold


@pytest.mark.parametrize("kind", ["pass", "prepaid"])
async def test_prepaid_days_are_kept_beside_a_new_plan(shop: Shop, kind: str) -> None:
    if kind == "pass":
        await buy(shop, pass_id="week")
    else:
        await pay_period(shop)
    sold = await offers_page(shop)
    assert (PLAN in sold, PASS in sold) == (True, True)
    end = "1 December 2026" if kind == "pass" else "24 November 2027"
    assert f"You can already read everything until {end}." in sold
    assert "The days that you have left are kept, and continue when it ends." in sold
    assert f"A pass that you buy now starts on {end}, when" in sold
    assert "ថ្ងៃដែលអ្នកនៅសល់ត្រូវបានរក្សាទុក" in await offers_page(shop, "km")
    await buy(shop, plan_id="monthly")
    left = await of_kind(shop, kind)
    assert left["access_until"] == (PASS_END if kind == "pass" else "2027-12-24T12:00:00Z")


async def test_no_pass_is_sold_in_the_grace_after_a_failed_payment(shop: Shop) -> None:
    """Grace does not pause it, so its days would be used while everything is open anyway."""
    await shop.buy(card=Card.PAYS_ONCE, plan_id="monthly")
    shop.move(days=31)
    await shop.deliver_events()
    assert (await of_kind(shop, "stripe"))["phase"] == "payment_failed"
    assert PASS not in await offers_page(shop)


async def test_the_account_shows_when_a_waiting_pass_starts(shop: Shop) -> None:
    await buy(shop, plan_id="monthly")
    await buy(shop, pass_id="week")
    await enter(shop.service, shop.bearer, "ann")
    shown = await account(shop.service)
    assert shown.index("renews on 24 December") < shown.index("starts when your subscription ends")
    await shop.post("subscription/cancel", when="period_end")
    shown = await account(shop.service)
    assert "You can read everything until 31 December 2026." in shown
    assert "Cancelled: it lasts until 24 December 2026." in shown
    starts = "It starts on 24 December 2026 and lasts until 31 December 2026"
    assert starts in shown
    assert shown.index("Cancelled: it lasts") < shown.index(starts)
    await enter(shop.service, shop.bearer, "ann", language="km")
    shown = await account(shop.service)
    assert "ចាប់ផ្តើមនៅ 24\u00a0ធ្នូ\u00a02026" in shown


async def test_the_account_shows_that_a_begun_pass_is_paused(shop: Shop) -> None:
    await buy(shop, pass_id="week")
    shop.move(days=2)
    await buy(shop, plan_id="monthly")
    await enter(shop.service, shop.bearer, "ann")
    assert "The rest of it continues when your subscription ends." in await account(shop.service)


async def test_ending_now_goes_on_with_the_pass_and_the_receipt_says_so(shop: Shop) -> None:
    await buy(shop, plan_id="monthly")
    await buy(shop, pass_id="week")
    asked = await enter(shop.service, shop.bearer, "ann", page="cancel")
    done = await send(shop.service, forms(asked)["/account/cancel"], when="now")
    ended = "Your subscription has ended. You can read everything until 1 December 2026"
    assert ended in done.text
    receipt = (await of_kind(shop, "stripe"))["receipt"]
    assert receipt["access_until"] == "2026-12-01T12:00:00Z"
    kept = (await shop.service.get(f"/account/receipts/{receipt['id']}")).text
    assert "It ended on 24 November 2026, 12:00 GMT." in kept
    assert "You can read everything until 1 December 2026, 12:00 GMT." in kept
    assert (await of_kind(shop, "pass"))["phase"] == "active"


async def test_a_pass_waits_for_periods_that_an_earlier_release_recorded(shop: Shop) -> None:
    """It did not keep their starts, and an ended subscription is not fetched again."""
    await buy(shop, plan_id="monthly")
    shop.move(days=31)
    cancel_subscription(shop.stand_in.account, {}, shop.only("subscription")["id"])
    await shop.deliver_events()
    async with shop.database.writing() as session:
        await session.exec(update(StripeInvoice).values(period_starts_at=None))
    await buy(shop, pass_id="week")
    bought = await of_kind(shop, "pass")
    assert (bought["starts_at"], bought["phase"]) == ("2027-01-24T12:00:00Z", "waiting")
    async with shop.database.reading() as session:
        assert await audit(session) == []
