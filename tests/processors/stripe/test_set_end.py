"""A date set in Stripe, months ahead, on which a subscription ends: until then it renews."""

from typing import Any

import pytest

from paywall.processors.stripe.context import StripeContext
from paywall.processors.stripe.drift import Drift
from paywall.processors.stripe.reconcile import reconcile
from paywall.sandbox.stripe.faults import Fault
from paywall.sandbox.stripe.schedules import schedule_end
from paywall.sandbox.stripe.subscriptions import cancel_subscription, update_subscription
from paywall.settings import Settings
from tests.processors.stripe.shop import DAY, Shop
from tests.web.plain import enter, forms, send

# The paid periods from the start end on 2026-12-24, 2027-01-24 and 2027-02-24.
END_DAYS = 75
END = "2027-02-07T12:00:00Z"
SET = pytest.mark.parametrize("by", ["date", "schedule"])


async def subscribed_until(shop: Shop, by: str = "date") -> str:
    """A monthly subscription for which a desk set an end in 75 days; its id."""
    await shop.buy(plan_id="monthly")
    subscription_id = str(shop.only("subscription")["id"])
    ends_at = shop.stand_in.account.now + END_DAYS * DAY
    if by == "schedule":
        schedule_end(shop.stand_in.account, subscription_id, ends_at)
    else:
        update_subscription(shop.stand_in.account, {"cancel_at": str(ends_at)}, subscription_id)
    assert set(await shop.deliver_events()) == {200}
    return subscription_id


def facts(subscription: dict[str, Any]) -> tuple[object, ...]:
    names = ("phase", "access_until", "next_payment", "cancels_at", "cancel_at_period_end")
    return tuple(subscription[name] for name in names)


@SET
async def test_it_renews_until_the_set_end_and_says_so(shop: Shop, by: str) -> None:
    await subscribed_until(shop, by)
    shown = []
    for _ in range(4):
        mine = (await shop.me())["subscription"]
        shown.append(facts(mine))
        shop.move(days=31)
        assert set(await shop.deliver_events()) <= {200}
    first, second = "2026-12-24T12:00:00Z", "2027-01-24T12:00:00Z"
    assert shown == [
        ("active", first, first, END, False),
        ("active", second, second, END, False),
        ("ending", END, None, None, True),
        ("ended", END, None, None, True),
    ]
    bought = await shop.service.get("/v1/me/purchases", headers=shop.bearer.reader("ann"))
    amounts = [one["amount_paid"] for one in bought.json()["items"]]
    assert amounts == [round(600 * 14 / 31), 600, 600]


async def test_it_can_be_cancelled_and_go_on_after_the_set_end(shop: Shop) -> None:
    await subscribed_until(shop)
    mine = (await shop.me())["subscription"]
    assert mine["actions"][:3] == ["resume", "cancel", "manage_billing"]
    assert mine["status"] == "active"


@SET
async def test_cancelling_with_the_period_replaces_a_later_end(shop: Shop, by: str) -> None:
    await subscribed_until(shop, by)
    dry = await shop.post("subscription/cancel", when="period_end", dry_run=True)
    assert shop.only("subscription")["cancel_at_period_end"] is False
    done = await shop.post("subscription/cancel", when="period_end")
    assert done.status_code == 200, done.text
    only_asked = {"period_payment": None, "keeps_access": None}
    assert done.json() == {**dry.json(), **only_asked, "receipt": done.json()["receipt"]}
    end = "2026-12-24T12:00:00Z"
    assert done.json()["access_until"] == end
    assert facts((await shop.me())["subscription"]) == ("ending", end, None, None, True)
    shop.move(days=40)
    assert set(await shop.deliver_events()) == {200}
    assert facts((await shop.me())["subscription"]) == ("ended", end, None, None, True)
    assert len(list(shop.stand_in.account.find_all("charge"))) == 1


