"""Everything with the keyboard alone; all is found by role and name, as a screen reader does."""

from playwright.sync_api import Locator, Page, expect

from tests.journeys.press import Press
from tests.journeys.visitor import Visitor

ARTICLE = "/rice-bank"
TABS_MAX = 80
# What has the focus, and whether that can be seen: by an outline of its own or of its label.
IS_SEEN = """focused => {
  const outlined = (one) => getComputedStyle(one).outlineStyle !== "none"
    && parseFloat(getComputedStyle(one).outlineWidth) >= 1;
  const { width, height } = focused.getBoundingClientRect();
  const labelled = [focused, focused.closest("label")].filter(Boolean);
  return width > 0 && height > 0 && labelled.some(outlined);
}"""
HAS_FOCUS = "one => one === document.activeElement"


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus; all on the way shows that it has it."""
    expect(target).to_be_visible()
    for _ in range(TABS_MAX):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        # After the last element the browser's own bar has the focus, and then the first one.
        if focused.count():
            assert focused.evaluate(IS_SEEN), focused.evaluate("one => one.outerHTML")
        if target.evaluate(HAS_FOCUS):
            return
    raise AssertionError(f"Tab does not lead to {target}")


def choose(page: Page, target: Locator) -> None:
    tab_to(page, target)
    # What spends or cancels takes no click just after it appeared, and says so.
    expect(target).to_be_enabled()
    page.keyboard.press("Enter")


def pay(page: Page) -> None:
    page.wait_for_url("**/checkout/*")
    choose(page, page.get_by_role("button"))


def test_from_the_wall_to_the_question_why(visitor: Visitor, press: Press) -> None:
    page = visitor.tab(ARTICLE)
    wall = page.get_by_role("region", name="Continue reading")
    choose(page, wall.get_by_role("link", name="Sign in"))
    choose(page, page.get_by_role("button", name="Bo"))
    page.wait_for_url(f"{press.paper}{ARTICLE}")
    choose(page, wall.get_by_role("button", name="Buy credits"))
    choose(page, wall.get_by_role("button", name="Buy for $2: Five credits"))
    pay(page)
    dialog = page.get_by_role("dialog", name="Are you sure you want to unlock this post?")
    expect(dialog.get_by_role("heading")).to_be_focused()
    choose(page, dialog.get_by_role("button", name="Unlock"))
    expect(page.locator(".paywall-body")).to_be_focused()
    expect(page.get_by_text("The tenth sack pays for the roof")).to_be_visible()
    choose(page, page.get_by_role("link", name="Account"))
    page.wait_for_url("**/account")
    choose(page, page.get_by_role("link", name="Subscribe or buy credits"))
    choose(page, page.get_by_role("button", name="Subscribe for $4 a month: A month of everything"))
    pay(page)
    expect(page.get_by_text("Thank you. You are subscribed and")).to_be_visible()
    choose(page, page.get_by_role("navigation", name="You").get_by_role("link", name="Account"))
    page.wait_for_url("**/account")
    choose(page, page.get_by_role("button", name="Cancel the subscription"))
    dialog = page.get_by_role("dialog", name="Are you sure you want to cancel your subscription?")
    expect(dialog.get_by_role("heading")).to_be_focused()
    choose(page, dialog.get_by_role("button", name="Cancel the subscription"))
    dialog = page.get_by_role("dialog", name="Why did you cancel?")
    expect(dialog.get_by_role("heading")).to_be_focused()
    tab_to(page, dialog.get_by_role("radio", name="It is too expensive."))
    page.keyboard.press("Space")
    tab_to(page, dialog.get_by_role("textbox", name="In your own words"))
    page.keyboard.type("Maybe next year.")
    choose(page, dialog.get_by_role("button", name="Send the answer"))
    expect(page.get_by_text("Thank you for your answer.")).to_be_focused()
