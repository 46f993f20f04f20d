"""JavaScript off: the preview is there, and every question has a page of its own."""

import re

from playwright.sync_api import expect

from tests.journeys.conftest import OpenVisitor
from tests.journeys.press import Press

ARTICLE = "/rice-bank"
TAIL = "The tenth sack pays for the roof"
MONTH = (
    "A month of everything: $4 or 16,000 riel a month."
    " Opens every article, and renews automatically until you cancel."
    " Each payment also adds 2 credits."
)
YEAR = (
    "A year of everything: $40 or 160,000 riel a year."
    " Opens every article, and renews automatically until you cancel."
    " The first 14 days are free for new subscribers."
)
WEEK = "A week of everything: $1.50 or 6,000 riel. Opens every article for 7 days."
FIVE = "Five credits: $2 or 8,000 riel. 5 credits to unlock articles, which are then yours to keep."
TEN = (
    "Ten credits: $3.50 or 14,000 riel."
    " 10 credits to unlock articles, which are then yours to keep."
)
YEAR_AT_THE_WALL = (
    "A year of everything$40 or 160,000 riel a year"
    "Subscriptions renew automatically. You can cancel at any time."
)
AT_THE_WALL = [
    "A month of everything$4 or 16,000 riel a month",
    YEAR_AT_THE_WALL,
    "A week of everything$1.50 or 6,000 riel",
    "Five credits$2 or 8,000 riel",
]


def test_a_reader_unlocks_and_reads(open_visitor: OpenVisitor, press: Press) -> None:
    visitor = open_visitor(java_script_enabled=False)
    page = visitor.signed_in_tab("ann", ARTICLE)
    expect(page.get_by_text("Families borrow before the harvest")).to_be_visible()
    page.get_by_role("button", name="Unlock this article").click()
    expect(page.get_by_role("heading", name="Are you sure you want to unlock")).to_be_visible()
    back = page.get_by_role("link", name="Back to The River Post")
    expect(back).to_have_attribute("href", f"{press.paper}{ARTICLE}")
    page.get_by_role("button", name="Unlock").click()
    expect(page.get_by_text("You have 2 credits.")).to_be_visible()
    page.get_by_role("link", name="Open the article").click()
    expect(page.get_by_text(TAIL)).to_be_visible()
    assert press.unlocks_left("ann") == 2


def test_a_reader_buys_and_comes_back(open_visitor: OpenVisitor, press: Press) -> None:
    visitor = open_visitor(java_script_enabled=False)
    page = visitor.signed_in_tab("bo", ARTICLE)
    gate = page.get_by_role("region", name="Continue reading")
    expect(gate).to_contain_text(
        "Subscribe to read every article, or unlock this one for 1 credit."
    )
    expect(gate).to_contain_text("You have no credits.")
    expect(gate.get_by_role("listitem")).to_have_text(AT_THE_WALL)
    gate.get_by_role("button", name="Subscribe, or buy credits").click()
    expect(page.get_by_text("or unlock this one for 1 credit.")).to_be_visible()
    expect(page.get_by_text("You have no credits.")).to_be_visible()
    page.get_by_role("button", name="Buy for $2: Five credits").click()
    page.wait_for_url("**/checkout/*")
    page.locator("form button").first.click()
    page.wait_for_url(f"{press.paper}/paid?*")
    thanks = page.locator("main p", has_text="Thank you. You now have: Five credits.")
    expect(thanks).to_be_visible()
    page.get_by_role("link", name="Go back").click()
    page.wait_for_url(f"{press.paper}{ARTICLE}")
    page.get_by_role("button", name="Unlock this article").click()
    expect(page.get_by_text("Unlocks left: 5")).to_be_visible()


