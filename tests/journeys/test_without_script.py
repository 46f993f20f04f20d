"""JavaScript off: the preview is there, and every question has a page of its own."""

from playwright.sync_api import expect

from tests.journeys.conftest import OpenDesk
from tests.journeys.press import Press

ARTICLE = "/rice-bank"
TAIL = "The tenth sack pays for the roof"


def test_a_reader_unlocks_and_reads(open_desk: OpenDesk, press: Press) -> None:
    desk = open_desk(java_script_enabled=False)
    page = desk.tab()
    desk.sign_in(page, "ann", ARTICLE)
    expect(page.get_by_text("Families borrow before the harvest")).to_be_visible()
    page.get_by_role("button", name="Unlock this article").click()
    expect(page.get_by_role("heading", name="Are you sure you want to unlock")).to_be_visible()
    page.get_by_role("button", name="Unlock").click()
    expect(page.get_by_text("Unlocks left: 2")).to_be_visible()
    page.get_by_role("link", name="Open the article").click()
    expect(page.get_by_text(TAIL)).to_be_visible()
    assert press.unlocks_left("ann") == 2


def test_a_reader_buys_and_comes_back(open_desk: OpenDesk, press: Press) -> None:
    desk = open_desk(java_script_enabled=False)
    page = desk.tab()
    desk.sign_in(page, "bo", ARTICLE)
    page.get_by_role("button", name="Unlock this article").click()
    expect(page.get_by_text("This article costs 1 credit, and you have 0 credits.")).to_be_visible()
    page.get_by_role("button", name="Buy for $2: Five articles").click()
    page.wait_for_url("**/checkout/*")
    page.locator("form button").first.click()
    page.wait_for_url(f"{press.paper}/**")
    page.goto(f"{press.paper}{ARTICLE}")
    page.get_by_role("button", name="Unlock this article").click()
    expect(page.get_by_text("Unlocks left: 5")).to_be_visible()


def test_a_page_that_is_over_leads_back_to_the_site(open_desk: OpenDesk, press: Press) -> None:
    desk = open_desk(java_script_enabled=False)
    desk.expect("status of 403")
    page = desk.tab()
    page.goto(f"{press.service}/account")
    page.locator("main").get_by_role("link", name="Back to the site").click()
    page.wait_for_url(f"{press.paper}/")


def test_a_reader_cancels_and_resumes(open_desk: OpenDesk, press: Press) -> None:
    press.subscribe("ann", days=30)
    desk = open_desk(java_script_enabled=False)
    page = desk.tab()
    desk.sign_in(page, "ann", "/account")
    page.get_by_role("button", name="All that is kept about you").click()
    page.get_by_role("button", name="Cancel the subscription").click()
    page.get_by_role("button", name="Yes, cancel").click()
    expect(page.get_by_text("Your subscription is cancelled,")).to_be_visible()
    expect(page.get_by_text("Receipt receipt_")).to_be_visible()
    page.get_by_role("link", name="Your account and data").click()
    page.get_by_role("button", name="Resume the subscription").click()
    expect(page.get_by_role("button", name="Cancel the subscription")).to_be_visible()
    (cookie,) = [c for c in desk.context.cookies() if c["name"].startswith("__Host-")]
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Lax")
