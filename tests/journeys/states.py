"""Every state that readers see, each brought about anew: to be looked at, by a machine or by us."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.journeys.visitor import Visitor

ARTICLE = "/rice-bank"


def front(visitor: Visitor) -> Page:
    return visitor.tab()


def front_in_khmer(visitor: Visitor) -> Page:
    page = visitor.tab()
    page.locator(".languages button[value=km]").click()
    page.locator("html[lang=km]").wait_for()
    return page


def missing(visitor: Visitor) -> Page:
    visitor.expect("status of 404")
    return visitor.tab("/nowhere/at-all")


def sign_in(visitor: Visitor) -> Page:
    return visitor.tab("/sign-in")


def offers(visitor: Visitor) -> Page:
    page = visitor.tab("/offers")
    page.locator(".paywall-offers").first.wait_for()
    return page


def offers_beside_prepaid_days(visitor: Visitor) -> Page:
    visitor.press.sell_pass("bo")
    page = visitor.signed_in_tab("bo", "/offers")
    page.locator("paywall-offers li").first.wait_for()
    return page


def gate_of_a_visitor(visitor: Visitor) -> Page:
    page = visitor.tab(ARTICLE)
    page.locator("paywall-gate a.paywall-button").wait_for()
    return page


def gate_with_credits(visitor: Visitor, article: str = ARTICLE, reader_id: str = "ann") -> Page:
    page = visitor.signed_in_tab(reader_id, article)
    page.locator("paywall-gate button").first.wait_for()
    page.locator("paywall-credits a").first.wait_for()
    return page


def gate_without_credits(visitor: Visitor) -> Page:
    page = gate_with_credits(visitor, reader_id="bo")
    page.locator("paywall-gate button").first.click()
    page.locator("paywall-offers li").first.wait_for()
    return page


def gate_for_subscribers(visitor: Visitor) -> Page:
    return gate_with_credits(visitor, "/letter-to-subscribers")


def gate_after_a_failed_renewal(visitor: Visitor) -> Page:
    page = visitor.tab()
    visitor.subscribe(page, "bo", card="A card that pays now, and is declined from then on")
    visitor.later(page, ARTICLE, days=36)
    page.locator("paywall-gate .paywall-told").wait_for()
    page.locator(".masthead .paywall-low").wait_for()
    return page


def unlock_dialog(visitor: Visitor, article: str = ARTICLE) -> Page:
    page = gate_with_credits(visitor, article)
    page.locator("paywall-gate .paywall-first").click()
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
    page.locator("paywall-gate button").wait_for()
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
    page.locator("paywall-gate button").wait_for()
    return page


def refused_in_khmer(visitor: Visitor) -> Page:
    front_in_khmer(visitor)
    return refused(visitor)


def right_to_left(visitor: Visitor) -> Page:
    page = gate_without_credits(visitor)
    page.evaluate("document.documentElement.dir = 'rtl'")
    return page


def thanked(visitor: Visitor) -> Page:
    page = gate_without_credits(visitor)
    page.locator("paywall-offers button").first.click()
    page.wait_for_url("**/checkout/*")
    page.locator("form button").first.click()
    page.locator("dialog button").last.click()
    page.locator("paywall-thanks .paywall-note").wait_for()
    return page


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
    page.locator("paywall-subscription a[download]").wait_for()
    return page


def meter(visitor: Visitor) -> Page:
    page = visitor.tab("/salt-harvest")
    page.locator("paywall-meter progress").wait_for()
    return page


def plain_account(visitor: Visitor) -> Page:
    visitor.press.sell_pack("chan", "7f3a")
    return without_script(account(visitor))


def without_script(page: Page) -> Page:
    """From the account to the one that needs no script."""
    page.locator("form[action$='/account/enter'] button").click()
    page.wait_for_url("**/account")
    expect(page.locator("body.paywall-page")).to_be_visible()
    return page


def plain_account_with_a_waiting_pass(visitor: Visitor) -> Page:
    return without_script(account_with_a_waiting_pass(visitor))


def plain_buying(visitor: Visitor) -> Page:
    page = gate_with_credits(visitor, reader_id="bo")
    entry = page.locator("paywall-gate").evaluate(
        "gate => gate.querySelector('noscript').textContent"
    )
    page.evaluate("form => { document.body.innerHTML = form; }", entry)
    page.locator("form button").click()
    page.locator("form[action='/account/buy']").wait_for()
    return page


def plain_cancel(visitor: Visitor) -> Page:
    page = visitor.tab()
    visitor.subscribe(page, "ann")
    without_script(page)
    page.locator("form[action='/account/cancel'] button").click()
    page.locator("fieldset").wait_for()
    return page


STATES: dict[str, Callable[[Visitor], Page]] = {
    state.__name__: state
    for state in (
        front,
        front_in_khmer,
        missing,
        sign_in,
        offers,
        offers_beside_prepaid_days,
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
        thanked,
        account,
        account_of_a_buyer,
        account_of_what_ended_and_what_is_on_its_way,
        account_with_a_waiting_pass,
        account_in_khmer_with_a_pass_after_a_subscription,
        cancel_dialog,
        cancelled,
        meter,
        plain_account,
        plain_account_with_a_waiting_pass,
        plain_buying,
        plain_cancel,
    )
}
LOOKS: dict[str, dict[str, object]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1000, "height": 800}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1000, "height": 800}},
    "small": {"color_scheme": "light", "viewport": {"width": 320, "height": 640}},
}
