"""What Stripe knows of a reader, as it is told and sold on the pages that need no script."""

import re
from html import unescape

from paywall.sandbox.stripe import checkout
from paywall.sandbox.stripe.customers import Card
from paywall.sandbox.stripe.subscriptions import cancel_subscription
from tests.processors.stripe.shop import Shop
from tests.web.plain import account, enter, forms, send

PLAN, PASS = "plan:usd:monthly", "pass:usd:week"


async def offers_page(shop: Shop) -> str:
    """What is sold to ann."""
    return unescape((await enter(shop.service, shop.bearer, "ann", page="buy")).text)


async def test_a_page_shows_the_paid_end_of_what_ended_and_sells_it_again(
    shop: Shop,
) -> None:
    await shop.buy(plan_id="monthly")
    cancel_subscription(shop.stand_in.account, {}, shop.only("subscription")["id"])
    await shop.deliver_events()
    await enter(shop.service, shop.bearer, "ann")
    shown = await account(shop.service)
    assert "Cancelled: you can read everything until 24 December 2026." in shown
    assert "/account/cancel" not in forms(await shop.service.get("/account"))
    sold = await offers_page(shop)
    assert "You can already read everything until 24 December 2026." in sold
    assert "A subscription that you buy now starts immediately." in sold
    assert "A pass that you buy now starts on 24 December 2026" in sold
    assert (PLAN in sold, PASS in sold) == (True, True)
    shop.move(days=31)
    sold = await offers_page(shop)
    assert "already" not in sold
    assert (PLAN in sold, PASS in sold) == (True, True)
    assert "It ended on" in await account(shop.service)


async def test_a_pending_payment_is_listed_until_it_arrives_or_fails(
    shop: Shop,
) -> None:
    arrives = await shop.buy(pack_id="six", later=True)
    shop.move(days=0.1)
    fails = await shop.buy(pass_id="week", later=True)
    await shop.deliver_events()
    pending = (await shop.me())["pending"]
    assert [(one["checkout_id"], one["pack_id"], one["pass_id"]) for one in pending] == [
        (fails["id"], None, "week"), (arrives["id"], "six", None),
    ]  # fmt: skip
    await enter(shop.service, shop.bearer, "ann")
    shown = await account(shop.service)
    on_its_way = "In progress since 24 November 2026: the bank still has to confirm it."
    assert shown.count(on_its_way) == 2
    assert "<b>Six</b>" in shown
    assert "You have not paid for anything yet." not in shown
    assert "There is no need to pay again" in await offers_page(shop)
    checkout.settle_session(shop.stand_in.account, arrives["session_id"], paid=True)
    checkout.settle_session(shop.stand_in.account, fails["session_id"], paid=False)
    await shop.deliver_events()
    shown = await account(shop.service)
    assert "You have 6 credits." in shown
    assert (shown.count("<b>Six</b>"), on_its_way in shown) == (1, False)
    assert "There is no need to pay again" not in await offers_page(shop)


async def test_a_failed_renewal_shows_the_way_to_pay_among_the_offers(
    shop: Shop,
) -> None:
    await shop.buy(card=Card.PAYS_ONCE, plan_id="monthly")
    shop.move(days=31)
    await shop.deliver_events()
    for days, is_sold in ((0, False), (4, True)):
        shop.move(days=days)
        sold = await offers_page(shop)
        assert "The last payment for your subscription did not go through." in sold
        assert "there is no need to buy another one" not in sold
        assert 'action="/account/billing"' in sold
        assert (PLAN in sold, PASS in sold) == (False, is_sold)


async def test_a_late_payment_is_never_shown_as_final(
    shop: Shop,
) -> None:
    await shop.buy(card=Card.PAYS_ONCE, plan_id="monthly")
    shop.move(days=31)
    await shop.deliver_events()
    asked = await enter(shop.service, shop.bearer, "ann", page="cancel")
    assert "The overdue payment may still be tried again until then." in asked.text
    done = await send(shop.service, forms(asked)["/account/cancel"])
    shown = await account(shop.service)
    for page in (done.text, shown):
        assert "The overdue payment may still be tried again until the end of" in page
        assert "You will not be charged for it again" not in page
    assert "of the period. You can read everything until" in shown
    (kept,) = re.findall(r'href="(/account/receipts/receipt_[^"]+)"', shown)
    assert "may still be tried again until the end of" in (await shop.service.get(kept)).text
    shop.move(days=4)
    await enter(shop.service, shop.bearer, "ann")
    later = await shop.service.get("/account")
    assert "of the period. You can read everything until" not in later.text
    asked = await send(shop.service, forms(later)["/account/cancel"])
    done = await send(shop.service, forms(asked)["/account/cancel"], when="now")
    assert "Your subscription has ended." in done.text


async def test_a_reader_is_asked_to_cancel_only_what_is_not_cancelled_yet(shop: Shop) -> None:
    await shop.buy(card=Card.PAYS_ONCE, plan_id="monthly")
    shop.move(days=31)
    await shop.deliver_events()
    asked = await enter(shop.service, shop.bearer, "ann", page="cancel")
    await send(shop.service, forms(asked)["/account/cancel"])
    again = await enter(shop.service, shop.bearer, "ann", page="cancel")
    assert (again.status_code, again.headers.get("Location")) == (303, "/account")


async def test_who_goes_back_and_forth_between_two_plans_is_led_to_an_open_page(
    shop: Shop,
) -> None:
    form = forms(await enter(shop.service, shop.bearer, "ann", page="buy"))["/account/buy"]
    pages = [
        (await send(shop.service, form, order=order)).text
        for order in (PLAN, "plan:usd:yearly", PLAN)
    ]
    (open_one,) = [one for one in shop.stand_in.account.find_all("checkout.session") if one["url"]]
    assert re.findall(r"url=([^\"]+)", pages[-1]) == [open_one["url"]]


async def test_a_subscription_payments_receipt_says_until_when_it_paid(
    shop: Shop,
) -> None:
    await shop.buy(pack_id="six")
    await shop.buy(plan_id="monthly")
    await shop.deliver_events()
    shop.move(days=31)
    await shop.deliver_events()
    paid = await shop.service.get("/v1/me/purchases", headers=shop.bearer.reader("ann"))
    ends = ["2027-01-24T12:00:00Z", "2026-12-24T12:00:00Z", None]
    assert [one["paid_until"] for one in paid.json()["items"]] == ends
    await enter(shop.service, shop.bearer, "ann")
    receipts = [
        (await shop.service.get(f"/account/receipts/payment-{one['id']}")).text
        for one in paid.json()["items"]
    ]
    assert "Paid until 24 January 2027, 12:00 GMT" in receipts[0]
    assert "Paid until 24 December 2026, 12:00 GMT" in receipts[1]
    assert "Paid until" not in receipts[2]
