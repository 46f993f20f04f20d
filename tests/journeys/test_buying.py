"""Buying through the stand-in for Stripe: away to its page, and back to the article, open."""

import json
from datetime import timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from tests.journeys.conftest import OpenVisitor
from tests.journeys.press import Press
from tests.journeys.visitor import Visitor

ARTICLE = "/rice-bank"
TAIL = "The tenth sack pays for the roof"
FIVE = "Buy for $2: Five credits"
MONTHLY = "Subscribe for $4 a month: A month of everything"


def buy(page: Page, action: str, name: str) -> None:
    page.locator("paywall-gate").get_by_role("button", name=action, exact=True).click()
    page.get_by_role("button", name=name).click()
    page.wait_for_url("**/checkout/*")


def pay(page: Page) -> None:
    page.locator("form button").first.click()


def subscribe(visitor: Visitor, page: Page) -> None:
    """At the gate of an article, as bo, until it is open."""
    visitor.sign_in(page, "bo", ARTICLE)
    buy(page, "Subscribe", MONTHLY)
    pay(page)
    expect(page.get_by_text(TAIL)).to_be_visible()


def test_who_buys_credits_comes_back_to_the_question(visitor: Visitor, press: Press) -> None:
    page = visitor.signed_in_tab("bo", ARTICLE)
    buy(page, "Buy credits", FIVE)
    pay(page)
    page.wait_for_url(f"{press.paper}{ARTICLE}*")
    dialog = page.get_by_role("dialog", name="Are you sure you want to unlock this post?")
    expect(dialog).to_contain_text("Thank you. 5 credits were added.")
    expect(dialog).to_contain_text("Unlocks left: 5")
    dialog.get_by_role("button", name="Unlock").click()
    expect(page.get_by_text(TAIL)).to_be_visible()
    assert press.unlocks_left("bo") == 4
    assert page.evaluate("sessionStorage.length") == 0
    thanks = page.get_by_text("Thank you. 5 credits were added.")
    expect(thanks).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(thanks).to_have_count(0)
    page.goto(f"{press.paper}/account")
    payments = page.locator("paywall-payments")
    expect(payments.get_by_role("listitem")).to_contain_text(["Five credits$2,"])
    paid = press.call(
        "POST", "/v1/purchases",
        reader_id="bo", processor="khqr", reference="one",
        pack_id="ten", amount_paid=1_400_000, currency="khr",
    )  # fmt: skip
    refunds = f"/v1/purchases/{paid['id']}/refunds"
    press.call("POST", refunds, amount=400_000, reference="one back")
    page.reload()
    expect(payments.get_by_role("listitem").first).to_contain_text("Ten credits14,000 riel,")
    expect(payments.get_by_role("listitem").first).to_contain_text("4,000 riel has been refunded.")
    payments.get_by_role("button", name="Receipt 20").first.click()
    page.wait_for_url("**/account/receipts/payment-*")
    receipt = page.locator("main").inner_text()
    for shown in (
        "Receipt",
        "Ten credits",
        "14,000\u00a0riel",
        "4,000\u00a0riel",
        "one (khqr)",
        "Bo",
    ):
        assert shown in receipt
    with page.expect_download() as saving:
        page.get_by_role("link", name="Save the receipt").click()
    assert saving.value.path().read_text().startswith("The River Post Ltd.\n12 Sisowath Quay\n")


