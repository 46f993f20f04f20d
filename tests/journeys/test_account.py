"""The account as one element: its articles with a search, and one message in an outage."""

from playwright.sync_api import expect

from tests.journeys.press import Press
from tests.journeys.visitor import Visitor

GONE = "An article that is no longer there"


def test_unlocked_articles_are_found_and_a_deleted_one_has_no_link(
    visitor: Visitor, press: Press
) -> None:
    for number in range(22):
        url = f"{press.paper}/ferry-{number}"
        title = f"The ferry returns, part {number + 1}"
        press.call("PUT", f"/v1/articles/ferry-{number}", title=title, policy="premium", url=url)
        press.give_article("ann", f"ferry-{number}")
    press.delete_article("ferry-21")
    page = visitor.signed_in_tab("ann", "/account")
    part = page.locator("paywall-unlocks")
    rows = part.get_by_role("listitem")
    expect(rows).to_have_count(20)
    expect(rows.first).to_contain_text(GONE)
    expect(rows.first.get_by_role("link")).to_have_count(0)
    assert "ferry-21" not in page.locator("main").inner_text()
    part.get_by_role("button", name="Show older").click()
    expect(rows).to_have_count(22)
    search = part.get_by_role("searchbox", name="Search your articles")
    search.fill("RETURNS, part 1")
    # Parts 1 and 10 to 19.
    expect(rows).to_have_count(11)
    search.fill("part 2 of")
    expect(part.get_by_role("status")).to_have_text("None of your articles has this in its title.")
    search.fill("")
    expect(rows).to_have_count(20)
    expect(search).to_be_focused()
    expect(rows.nth(1).get_by_role("link")).to_have_attribute("href", f"{press.paper}/ferry-20")


def test_an_outage_is_reported_once_and_then_everything_is_there(
    visitor: Visitor, press: Press
) -> None:
    visitor.expect("net::ERR_FAILED")
    page = visitor.signed_in_tab("ann")
    page.route("**/v1/me**", lambda route: route.abort())
    page.goto(f"{press.paper}/account")
    outage = page.get_by_text("We cannot be reached right now. This page will try again by itself.")
    part = page.locator("paywall-account")
    expect(outage).to_have_count(1)
    expect(part.get_by_role("heading")).to_have_count(0)
    page.unroute("**/v1/me**")
    part.get_by_role("button", name="Try again").click()
    expect(part).to_contain_text("You have 3 credits.")
    expect(outage).to_have_count(0)
    expect(part.get_by_role("heading", level=2)).to_have_text(
        ["Your credits", "Your unlocked articles", "Your payments"]
    )
    page.get_by_text("Credit history").click()
    expect(page.locator("paywall-history li")).to_contain_text(["3 credits received (a gift)"])
    # What is there stays, with the same one message.
    page.route("**/v1/me**", lambda route: route.abort())
    page.evaluate("new BroadcastChannel('paywall').postMessage('changed')")
    expect(outage).to_have_count(1)
    expect(part).to_contain_text("You have 3 credits.")
