"""A subscription that is cancelled, or withdrawn from, with the receipts."""

from collections.abc import Callable, Iterator

from playwright.sync_api import Page

from tests.journeys.visitor import Visitor


def subscription(visitor: Visitor) -> Iterator[tuple[str, Page]]:
    """Cancelled, with the question after it."""
    page = visitor.tab()
    visitor.subscribe(page, "ann")
    part = page.locator("paywall-subscription")
    part.locator("button").first.wait_for()
    yield "account", page
    page.locator("paywall-payments .paywall-link").first.click()
    page.wait_for_url("**/account/receipts/*")
    yield "receipt_of_a_payment", page
    page.goto(f"{visitor.press.paper}/account")
    part.get_by_role("button", name=visitor.text("cancel")).click()
    page.get_by_role("dialog").wait_for()
    yield "cancel_dialog", page
    page.locator("dialog .paywall-first").click()
    page.locator("dialog textarea").wait_for()
    yield "why_question", page
    page.get_by_role("dialog").get_by_role("radio").first.check()
    page.locator("dialog .paywall-first").click()
    part.get_by_text(visitor.text("why_thanks")).wait_for()
    yield "account_after_cancelling", page
    part.locator(".paywall-link").first.click()
    page.wait_for_url("**/account/receipts/*")
    yield "receipt_of_a_cancellation", page


def withdrawal(visitor: Visitor) -> Iterator[tuple[str, Page]]:
    page = visitor.tab()
    visitor.subscribe(page, "ann")
    page.get_by_role("button", name=visitor.text("withdraw")).click()
    page.locator("main form button").click()
    page.wait_for_url("**/account/done/*")
    yield "withdrawn", page
    page.goto(f"{visitor.press.paper}/account")
    page.get_by_text(visitor.text("no_subscription")).wait_for()
    yield "account_after_withdrawing", page
    page.locator("paywall-payments .paywall-link").last.click()
    page.wait_for_url("**/account/receipts/*")
    yield "receipt_of_a_withdrawal", page


def lost_right(visitor: Visitor) -> Iterator[tuple[str, Page]]:
    """They agreed to immediate delivery when they bought."""
    visitor.expect("status of 409")
    visitor.ask_for_consent()
    page = visitor.tab()
    visitor.subscribe(page, "ann")
    page.get_by_role("button", name=visitor.text("withdraw")).click()
    page.get_by_text(visitor.text("withdrawal_lost")).wait_for()
    yield "withdrawal_lost", page


WALKS: tuple[Callable[[Visitor], Iterator[tuple[str, Page]]], ...] = (
    subscription,
    withdrawal,
    lost_right,
)