def test_who_subscribes_reads_at_once_and_after_cancelling_until_the_end(
    visitor: Visitor, press: Press
) -> None:
    page = visitor.tab()
    subscribe(visitor, page)
    page.wait_for_url(f"{press.paper}{ARTICLE}*")
    expect(page.get_by_text("Thank you. You are subscribed and")).to_be_visible()
    page.goto(f"{press.paper}/account")
    expect(page.get_by_text("Thank you.")).to_have_count(0)
    expect(page.locator("paywall-subscription")).to_contain_text("Your subscription renews on")
    page.get_by_role("button", name="Cancel the subscription").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the subscription").click()
    expect(page.get_by_text("Your subscription is cancelled.")).to_be_visible()
    page.goto(f"{press.paper}{ARTICLE}")
    expect(page.get_by_text(TAIL)).to_be_visible()
    expect(page.locator(".masthead")).to_contain_text("2 credits")
    visitor.later(page, ARTICLE, days=32)
    expect(page.locator("paywall-gate")).to_contain_text("Unlock this article for 1 credit")
    expect(page.get_by_text(TAIL)).to_have_count(0)


def test_a_trial_is_offered_until_the_reader_had_one(visitor: Visitor, press: Press) -> None:
    plan = press.call("GET", "/v1/plans/monthly")
    terms = {name: plan[name] for name in ("title", "interval", "credits", "prices", "recommended")}
    press.call("PUT", "/v1/plans/monthly", **terms, trial_days=7)
    offer = "The first 7 days are free, then $4 a month."
    page = visitor.signed_in_tab("bo", "/offers")
    offers = page.locator("paywall-offers")
    page.get_by_role("button", name=MONTHLY).click()
    page.wait_for_url("**/checkout/*")
    pay(page)
    thanks = "The first 7 days are free: you pay nothing until they end."
    expect(page.get_by_text(thanks)).to_be_visible()
    page.goto(f"{press.paper}/account")
    expect(page.locator("paywall-subscription")).to_contain_text("Your free days end on")
    press.end_in_stripe("bo")
    visitor.later(page, "/offers", days=8)
    expect(offers).to_contain_text("A month of everything")
    expect(offers).not_to_contain_text(offer)
    visitor.sign_in(page, "ann", "/offers")
    expect(offers).to_contain_text(offer)


def test_where_a_page_has_no_place_for_thanks_they_stand_at_its_top(
    visitor: Visitor, press: Press
) -> None:
    def without_a_place(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("paywall-thanks", "p"))

    page = visitor.signed_in_tab("bo", ARTICLE)
    page.route(f"{press.paper}{ARTICLE}", without_a_place)
    buy(page, "Subscribe", "Buy for $1.50: A week of everything")
    pay(page)
    top = page.locator("main > :first-child")
    expect(top).to_contain_text("Thank you. Your pass lets you read every article for 7 days.")


def test_older_payments_are_shown_for_the_asking(visitor: Visitor, press: Press) -> None:
    for number in range(21):
        press.sell_pack("bo", f"payment {number}")
    page = visitor.signed_in_tab("bo", "/account")
    payments = page.locator("paywall-payments").get_by_role("listitem")
    expect(payments).to_have_count(20)
    older = page.get_by_role("button", name="Show older")
    older.click()
    expect(payments).to_have_count(21)
    expect(payments.last).to_be_focused()
    expect(older).to_have_count(0)


def test_payment_and_invoices_are_one_click_away_from_either_account(
    visitor: Visitor, press: Press
) -> None:
    page = visitor.tab()
    subscribe(visitor, page)
    page.goto(f"{press.paper}/account")
    part = page.locator("paywall-subscription")
    expect(part).to_contain_text("A month of everything")
    expect(part).to_contain_text("Paid by: Visa ending in 4242")
    part.get_by_role("button", name="Payment and invoices").click()
    page.wait_for_url("**/portal/*")
    page.goto(f"{press.paper}/account")
    page.get_by_role("button", name="all your data").click()
    expect(page.get_by_text("You will then be charged $4")).to_be_visible()
    page.get_by_role("button", name="Payment and invoices").click()
    page.wait_for_url("**/portal/*")


