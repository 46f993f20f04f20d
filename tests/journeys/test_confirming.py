"""Nothing is confirmed by the gesture that opened the question, nor by one that just went on."""

import json
from collections.abc import Iterator
from pathlib import Path
from time import time

import pytest
from playwright.sync_api import FloatRect, Locator, Page, expect

from tests.journeys.conftest import OpenVisitor, press_in
from tests.journeys.press import Press
from tests.journeys.visitor import Visitor

CONFIRM_AFTER_MS = 500
FRAME_MS = 16
BOUGHT = json.dumps({"word": "thanks_pack", "count": 5})
OVER = """(button, { x, y, width, height }) => {
  const place = { left: x, top: y, width, height };
  for (const [name, pixels] of Object.entries(place)) button.style[name] = `${pixels}px`;
  button.style.position = "fixed";
}"""


@pytest.fixture(scope="module")
def press(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Press]:
    with press_in(tmp_path_factory.mktemp("press"), sqlite_template) as running:
        running.sell_pack("ann", "one")
        yield running


@pytest.fixture
def article(press: Press, request: pytest.FixtureRequest) -> str:
    """The address of an article of this test's own."""
    name = request.node.name
    body = "".join(f"<p>Paragraph {number} tells a little.</p>" for number in range(8))
    press.call(
        "PUT", f"/v1/articles/{name}",
        title=f"On {name}", policy="premium", language="en",
        url=f"{press.paper}/{name}", body_html=f"{body}<p>The end.</p>",
    )  # fmt: skip
    return f"/{name}"


def at_the_gate(visitor: Visitor, article: str) -> Page:
    """Ann before the wall, and the page's time stands still from here on."""
    page = visitor.tab()
    page.clock.install()
    visitor.sign_in(page, "ann", article)
    wall(page).wait_for()
    page.clock.pause_at(time() + 60)
    return page


def wall(page: Page) -> Locator:
    return page.locator("paywall-gate section").get_by_role("button", name="Unlock", exact=True)


def yes(page: Page) -> Locator:
    return page.get_by_role("dialog").get_by_role("button", name="Unlock", exact=True)


def place_of(button: Locator) -> FloatRect:
    box = button.bounding_box()
    assert box is not None
    return box


def put_over_yes(page: Page) -> tuple[float, float]:
    """The wall's button where the dialog's will be, as it may come about on a small screen."""
    wall(page).press("Enter")
    box = place_of(yes(page))
    page.keyboard.press("Escape")
    wall(page).evaluate(OVER, box)
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def check_that_it_still_asks(page: Page, press: Press, left: int) -> None:
    """And that a click which is meant is taken."""
    page.clock.run_for(FRAME_MS + CONFIRM_AFTER_MS)
    expect(yes(page)).to_be_enabled()
    assert press.unlocks_left("ann") == left
    yes(page).click()
    expect(page.get_by_text("The end.")).to_be_visible()
    assert press.unlocks_left("ann") == left - 1


def test_enter_held_down_on_the_wall_confirms_nothing(
    visitor: Visitor, press: Press, article: str
) -> None:
    left = press.unlocks_left("ann")
    page = at_the_gate(visitor, article)
    wall(page).focus()
    for _ in range(5):
        page.keyboard.down("Enter")
    expect(page.get_by_role("dialog").get_by_role("heading")).to_be_focused()
    page.clock.run_for(FRAME_MS + CONFIRM_AFTER_MS)
    yes(page).focus()
    for _ in range(5):
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    check_that_it_still_asks(page, press, left)


