"""The shop: its cards and switches, and what a visitor chose before signing in."""

import json

from playwright.sync_api import Page, expect

from tests.journeys.press import Press
from tests.journeys.visitor import Visitor

LETTER = "/letter-to-subscribers"
MONTHLY = "Subscribe for $4 a month: A month of everything"
TEN = "Buy for $3.50: Ten credits"


def choose(page: Page, name: str) -> None:
    """As a visitor, who is led to the page to sign in."""
    page.get_by_role("link", name=name).click()
    page.wait_for_url("**/sign-in**")


def sign_in_there(page: Page, reader_id: str) -> None:
    page.locator(f"button[name=reader][value={reader_id}]").click()


def test_a_choice_at_a_gate_is_paid_for_after_signing_in(visitor: Visitor, press: Press) -> None:
    page = visitor.tab(LETTER)
    page.locator("paywall-gate").get_by_role("button", name="Subscribe").click()
    choose(page, MONTHLY)
    sign_in_there(page, "bo")
    page.wait_for_url("**/checkout/*")
    page.locator("form button").first.click()
    page.wait_for_url(f"{press.paper}{LETTER}*")
    expect(page.get_by_text("Thank you. You are subscribed and")).to_be_focused()
    expect(page.locator("paywall-gate")).to_have_count(0)
    assert page.evaluate("sessionStorage.length") == 0


def test_a_choice_that_cannot_be_bought_is_explained(visitor: Visitor, press: Press) -> None:
    page = visitor.tab("/offers")
    choose(page, TEN)
    press.call("DELETE", "/v1/packs/ten")
    sign_in_there(page, "bo")
    gone = page.locator("paywall-offers").get_by_text("is not for sale at the moment")
    expect(gone).to_be_focused()
    expect(page.get_by_role("button", name="Buy for $2: Five credits")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{press.paper}/offers")
    choose(page, MONTHLY)
    press.subscribe("ann", days=30)
    sign_in_there(page, "ann")
    instead = page.locator("paywall-offers [role=status]")
    expect(instead).to_contain_text("You can read everything until")
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{press.paper}/offers")
    choose(page, "Buy for $2: Five credits")
    sign_in_there(page, "ann")
    expect(instead).to_contain_text("You can read every article now. Credits that you buy")
    assert page.evaluate("sessionStorage.length") == 0
    page.goto(f"{press.paper}/paid")
    expect(page.get_by_text("There is no payment to confirm here.")).to_be_visible()
    page.locator(".languages button[value=km]").click()
    expect(page.locator("paywall-return")).to_contain_text("គ្មានការបង់ប្រាក់")


def test_credits_for_an_article_that_is_open_are_not_paid_for(
    visitor: Visitor, press: Press
) -> None:
    press.give_article("bo", "rice-bank")
    page = visitor.tab("/rice-bank")
    page.locator("paywall-gate").get_by_role("button", name="Buy credits").click()
    choose(page, "Buy for $2: Five credits")
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    sign_in_there(page, "bo")
    expect(page.get_by_text("You can read this article already, so you have")).to_be_focused()
    expect(page.get_by_text("The tenth sack pays for the roof")).to_be_visible()
    assert [url for url in asked if "checkout" in url] == []
    page.evaluate("dispatchEvent(new Event('online'))")
    page.wait_for_load_state("networkidle")
    expect(page.locator("paywall-offers li")).to_have_count(0)
    page.locator("paywall-offers").get_by_role("link", name="Subscribe or buy credits").click()
    page.wait_for_url(f"{press.paper}/offers")


def test_a_choice_waits_for_the_consent_that_the_site_asks_for(visitor: Visitor) -> None:
    visitor.ask_for_consent()
    page = visitor.tab("/offers")
    choose(page, TEN)
    sign_in_there(page, "bo")
    expect(page.get_by_text("You chose Ten credits, $3.50.")).to_be_focused()
    agree = page.get_by_role("checkbox", name="I want this immediately")
    expect(agree).to_have_count(1)
    agree.check()
    with page.expect_request("**/v1/me/checkout") as asked:
        page.get_by_role("button", name=TEN).first.click()
    assert json.loads(asked.value.post_data or "")["consent"] is True
    page.wait_for_url("**/checkout/*")


def test_an_old_choice_is_forgotten(visitor: Visitor) -> None:
    page = visitor.tab("/offers")
    choose(page, TEN)
    page.evaluate(
        "() => { const one = JSON.parse(sessionStorage['paywall-chosen']); one.at -= 30 * 60_000;"
        " sessionStorage['paywall-chosen'] = JSON.stringify(one); }"
    )
    sign_in_there(page, "bo")
    expect(page.get_by_role("button", name=TEN)).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def test_prices_are_shown_in_the_chosen_currency_and_period(visitor: Visitor, press: Press) -> None:
    page = visitor.tab("/offers")
    shop = page.locator("paywall-offers")
    monthly = shop.get_by_role("listitem").filter(has_text="A month of everything")
    expect(monthly).to_contain_text("Recommended")
    ten = shop.get_by_role("listitem").filter(has_text="Ten credits")
    expect(ten.locator("b")).to_have_text("$3.50")
    expect(ten).to_contain_text("Save 12% per article")
    expect(shop).to_contain_text("Opens every article for 7 days. Does not renew.")
    expect(shop.get_by_role("heading", level=3, name="Ten credits")).to_be_visible()
    page.get_by_role("group", name="How often you pay").get_by_label("Monthly").press("ArrowRight")
    expect(shop.get_by_label("Yearly")).to_be_focused()
    expect(monthly).to_have_count(0)
    yearly = shop.get_by_role("listitem").filter(has_text="A year of everything")
    expect(yearly).to_contain_text("The first 14 days are free, then $40 a year.")
    expect(shop.locator(".paywall-first")).to_have_count(1)
    expect(yearly.locator(".paywall-first")).to_have_text("Subscribe")
    page.get_by_role("group", name="Currency").get_by_label("riel").check()
    expect(ten.locator("b")).to_contain_text("14,000")
    page.goto(f"{press.paper}{LETTER}")
    page.locator("paywall-gate").get_by_role("button", name="Subscribe").click()
    expect(page.locator("paywall-offers")).to_contain_text("6,000")
    expect(page.locator("paywall-offers .paywall-shop")).not_to_contain_text("$")
    page.evaluate("document.body.dataset.paywallCurrency = 'USD'; localStorage.clear()")
    page.goto(f"{press.paper}/offers")
    expect(ten.locator("b")).to_have_text("$3.50")
