"""The account, and cancelling."""

from collections.abc import Callable

from playwright.sync_api import Page

from tests.journeys.states.paper import front_in_khmer
from tests.journeys.visitor import Visitor


def account_of_a_buyer(visitor: Visitor) -> Page:
    visitor.press.sell_pack("ann", "7f3a")
    visitor.press.subscribe("ann", days=30)
    page = visitor.signed_in_tab("ann", "/account")
    page.locator("paywall-payments li").wait_for()
    return page


def account_of_what_ended_and_what_is_on_its_way(visitor: Visitor) -> Page:
    page = visitor.tab()
    visitor.subscribe(page, "bo")
    visitor.press.end_in_stripe("bo")
    page.goto(f"{visitor.press.paper}/offers")
    page.get_by_role("button", name="Buy for $2: Five credits").click()
    page.wait_for_url("**/checkout/*")
    page.get_by_label("A bank transfer").check()
    page.locator("form button").first.click()
    page.get_by_text("The bank is still processing").wait_for()
    page.goto(f"{visitor.press.paper}/account")
    page.locator("paywall-payments li").first.wait_for()
    return page


def account(visitor: Visitor) -> Page:
    page = visitor.signed_in_tab("chan", "/account")
    page.locator("paywall-subscription b").wait_for()
    return page


def account_with_a_waiting_pass(visitor: Visitor) -> Page:
    page = visitor.tab()
    visitor.subscribe(page, "bo")
    visitor.press.sell_pass("bo")
    page.reload()
    page.locator(".paywall-subscription").nth(1).wait_for()
    return page


def account_in_khmer_with_a_pass_after_a_subscription(visitor: Visitor) -> Page:
    visitor.press.subscribe("bo", days=30)
    visitor.press.sell_pass("bo")
    page = front_in_khmer(visitor)
    visitor.sign_in(page, "bo", "/account")
    page.locator(".paywall-subscription").nth(1).wait_for()
    return page


def account_with_nothing(visitor: Visitor) -> Page:
    """Nothing was bought, unlocked or given yet."""
    page = visitor.signed_in_tab("bo", "/account")
    page.locator("paywall-unlocks p").wait_for()
    return page


def account_after_a_failed_renewal(visitor: Visitor) -> Page:
    page = visitor.tab()
    visitor.subscribe(page, "bo", card="A card that pays now, and is declined from then on")
    visitor.later(page, "/account", days=31, hours=12)
    page.locator(".paywall-late").wait_for()
    return page


def account_with_many_articles(visitor: Visitor) -> Page:
    """With a search; one article was deleted, and the history is open."""
    for number in range(12):
        article = f"article-{number}"
        title = f"The ferry returns, part {number}"
        visitor.press.call("PUT", f"/v1/articles/{article}", title=title, policy="premium")
        visitor.press.give_article("ann", article)
    visitor.press.delete_article("article-11")
    page = visitor.signed_in_tab("ann", "/account")
    page.get_by_role("searchbox").wait_for()
    page.get_by_text("Credit history").click()
    page.locator("paywall-history li").first.wait_for()
    return page


def account_loading(visitor: Visitor) -> Page:
    page = visitor.signed_in_tab("ann")
    # Not by a route: a picture is taken when no request is waiting any more.
    page.add_init_script(
        "const ask = fetch; window.fetch = (url, options) =>"
        " String(url).includes('/v1/me') ? new Promise(() => {}) : ask(url, options)"
    )
    page.goto(f"{visitor.press.paper}/account")
    page.locator(".paywall-skeleton").wait_for()
    return page


def account_in_an_outage(visitor: Visitor) -> Page:
    visitor.expect("net::ERR_FAILED")
    page = visitor.signed_in_tab("ann")
    page.route("**/v1/me**", lambda route: route.abort())
    page.goto(f"{visitor.press.paper}/account")
    page.locator("paywall-account [role=status]").wait_for()
    return page


def cancel_dialog(visitor: Visitor) -> Page:
    page = visitor.tab()
    visitor.subscribe(page, "ann")
    page.locator("paywall-subscription button").first.click()
    page.get_by_role("dialog").wait_for()
    return page


def cancelled(visitor: Visitor) -> Page:
    page = cancel_dialog(visitor)
    page.locator("dialog .paywall-first").click()
    page.locator("dialog textarea").wait_for()
    return page


def receipt_of_a_subscription(visitor: Visitor) -> Page:
    page = visitor.tab()
    visitor.subscribe(page, "ann")
    page.locator("paywall-payments .paywall-link").first.click()
    page.wait_for_url("**/account/receipts/*")
    return page


def withdrawal_dialog(visitor: Visitor) -> Page:
    page = visitor.tab()
    visitor.subscribe(page, "ann")
    page.get_by_role("button", name="Withdraw from the contract").click()
    page.get_by_role("dialog").wait_for()
    return page


STATES: tuple[Callable[[Visitor], Page], ...] = (
    account_of_a_buyer,
    account_of_what_ended_and_what_is_on_its_way,
    account,
    account_with_a_waiting_pass,
    account_in_khmer_with_a_pass_after_a_subscription,
    account_with_nothing,
    account_after_a_failed_renewal,
    account_with_many_articles,
    account_loading,
    account_in_an_outage,
    cancel_dialog,
    cancelled,
    receipt_of_a_subscription,
    withdrawal_dialog,
)
