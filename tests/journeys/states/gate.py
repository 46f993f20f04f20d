"""An article that is closed, and the ways to open it."""

from collections.abc import Callable

from playwright.sync_api import Page

from tests.journeys.states.paper import front_in_khmer
from tests.journeys.visitor import Visitor

ARTICLE = "/rice-bank"
# The buttons of a form in the page's own fallback have no type.
BY_SCRIPT = "paywall-gate button[type=button]"


def wait_for_wall(page: Page) -> None:
    """Wait until the wall is filled, and scroll it to the middle of the window."""
    page.locator(BY_SCRIPT).first.wait_for()
    page.locator(".paywall-box").first.evaluate("box => box.scrollIntoView({block: 'center'})")


def gate_of_a_visitor(visitor: Visitor) -> Page:
    page = visitor.tab(ARTICLE)
    wait_for_wall(page)
    return page


def gate_with_credits(visitor: Visitor, article: str = ARTICLE, reader_id: str = "ann") -> Page:
    page = visitor.signed_in_tab(reader_id, article)
    page.locator("paywall-credits a").first.wait_for()
    wait_for_wall(page)
    return page


def gate_without_credits(visitor: Visitor) -> Page:
    page = gate_with_credits(visitor, reader_id="bo")
    page.locator(BY_SCRIPT).first.click()
    page.locator("paywall-offers li").first.wait_for()
    return page


def gate_for_subscribers(visitor: Visitor) -> Page:
    return gate_with_credits(visitor, "/letter-to-subscribers")


def gate_after_a_failed_renewal(visitor: Visitor) -> Page:
    page = visitor.tab()
    visitor.subscribe(page, "bo", card="A card that pays now, and is declined from then on")
    visitor.later(page, ARTICLE, days=36)
    page.get_by_role("button", name="Fix the payment").wait_for()
    page.locator(".masthead .paywall-low").wait_for()
    wait_for_wall(page)
    return page


def unlock_dialog(visitor: Visitor, article: str = ARTICLE) -> Page:
    page = gate_with_credits(visitor, article)
    page.locator(f"{BY_SCRIPT}.paywall-first").click()
    page.get_by_role("dialog").wait_for()
    return page


def unlock_dialog_in_khmer(visitor: Visitor) -> Page:
    front_in_khmer(visitor)
    return unlock_dialog(visitor, "/fish-prices")


def unlocked(visitor: Visitor) -> Page:
    page = unlock_dialog(visitor)
    page.locator("dialog .paywall-first").click()
    page.locator(".paywall-body").wait_for()
    return page


def unreachable(visitor: Visitor) -> Page:
    visitor.expect("net::ERR_FAILED")
    page = visitor.signed_in_tab("ann")
    page.route("**/v1/me**", lambda route: route.abort())
    page.goto(f"{visitor.press.paper}{ARTICLE}")
    wait_for_wall(page)
    return page


def unreachable_in_khmer(visitor: Visitor) -> Page:
    front_in_khmer(visitor)
    return unreachable(visitor)


def refused(visitor: Visitor) -> Page:
    """The site does not confirm whose page this is."""
    visitor.expect("status of 403")
    page = visitor.signed_in_tab("ann")
    page.route("**/paywall-token", lambda route: route.fulfill(status=403))
    page.goto(f"{visitor.press.paper}{ARTICLE}")
    wait_for_wall(page)
    return page


def refused_in_khmer(visitor: Visitor) -> Page:
    front_in_khmer(visitor)
    return refused(visitor)


def right_to_left(visitor: Visitor) -> Page:
    page = gate_without_credits(visitor)
    page.evaluate("document.documentElement.dir = 'rtl'")
    return page


def meter(visitor: Visitor) -> Page:
    page = visitor.tab("/salt-harvest")
    page.locator("paywall-meter progress").wait_for()
    return page


def meter_used_up(visitor: Visitor) -> Page:
    page = visitor.tab()
    for number in range(6):
        visitor.press.call(
            "PUT", f"/v1/articles/metered-{number}",
            title=f"On the salt of year {number}", policy="metered", language="en",
            body_html="<p>The pans are dry by March.</p>" * 6,
        )  # fmt: skip
        page.goto(f"{visitor.press.paper}/metered-{number}")
    wait_for_wall(page)
    return page


STATES: tuple[Callable[[Visitor], Page], ...] = (
    gate_of_a_visitor,
    gate_with_credits,
    gate_without_credits,
    gate_for_subscribers,
    gate_after_a_failed_renewal,
    unlock_dialog,
    unlock_dialog_in_khmer,
    unlocked,
    unreachable,
    unreachable_in_khmer,
    refused,
    refused_in_khmer,
    right_to_left,
    meter,
    meter_used_up,
)
