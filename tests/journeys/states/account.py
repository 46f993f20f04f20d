"""The account of readers with much, with little and with nothing."""

from collections.abc import Callable, Iterator

from playwright.sync_api import Page

from tests.journeys.visitor import Visitor


def newcomer(visitor: Visitor) -> Iterator[tuple[str, Page]]:
    """Nothing was bought, unlocked or given yet; then a bank transfer is on its way."""
    page = visitor.signed_in_tab("bo", "/account")
    page.locator("paywall-unlocks p").wait_for()
    yield "account_with_nothing", page
    page.goto(f"{visitor.press.paper}/offers")
    page.locator("paywall-offers li button").last.click()
    page.wait_for_url("**/checkout/*")
    page.get_by_label("A bank transfer").check()
    page.locator("form button").first.click()
    page.get_by_text(visitor.text("bank_working")).wait_for()
    yield "payment_on_its_way", page
    visitor.press.sell_pass("bo")
    page.goto(f"{visitor.press.paper}/account")
    page.locator("paywall-payments li").first.wait_for()
    yield "account_with_a_payment_on_its_way", page


def buyer(visitor: Visitor) -> Iterator[tuple[str, Page]]:
    """A complimentary subscription, and a pack that was sold by the site itself."""
    visitor.press.sell_pack("ann", "7f3a")
    visitor.press.subscribe("ann", days=30)
    page = visitor.signed_in_tab("ann", "/account")
    page.locator("paywall-payments li").wait_for()
    yield "account_of_a_buyer", page


def waiting_pass(visitor: Visitor) -> Iterator[tuple[str, Page]]:
    """A pass waits for the end of a subscription, which the publisher then ends at Stripe."""
    page = visitor.tab()
    visitor.subscribe(page, "bo")
    visitor.press.sell_pass("bo")
    page.reload()
    page.locator(".paywall-subscription").nth(1).wait_for()
    yield "account_with_a_waiting_pass", page
    visitor.press.end_in_stripe("bo")
    page.reload()
    page.locator("paywall-payments li").first.wait_for()
    yield "account_of_what_ended", page


def collector(visitor: Visitor) -> Iterator[tuple[str, Page]]:
    """With a search; one article was deleted, and the history is open."""
    for number in range(12):
        article = f"article-{number}"
        title = f"The ferry returns, part {number}"
        visitor.press.call("PUT", f"/v1/articles/{article}", title=title, policy="premium")
        visitor.press.give_article("ann", article)
    visitor.press.delete_article("article-11")
    page = visitor.signed_in_tab("ann", "/account")
    page.get_by_role("searchbox").wait_for()
    page.get_by_text(visitor.text("your_ledger"), exact=True).click()
    page.locator("paywall-history li").first.wait_for()
    yield "account_with_many_articles", page


def loading(visitor: Visitor) -> Iterator[tuple[str, Page]]:
    page = visitor.signed_in_tab("ann")
    # Not by a route: a picture is taken when no request is waiting any more.
    page.add_init_script(
        "const ask = fetch; window.fetch = (url, options) =>"
        " String(url).includes('/v1/me') ? new Promise(() => {}) : ask(url, options)"
    )
    page.goto(f"{visitor.press.paper}/account")
    page.locator(".paywall-skeleton").wait_for()
    yield "account_loading", page


WALKS: tuple[Callable[[Visitor], Iterator[tuple[str, Page]]], ...] = (
    newcomer,
    buyer,
    waiting_pass,
    collector,
    loading,
)
