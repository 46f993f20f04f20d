"""An article that is closed, and the ways to open it."""

from collections.abc import Callable, Iterator

from playwright.sync_api import Page

from tests.journeys.visitor import Visitor

ARTICLE = "/rice-bank"
KHMER_ARTICLE = "/fish-prices"
LETTER = "/letter-to-subscribers"
# The buttons of a form in the page's own fallback have no type.
BY_SCRIPT = "paywall-gate button[type=button]"
LATE_CARD = "A card that pays now, and is declined from then on"


def article_for(visitor: Visitor) -> str:
    """A premium article in the visitor's language."""
    return KHMER_ARTICLE if visitor.language.code == "km" else ARTICLE


def wait_for_wall(page: Page) -> None:
    """Wait until the wall is filled, and scroll it to the middle of the window."""
    page.locator(BY_SCRIPT).first.wait_for()
    page.locator(".paywall-box").first.evaluate("box => box.scrollIntoView({block: 'center'})")


def ask(page: Page) -> None:
    """From the wall to the question."""
    wait_for_wall(page)
    page.locator(f"{BY_SCRIPT}.paywall-first").click()
    page.get_by_role("dialog").wait_for()


def visiting(visitor: Visitor) -> Iterator[tuple[str, Page]]:
    page = visitor.tab(article_for(visitor))
    wait_for_wall(page)
    yield "gate_of_a_visitor", page
    page.locator(BY_SCRIPT).first.click()
    page.locator("paywall-gate paywall-offers li").first.wait_for()
    yield "gate_with_the_shop", page


def unlocking(visitor: Visitor) -> Iterator[tuple[str, Page]]:
    page = visitor.signed_in_tab("ann", LETTER)
    wait_for_wall(page)
    yield "gate_for_subscribers", page
    page.goto(f"{visitor.press.paper}{article_for(visitor)}")
    wait_for_wall(page)
    yield "gate_with_credits", page
    ask(page)
    yield "unlock_dialog", page
    page.locator("dialog .paywall-first").click()
    page.locator(".paywall-body").wait_for()
    yield "unlocked", page


def changed_price(visitor: Visitor) -> Iterator[tuple[str, Page]]:
    """The article became dearer than what the reader has, between the question and the click."""
    visitor.expect("status of 409")
    page = visitor.signed_in_tab("ann", ARTICLE)
    ask(page)
    visitor.press.price(ARTICLE.strip("/"), 9)
    page.locator("dialog .paywall-first").click()
    page.get_by_text(
        visitor.text("price_changed", cost=visitor.text("credits", count=9))
    ).wait_for()
    yield "price_changed", page


def without_credits(visitor: Visitor) -> Iterator[tuple[str, Page]]:
    page = visitor.signed_in_tab("bo", article_for(visitor))
    page.locator("paywall-credits a").first.wait_for()
    wait_for_wall(page)
    yield "gate_without_credits", page
    page.evaluate("document.documentElement.dir = 'rtl'")
    yield "gate_right_to_left", page


def failed_renewal(visitor: Visitor) -> Iterator[tuple[str, Page]]:
    page = visitor.tab()
    visitor.subscribe(page, "bo", card=LATE_CARD)
    visitor.later(page, "/account", days=31, hours=12)
    page.locator(".paywall-late").wait_for()
    yield "account_after_a_failed_renewal", page
    visitor.later(page, ARTICLE, days=5)
    page.locator(".masthead .paywall-low").wait_for()
    wait_for_wall(page)
    yield "gate_after_a_failed_renewal", page


def unreachable(visitor: Visitor) -> Iterator[tuple[str, Page]]:
    visitor.expect("net::ERR_FAILED")
    page = visitor.signed_in_tab("ann")
    page.route("**/v1/me**", lambda route: route.abort())
    page.goto(f"{visitor.press.paper}{ARTICLE}")
    wait_for_wall(page)
    yield "unreachable", page
    page.goto(f"{visitor.press.paper}/account")
    page.locator("paywall-account [role=status]").wait_for()
    yield "account_in_an_outage", page


def refused(visitor: Visitor) -> Iterator[tuple[str, Page]]:
    """The site does not confirm whose page this is."""
    visitor.expect("status of 403")
    page = visitor.signed_in_tab("ann")
    page.route("**/paywall-token", lambda route: route.fulfill(status=403))
    page.goto(f"{visitor.press.paper}{ARTICLE}")
    wait_for_wall(page)
    yield "refused", page


def blocked_script(visitor: Visitor) -> Iterator[tuple[str, Page]]:
    """The page's own fallback stands where the service's script was not loaded."""
    # Chromium complains of words that no script asks for, once the page is open for some seconds.
    visitor.expect("net::ERR_FAILED|was preloaded using link preload")
    page = visitor.tab()
    page.route("**/paywall.js", lambda route: route.abort())
    page.goto(f"{visitor.press.paper}{article_for(visitor)}")
    yield "gate_without_the_script", page


def metered(visitor: Visitor) -> Iterator[tuple[str, Page]]:
    page = visitor.tab("/salt-harvest")
    page.locator("paywall-meter progress").wait_for()
    yield "meter", page
    for number in range(5):
        visitor.press.call(
            "PUT", f"/v1/articles/metered-{number}",
            title=f"On the salt of year {number}", policy="metered", language="en",
            body_html="<p>The pans are dry by March.</p>" * 6,
        )  # fmt: skip
        page.goto(f"{visitor.press.paper}/metered-{number}")
    wait_for_wall(page)
    yield "meter_used_up", page


WALKS: tuple[Callable[[Visitor], Iterator[tuple[str, Page]]], ...] = (
    visiting,
    unlocking,
    changed_price,
    without_credits,
    failed_renewal,
    unreachable,
    refused,
    blocked_script,
    metered,
)
