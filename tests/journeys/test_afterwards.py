"""After buying: the question why, and withdrawing from what was bought, with their receipts."""

from playwright.sync_api import expect

from tests.journeys.press import Press
from tests.journeys.test_subscriptions import cancel
from tests.journeys.visitor import Visitor


def test_why_is_asked_after_cancelling_and_then_they_withdraw(
    visitor: Visitor, press: Press
) -> None:
    page = visitor.tab()
    visitor.subscribe(page, "bo")
    cancel(page, why="It is too expensive.")
    expect(page.get_by_text("Thank you for your answer.")).to_be_focused()
    # The clock of the sandbox counts whole seconds, and the period ends before its end.
    period = "since=2026-01-01T00:00:00Z&until=2100-01-01T00:00:00Z"
    figures = press.call("GET", f"/v1/cancellation-feedback/figures?{period}")
    assert figures["reasons"]["too_expensive"] == 1
    payments = page.locator("paywall-payments")
    payments.get_by_role("button", name="Withdraw from the contract").click()
    dialog = page.get_by_role("dialog", name="Do you want to withdraw from the contract?")
    expect(dialog).to_contain_text("You get $4 back, and what you bought ends.")
    dialog.get_by_role("button", name="Confirm withdrawal").click()
    said = payments.get_by_text("You have withdrawn from the contract. $4 goes back to you")
    expect(said).to_be_focused()
    expect(page.get_by_text("You have no subscription.")).to_be_visible()
    line = payments.get_by_text("Withdrawn on")
    line.get_by_role("button", name="Show the receipt").click()
    page.wait_for_url("**/account/receipts/withdrawal_*")
    expect(page.get_by_role("heading", name="Confirmation of your withdrawal")).to_be_visible()
    expect(page.locator("main")).to_contain_text("A month of everything")