def test_without_script_only_what_was_paid_is_thanked_for(
    open_visitor: OpenVisitor, press: Press
) -> None:
    press.sell_pack("bo", "7f3a")
    press.move(minutes=1)
    page = open_visitor(java_script_enabled=False).tab("/sign-in")
    page.locator("button[value=bo]").click()
    page.goto(f"{press.paper}/offers")
    page.get_by_role("button", name="Subscribe, or buy credits").click()
    page.get_by_role("button", name="Buy for $2: Five credits").click()
    page.wait_for_url("**/checkout/*")
    page.get_by_role("link", name="Leave without paying").click()
    page.wait_for_url(f"{press.paper}/paid?*")
    not_paid = "If you left without paying, you have not been charged."
    expect(page.locator("main p", has_text=not_paid)).to_be_visible()
    page.goto(f"{press.paper}/paid")
    expect(page.locator("main p", has_text="There is no payment to confirm here.")).to_be_visible()
    page.goto(f"{press.paper}/offers")
    page.get_by_role("button", name="Subscribe, or buy credits").click()
    page.get_by_role("button", name="Buy for $2: Five credits").click()
    page.wait_for_url("**/checkout/*")
    page.get_by_label("A bank transfer").check()
    page.locator("form button").first.click()
    page.wait_for_url(f"{press.paper}/paid?*")
    expect(page.locator("main p", has_text="There is no need to pay again.")).to_be_visible()


def test_a_visitor_sees_the_price_and_signs_in_to_read_on(
    open_visitor: OpenVisitor, press: Press
) -> None:
    page = open_visitor(java_script_enabled=False).tab(ARTICLE)
    gate = page.get_by_role("region", name="Continue reading")
    expect(gate).to_contain_text(
        "Subscribe to read every article, or unlock this one for 1 credit."
    )
    expect(gate.get_by_role("listitem")).to_have_text(AT_THE_WALL)
    gate.get_by_role("link", name="Sign in").click()
    page.get_by_role("button", name="Ann").click()
    page.wait_for_url(f"{press.paper}{ARTICLE}")
    expect(gate).to_contain_text("Unlock this article for 1 credit. It will be yours to keep.")
    expect(gate).to_contain_text("You have 3 credits.")


def test_offers_are_visible_before_signing_in(open_visitor: OpenVisitor) -> None:
    page = open_visitor(java_script_enabled=False).tab("/offers")
    expect(page.locator("main").get_by_role("listitem")).to_have_text(
        [MONTH, YEAR, WEEK, FIVE, TEN]
    )
    expect(page.get_by_role("link", name="Sign in to buy")).to_be_visible()


def test_a_khmer_page_calls_what_is_for_sale_by_its_khmer_name(open_visitor: OpenVisitor) -> None:
    page = open_visitor(java_script_enabled=False, locale="km-KH").tab("/offers")
    items = page.locator("main").get_by_role("listitem")
    expect(items.first).to_contain_text("អានគ្រប់អត្ថបទមួយខែ")
    assert [text for text in items.all_inner_texts() if re.search("[A-Za-z]", text)] == []


