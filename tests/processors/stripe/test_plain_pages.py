"""What Stripe knows of a reader, as it is told and sold on the pages that need no script."""

import re
from html import unescape

import msgspec
import pytest

from paywall.sandbox.stripe import checkout
from paywall.sandbox.stripe.customers import Card
from paywall.sandbox.stripe.faults import Fault
from paywall.sandbox.stripe.invoice_page import pay_invoice
from paywall.sandbox.stripe.portal import change_card
from paywall.sandbox.stripe.subscriptions import cancel_subscription
from paywall.settings import Settings
from tests.processors.stripe.shop import Shop
from tests.test_story import put_article, unlock
from tests.web.plain import account, enter, forms, send


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, withdrawal_days=14)


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


async def test_an_unconfirmed_cancellation_is_looked_up_and_asked_about_again(
    shop: Shop,
) -> None:
    await shop.buy(plan_id="monthly")
    await shop.deliver_events()
    form = forms(await enter(shop.service, shop.bearer, "ann", page="cancel"))["/account/cancel"]
    subscription = "/v1/subscriptions/.*"
    shop.stand_in.faults.plan(Fault.RATE_LIMITED, "POST", subscription)
    asked = await send(shop.service, form)
    assert asked.status_code == 503
    assert "Your cancellation is not confirmed yet. Please try again." in asked.text
    # The change is made, the response is lost, and Stripe's event comes before the next look.
    shop.stand_in.faults.plan(Fault.SERVER_ERROR_AFTER, "POST", subscription)
    shop.stand_in.faults.plan(Fault.RATE_LIMITED, "GET", subscription)
    unseen = await send(shop.service, forms(asked)["/account/cancel"])
    assert "Your cancellation is not confirmed yet." in unseen.text
    await shop.deliver_events()
    done = await send(shop.service, forms(unseen)["/account/cancel"])
    assert "Your subscription is cancelled." in done.text


async def test_the_receipt_of_a_withdrawal_lists_what_ended(shop: Shop) -> None:
    await put_article(shop.service, shop.bearer, "42", title="The ferry")
    await shop.buy(pack_id="six")
    await shop.deliver_events()
    await unlock(shop.service, shop.bearer, "ann", "42")
    await shop.buy(plan_id="monthly")
    await shop.deliver_events()
    await enter(shop.service, shop.bearer, "ann")
    questions = re.findall('href="(/account/withdraw/[0-9]+)"', await account(shop.service))
    period = "The time that you had paid for, until 24 December 2026, 12:00 GMT, has ended."
    for page, lines in zip(
        sorted(questions),
        (
            ["6 credits were taken back.", "1 article is locked again: The ferry"],
            [period, "2 credits were taken back."],
        ),
        strict=True,
    ):
        asked = await shop.service.get(page)
        done = await send(shop.service, forms(asked)["/account/withdraw"])
        assert "We have refunded $6 the way you paid." in done.text
        (receipt,) = re.findall(r'href="(/account/receipts/withdrawal_[^"]+)"', done.text)
        shown = (await shop.service.get(receipt)).text
        notes = re.findall("<p>([^<]+)</p>", shown[shown.index("</dl>") :])
        assert notes[1:-1] == lines
        assert "\n".join(lines) in (await shop.service.get(f"{receipt}.txt")).text
    assert (await account(shop.service)).count("$6 has been refunded.") == 2


async def test_a_new_card_is_named_and_the_late_payment_can_be_paid_with_it(shop: Shop) -> None:
    await shop.buy(card=Card.PAYS_ONCE, plan_id="monthly")
    shop.move(days=31)
    await shop.deliver_events()
    await enter(shop.service, shop.bearer, "ann")
    late = "Your payment of $6 did not go through."
    shown = " ".join((await account(shop.service)).split())
    assert (
        f"{late}</span> We will try again on 27 December 2026, with Visa ending in 0341." in shown
    )
    assert "Pay now" not in shown
    change_card(shop.stand_in.account, shop.only("customer")["id"], Card.PAYS)
    await shop.deliver_events()
    shown = " ".join((await account(shop.service)).split())
    assert "We will charge your new card, Visa ending in 4242, on 27 December 2026." in shown
    due = shop.only("subscription")["latest_invoice"]
    assert f'href="http://stripe.invalid/invoice/{due}">Pay now</a>' in shown
    pay_invoice(shop.stand_in.account, due)
    await shop.deliver_events()
    shown = await account(shop.service)
    assert late not in shown
    assert "You will then be charged $6." in shown


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
