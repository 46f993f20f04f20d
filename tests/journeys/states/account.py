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
    page.locator("paywall-offers li").first.wait_for()
    return page


def account_of_what_ended_and_what_is_on_its_way(visitor: Visitor) -> Page:
    page = visitor.tab()
    visitor.subscribe(page, "bo")
    visitor.press.end_in_stripe("bo")
    page.get_by_role("button", name="Buy for $2: Five credits").click()
    page.wait_for_url("**/checkout/*")
    page.get_by_label("A bank transfer").check()
    page.locator("form button").first.click()
    page.get_by_text("The bank is still processing").wait_for()
    page.goto(f"{visitor.press.paper}/account")
    page.locator("paywall-payments li").first.wait_for()
    page.locator("paywall-offers li").first.wait_for()
    return page


def account(visitor: Visitor) -> Page:
    page = visitor.signed_in_tab("chan", "/account")
    page.locator("paywall-subscription b").wait_for()
    page.locator("paywall-offers li").first.wait_for()
    return page


def account_with_a_waiting_pass(visitor: Visitor) -> Page:
    page = visitor.tab()
    visitor.subscribe(page, "bo")
    visitor.press.sell_pass("bo")
    page.reload()
    page.locator(".paywall-subscription").nth(1).wait_for()
    page.locator("paywall-offers li").first.wait_for()
    return page


def account_in_khmer_with_a_pass_after_a_subscription(visitor: Visitor) -> Page:
    visitor.press.subscribe("bo", days=30)
    visitor.press.sell_pass("bo")
    page = front_in_khmer(visitor)
    visitor.sign_in(page, "bo", "/account")
    page.locator(".paywall-subscription").nth(1).wait_for()
    page.locator("paywall-offers li").first.wait_for()
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
    cancel_dialog,
    cancelled,
    receipt_of_a_subscription,
    withdrawal_dialog,
)