def test_what_is_for_subscribers_is_not_sold_for_credits(open_visitor: OpenVisitor) -> None:
    visitor = open_visitor(java_script_enabled=False)
    page = visitor.signed_in_tab("ann", "/letter-to-subscribers")
    gate = page.get_by_role("region", name="Continue reading")
    expect(gate).to_contain_text("This article is for subscribers.")
    expect(gate.get_by_role("listitem")).to_have_text(AT_THE_WALL[:3])
    gate.get_by_role("button", name="Subscribe", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Subscribe or buy credits")
    expect(page.get_by_role("button", name="A month of everything").first).to_be_visible()
    expect(page.get_by_role("button", name="Five credits")).to_have_count(0)


def test_a_visitor_sees_subscribe_for_what_only_subscribers_read(
    open_visitor: OpenVisitor, press: Press
) -> None:
    page = open_visitor(java_script_enabled=False).tab("/letter-to-subscribers")
    gate = page.get_by_role("region", name="Continue reading")
    expect(gate).to_contain_text("This article is for subscribers.")
    expect(gate).not_to_contain_text("Sign in to continue reading.")
    expect(gate.get_by_role("listitem")).to_have_text(AT_THE_WALL[:3])
    expect(gate.get_by_role("link")).to_have_text(["Subscribe", "Sign in"])
    gate.get_by_role("link", name="Subscribe", exact=True).click()
    page.wait_for_url(f"{press.paper}/offers")
    page.go_back(wait_until="commit")
    gate.get_by_role("link", name="Sign in").click()
    page.get_by_role("button", name="Chan").click()
    page.wait_for_url(f"{press.paper}/letter-to-subscribers")
    expect(page.get_by_text("You will see it in the pages, and in this letter.")).to_be_visible()


def test_not_now_leads_back_to_the_article(open_visitor: OpenVisitor, press: Press) -> None:
    visitor = open_visitor(java_script_enabled=False)
    page = visitor.tab()
    for reader_id, step in (("ann", "Unlock this article"), ("bo", "Subscribe, or buy credits")):
        visitor.sign_in(page, reader_id, ARTICLE)
        page.get_by_role("button", name=step).click()
        page.get_by_role("link", name="Not now").click()
        page.wait_for_url(f"{press.paper}{ARTICLE}")
    assert press.unlocks_left("ann") == 3


def test_the_account_has_no_empty_places(open_visitor: OpenVisitor) -> None:
    visitor = open_visitor(java_script_enabled=False)
    page = visitor.signed_in_tab("ann", "/account")
    expect(page.get_by_role("heading")).to_have_text(["Your account", "Your data"])
    expect(page.locator("main p", has_text="needs no JavaScript")).to_be_visible()
    page.get_by_role("button", name="all your data").click()
    expect(page.get_by_text("You have 3 credits.")).to_be_visible()
    page.get_by_role("button", name="ខ្មែរ").click()
    expect(page.locator("html")).to_have_attribute("lang", "km")
    page.get_by_role("button", name="English").click()
    page.get_by_role("link", name="Back to The River Post").click()
    page.wait_for_url(f"{visitor.press.paper}/account")


def test_a_page_that_is_over_leads_back_to_the_site(
    open_visitor: OpenVisitor, press: Press
) -> None:
    visitor = open_visitor(java_script_enabled=False)
    visitor.expect("status of 403")
    page = visitor.tab()
    page.goto(f"{press.service}/account")
    page.locator("main").get_by_role("link", name="Back to The River Post").click()
    page.wait_for_url(f"{press.paper}/")


def test_a_reader_cancels_and_resumes(open_visitor: OpenVisitor) -> None:
    with_script = open_visitor()
    with_script.subscribe(with_script.tab(), "ann")
    visitor = open_visitor(java_script_enabled=False)
    page = visitor.signed_in_tab("ann", "/account")
    page.get_by_role("button", name="all your data").click()
    page.get_by_role("button", name="Cancel the subscription").click()
    page.get_by_role("button", name="Cancel the subscription").click()
    expect(page.get_by_text("Your subscription is cancelled.")).to_be_visible()
    receipt = page.get_by_role("link", name="Receipt 20")
    expect(receipt).to_have_attribute("href", re.compile("/account/receipts/receipt_"))
    page.get_by_label("It is too expensive.").check()
    page.get_by_role("button", name="Send the answer").click()
    expect(page.get_by_text("Thank you for your answer.")).to_be_visible()
    page.get_by_role("link", name="Your account and data").click()
    page.get_by_role("button", name="Resume the subscription").click()
    expect(page.get_by_role("heading", name="Your subscription continues.")).to_be_visible()
    page.get_by_role("link", name="Your account and data").click()
    expect(page.get_by_role("button", name="Cancel the subscription")).to_be_visible()
    page.get_by_role("link", name="Withdraw from the contract").click()
    page.get_by_role("button", name="Confirm withdrawal").click()
    expect(page.get_by_text("We have refunded $4 the way you paid.")).to_be_visible()
    page.get_by_role("link", name="Receipt 20").click()
    expect(page.get_by_text("2 credits were taken back.")).to_be_visible()
    (cookie,) = [c for c in visitor.context.cookies() if c["name"].startswith("__Host-")]
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Lax")