@SET
async def test_resuming_removes_the_set_end(shop: Shop, by: str) -> None:
    await subscribed_until(shop, by)
    resumed = await shop.post("subscription/resume")
    assert resumed.status_code == 200, resumed.text
    first = "2026-12-24T12:00:00Z"
    assert facts(resumed.json()) == ("active", first, first, None, False)
    assert shop.only("subscription")["cancel_at"] is None
    shop.move(days=100)
    assert set(await shop.deliver_events()) == {200}
    assert (await shop.me())["subscription"]["access_until"] == "2027-03-24T12:00:00Z"


async def test_a_schedule_is_released_once_though_an_answer_was_lost(shop: Shop) -> None:
    await subscribed_until(shop, "schedule")
    path = r"/v1/subscription_schedules/[^/]+/release"
    shop.stand_in.faults.plan(Fault.SERVER_ERROR_AFTER, "POST", path, times=3)
    lost = await shop.post("subscription/cancel", when="period_end")
    assert lost.status_code == 503, lost.text
    shop.stand_in.faults.planned.clear()
    done = await shop.post("subscription/cancel", when="period_end")
    assert done.status_code == 200, done.text
    assert shop.only("subscription")["cancel_at_period_end"] is True
    assert shop.only("subscription_schedule")["status"] == "released"


async def test_a_later_end_set_after_cancelling_withdraws_the_receipt(shop: Shop) -> None:
    await shop.buy(plan_id="monthly")
    await shop.deliver_events()
    assert (await shop.post("subscription/cancel", when="period_end")).status_code == 200
    ends_at = str(shop.stand_in.account.now + END_DAYS * DAY)
    subscription_id = shop.only("subscription")["id"]
    update_subscription(shop.stand_in.account, {"cancel_at": ends_at}, subscription_id)
    await shop.deliver_events()
    mine = (await shop.me())["subscription"]
    assert (mine["phase"], mine["cancels_at"], mine["receipt"]) == ("active", END, None)


async def test_a_second_plan_is_refused_while_the_first_renews(shop: Shop) -> None:
    await subscribed_until(shop)
    refused = await shop.open(plan_id="yearly")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/already_subscribed")


async def test_ended_in_stripe_before_its_date_it_has_no_set_end(shop: Shop) -> None:
    cancel_subscription(shop.stand_in.account, {}, await subscribed_until(shop))
    await shop.deliver_events()
    mine = (await shop.me())["subscription"]
    assert facts(mine) == ("ending", "2026-12-24T12:00:00Z", None, None, True)
    assert "resume" not in mine["actions"]


async def test_a_missed_set_end_is_drift(shop: Shop, settings: Settings) -> None:
    await shop.buy(plan_id="monthly")
    await shop.deliver_events()
    context = StripeContext(shop.database, shop.stripe_client, settings)
    assert await reconcile(context) == Drift()
    # Without an event, as after more days than Stripe lists events for.
    shop.only("subscription")["cancel_at"] = shop.stand_in.account.now + END_DAYS * DAY
    assert await reconcile(context) == Drift(subscriptions=1)
    assert (await shop.me())["subscription"]["cancels_at"] == END
    assert await reconcile(context) == Drift()


@pytest.mark.parametrize(
    ("language", "sentence", "button"),
    [
        ("en", "It is set to end on 7 February 2027", "Continue after 7 February 2027"),
        ("km", "ការជាវនេះត្រូវបានកំណត់ឱ្យបញ្ចប់នៅ", "បន្តក្រោយ"),
    ],
    ids=["en", "km"],
)
async def test_the_account_page_shows_the_set_end_and_removes_it(
    shop: Shop, language: str, sentence: str, button: str
) -> None:
    await subscribed_until(shop)
    await enter(shop.service, shop.bearer, "ann", language=language)
    page = await shop.service.get("/account")
    assert sentence in page.text
    assert button in page.text
    resumed = await send(shop.service, forms(page)["/account/resume"])
    assert resumed.status_code == 200
    assert sentence not in resumed.text
    assert shop.only("subscription")["cancel_at"] is None
