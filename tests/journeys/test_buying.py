"""Buying through the stand-in for Stripe: away to its page, and back to the article, open."""

from playwright.sync_api import Page, expect

from tests.journeys.desk import Desk
from tests.journeys.press import Press

ARTICLE = "/rice-bank"
TAIL = "The tenth sack pays for the roof"


def buy(page: Page, action: str, name: str) -> None:
    page.locator("paywall-gate").get_by_role("button", name=action, exact=True).click()
    page.get_by_role("button", name=name).click()
    page.wait_for_url("**/checkout/*")


def pay(page: Page) -> None:
    page.locator("form button").first.click()


def test_who_buys_credits_comes_back_to_the_question(desk: Desk, press: Press) -> None:
    page = desk.tab()
    desk.sign_in(page, "bo", ARTICLE)
    buy(page, "Buy credits", "Buy Five articles: $2")
    pay(page)
    page.wait_for_url(f"{press.paper}{ARTICLE}*")
    dialog = page.get_by_role("dialog", name="Are you sure you want to unlock this post?")
    expect(dialog).to_contain_text("Unlocks left: 5")
    dialog.get_by_role("button", name="Unlock").click()
    expect(page.get_by_text(TAIL)).to_be_visible()
    assert press.unlocks_left("bo") == 4
    assert page.evaluate("sessionStorage.length") == 0


def test_who_subscribes_reads_at_once_and_after_cancelling_until_the_end(
    desk: Desk, press: Press
) -> None:
    page = desk.tab()
    desk.sign_in(page, "bo", ARTICLE)
    buy(page, "Subscribe", "Buy A month of everything: $4 a month")
    pay(page)
    page.wait_for_url(f"{press.paper}{ARTICLE}*")
    expect(page.get_by_text(TAIL)).to_be_visible()
    page.goto(f"{press.paper}/account")
    expect(page.locator("paywall-subscription")).to_contain_text("Your subscription renews on")
    page.get_by_role("button", name="Cancel the subscription").click()
    page.get_by_role("dialog").get_by_role("button", name="Yes, cancel").click()
    expect(page.get_by_text("Your subscription is cancelled.")).to_be_visible()
    page.goto(f"{press.paper}{ARTICLE}")
    expect(page.get_by_text(TAIL)).to_be_visible()
    expect(page.locator(".masthead")).to_contain_text("Unlocks left: 2")
    press.move(days=32)
    page.reload()
    expect(page.locator("paywall-gate")).to_contain_text("This article costs 1 credit")
    expect(page.get_by_text(TAIL)).to_have_count(0)


def test_a_reader_comes_to_the_payment_page_of_a_subscription_from_the_plain_account(
    desk: Desk, press: Press
) -> None:
    page = desk.tab()
    desk.sign_in(page, "bo", ARTICLE)
    buy(page, "Subscribe", "Buy A month of everything: $4 a month")
    pay(page)
    expect(page.get_by_text(TAIL)).to_be_visible()
    page.goto(f"{press.paper}/account")
    page.get_by_role("button", name="All that is kept about you").click()
    expect(page.get_by_text("Next payment")).to_be_visible()
    page.get_by_role("button", name="Payment and invoices").click()
    page.get_by_role("link", name="Payment and invoices").click()
    page.wait_for_url("**/portal/*")


def test_who_leaves_the_payment_page_is_told_that_nothing_was_taken(
    desk: Desk, press: Press
) -> None:
    page = desk.tab()
    desk.sign_in(page, "bo", ARTICLE)
    buy(page, "Buy credits", "Buy Five articles: $2")
    page.goto(f"{press.paper}/paid")
    expect(
        page.get_by_text("The payment was not completed, and nothing was taken.")
    ).to_be_visible()
    page.get_by_role("link", name="Go back").click()
    page.wait_for_url(f"{press.paper}{ARTICLE}*")