def test_the_second_of_a_double_click_confirms_nothing(
    visitor: Visitor, press: Press, article: str
) -> None:
    left = press.unlocks_left("ann")
    page = at_the_gate(visitor, article)
    x, y = put_over_yes(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.up()
    # A slow hand, or a slow machine: the browser still says that it is the second.
    page.clock.run_for(FRAME_MS + CONFIRM_AFTER_MS)
    page.mouse.down(click_count=2)
    page.mouse.up(click_count=2)
    check_that_it_still_asks(page, press, left)


def test_a_double_tap_on_a_telephone_confirms_nothing(
    open_visitor: OpenVisitor, press: Press, article: str
) -> None:
    left = press.unlocks_left("ann")
    visitor = open_visitor(has_touch=True, is_mobile=True, viewport={"width": 320, "height": 640})
    page = at_the_gate(visitor, article)
    x, y = put_over_yes(page)
    page.touchscreen.tap(x, y)
    page.touchscreen.tap(x, y)
    check_that_it_still_asks(page, press, left)


def test_a_key_right_after_the_question_opened_by_itself_confirms_nothing(
    visitor: Visitor, press: Press, article: str
) -> None:
    left = press.unlocks_left("ann")
    page = at_the_gate(visitor, article)
    page.evaluate("bought => sessionStorage.setItem('paywall-bought', bought)", BOUGHT)
    page.clock.resume()
    page.reload()
    expect(page.get_by_role("dialog")).to_contain_text("Thank you. 5 credits were added.")
    page.clock.pause_at(time() + 120)
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    check_that_it_still_asks(page, press, left)


def test_a_click_is_taken_half_a_second_after_the_question_and_not_before(
    visitor: Visitor, press: Press, article: str
) -> None:
    left = press.unlocks_left("ann")
    page = at_the_gate(visitor, article)
    wall(page).click()
    to_the_next_frame = page.evaluate("frame => frame - performance.now() % frame", FRAME_MS)
    page.clock.run_for(to_the_next_frame + CONFIRM_AFTER_MS - 1)
    yes(page).dispatch_event("click")
    page.clock.run_for(1)
    expect(page.get_by_text("The end.")).to_have_count(0)
    assert press.unlocks_left("ann") == left
    yes(page).dispatch_event("click")
    expect(page.get_by_text("The end.")).to_be_visible()


def test_the_question_says_which_article(visitor: Visitor, article: str) -> None:
    page = visitor.signed_in_tab("ann", article)
    wall(page).click()
    expect(page.get_by_role("dialog")).to_contain_text(f"On {article[1:]}")


def test_a_changed_question_is_not_confirmed_by_a_click_on_the_old_one(
    visitor: Visitor, press: Press, article: str
) -> None:
    visitor.expect("status of 409")
    left = press.unlocks_left("ann")
    page = at_the_gate(visitor, article)
    wall(page).click()
    page.clock.run_for(FRAME_MS + CONFIRM_AFTER_MS)
    press.price(article[1:], 2)
    yes(page).click()
    expect(page.get_by_role("dialog")).to_contain_text("The price has changed")
    yes(page).dispatch_event("click")
    page.clock.run_for(FRAME_MS + CONFIRM_AFTER_MS)
    assert press.unlocks_left("ann") == left
    yes(page).click()
    page.locator(".paywall-body, paywall-gate button").first.wait_for()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert press.unlocks_left("ann") == left - 2


def test_a_stray_gesture_neither_cancels_nor_buys(visitor: Visitor, press: Press) -> None:
    page = visitor.tab()
    page.clock.install()
    visitor.subscribe(page, "bo")
    cancel = page.get_by_role("button", name="Cancel the subscription")
    cancel.wait_for()
    page.locator("main").evaluate("main => main.append(document.createElement('paywall-offers'))")
    buy = page.get_by_role("button", name="Buy for $2: Five credits")
    buy.wait_for()
    page.clock.pause_at(time() + 60)
    cancel.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_be_focused()
    confirm = dialog.get_by_role("button", name="Cancel the subscription")
    confirm.press("Enter")
    page.clock.run_for(FRAME_MS + CONFIRM_AFTER_MS)
    received = press.call("GET", "/v1/subscribers/bo")["subscription"]
    assert received["cancel_at_period_end"] is False
    confirm.click()
    # The account is requested again with a timer.
    while not page.get_by_text("Your subscription is cancelled.").is_visible():
        page.clock.run_for(FRAME_MS)
    dialog.get_by_role("button", name="Skip").click()
    page.get_by_role("button", name="Resume the subscription").first.dispatch_event("click")
    buy.dispatch_event("click")
    page.clock.run_for(FRAME_MS + CONFIRM_AFTER_MS)
    received = press.call("GET", "/v1/subscribers/bo")["subscription"]
    assert received["cancel_at_period_end"] is True
    buy.click()
    page.wait_for_url("**/checkout/*")