def test_a_subscriber_is_offered_no_second_plan(
    open_visitor: OpenVisitor,
) -> None:
    telephone, laptop = open_visitor(), open_visitor()
    telephone.expect("status of 409")
    before = telephone.signed_in_tab("bo", "/offers")
    offer = before.get_by_role("button", name=MONTHLY)
    expect(offer).to_be_visible()
    page = laptop.tab()
    subscribe(laptop, page)
    offer.click()
    refusal = before.get_by_text("You already have a subscription")
    expect(refusal).to_be_focused()
    expect(before.locator("li", has=refusal)).to_contain_text("A month of everything")
    before.reload()
    expect(before.get_by_role("button", name=FIVE)).to_be_visible()
    expect(offer).to_have_count(0)


def test_while_the_next_payment_is_on_its_way_the_account_says_so(
    visitor: Visitor, press: Press, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service's clock is ahead, and Stripe has not taken the payment yet."""
    page = visitor.tab()
    subscribe(visitor, page)
    # A page that is open while the clock jumps asks once with a token that has just ended.
    page.goto("about:blank")
    later = press.clock.now() + timedelta(days=32)
    monkeypatch.setattr(press.clock, "now", lambda: later)
    page.goto(f"{press.paper}/account")
    part = page.locator("paywall-subscription")
    expect(part).to_contain_text("Your subscription is being renewed")
    expect(part).not_to_contain_text("renews on")


def test_where_the_site_asks_for_it_readers_agree_before_they_buy(visitor: Visitor) -> None:
    page = visitor.signed_in_tab("bo", "/offers")
    page.locator("paywall-offers").evaluate(
        "old => { document.body.dataset.paywallConsent = '';"
        " old.replaceWith(document.createElement('paywall-offers')); }"
    )
    agree = page.get_by_role("checkbox", name="I want this immediately")
    expect(agree).not_to_be_checked()
    page.get_by_role("button", name=FIVE).click()
    expect(page.get_by_text("Please agree to this first.")).to_be_focused()
    agree.check()
    with page.expect_request("**/v1/me/checkout") as asked:
        page.get_by_role("button", name=FIVE).click()
    assert json.loads(asked.value.post_data or "")["consent"] is True
    page.wait_for_url("**/checkout/*")


def test_leaving_the_payment_page_shows_that_nothing_was_taken(
    visitor: Visitor, press: Press
) -> None:
    page = visitor.signed_in_tab("bo", ARTICLE)
    buy(page, "Buy credits", FIVE)
    page.goto(f"{press.paper}/paid")
    expect(
        page.get_by_text("The payment was not completed. You have not been charged.")
    ).to_be_focused()
    page.get_by_role("link", name="Go back").click()
    page.wait_for_url(f"{press.paper}{ARTICLE}*")


def test_paying_by_bank_shows_to_wait_and_not_to_pay_again(visitor: Visitor, press: Press) -> None:
    page = visitor.signed_in_tab("bo", ARTICLE)
    buy(page, "Buy credits", FIVE)
    page.get_by_label("A bank transfer").check()
    pay(page)
    said = page.get_by_text("The bank is still processing your payment")
    expect(said).to_contain_text("can take a few days. There is no need to pay again")
    page.get_by_role("link", name="Go back").click()
    page.wait_for_url(f"{press.paper}{ARTICLE}*")
    box = page.locator("paywall-gate .paywall-box")
    expect(box).to_contain_text("There is no need to pay again")
    box.get_by_role("button", name="Buy credits").click()
    expect(box.locator("paywall-offers")).to_contain_text("There is no need to pay again")
    page.goto(f"{press.paper}/account")
    payment = page.locator("paywall-payments").get_by_role("listitem")
    expect(payment).to_contain_text("Five credits")
    expect(payment).to_contain_text("the bank still has to confirm it")


def test_the_offers_do_not_wait_for_the_decision_of_who_has_to_buy(visitor: Visitor) -> None:
    """By the fallback of the page, which lists prices."""
    page = visitor.tab()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/v1/me/page", hold)
    with page.expect_request("**/v1/offers"):
        visitor.sign_in(page, "bo", ARTICLE)
