"""What the site's token endpoint can answer, and what its reader then sees."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.journeys.conftest import press_in
from tests.journeys.press import Press
from tests.journeys.test_unlocking import ARTICLE, TAIL, ask_to_unlock, confirm, gate_button
from tests.journeys.visitor import Visitor

TOKEN = "**/paywall-token"
PREVIEW = "Families borrow before the harvest"
REFUSED = "We could not check your account on this page."
OUTAGE = "We cannot be reached right now. This page will try again by itself."
# Of the page's clock: many times what the answers and the pauses of a test take together.
SECONDS_MAX = 900


@pytest.fixture(scope="module")
def press(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Press]:
    with press_in(tmp_path_factory.mktemp("press"), sqlite_template) as running:
        running.sell_pack("ann", "one")
        yield running


def publish(press: Press, name: str) -> str:
    """An article that no other test unlocks."""
    press.call(
        "PUT", f"/v1/articles/{name}",
        title=f"On {name}", policy="premium", language="en", url=f"{press.paper}/{name}",
        body_html=f"{'<p>A paragraph for all.</p>' * 8}<p>The end of {name}.</p>",
    )  # fmt: skip
    return f"/{name}"


def answer_with(page: Page, status: int) -> None:
    page.route(TOKEN, lambda route: route.fulfill(status=status))


def run_clock_until(seen: Locator, press: Press) -> None:
    """Each second of the page's clock leaves real time for an answer."""
    for _ in range(SECONDS_MAX):
        seen.page.clock.run_for(1_000)
        seen.page.request.get(f"{press.service}/livez")
        if seen.is_visible():
            break
    expect(seen).to_be_visible()


def expect_no_sign_in(page: Page) -> None:
    expect(page.locator("paywall-gate").get_by_role("link", name="Sign in")).to_have_count(0)
    assert "Sign in to" not in page.locator("paywall-gate").inner_text()


def test_the_endpoint_can_check_that_a_page_of_the_site_asks(
    visitor: Visitor, press: Press
) -> None:
    page = visitor.signed_in_tab("ann")
    with page.expect_response(TOKEN) as answered:
        page.goto(f"{press.paper}{ARTICLE}")
    # Of a request that failed, Playwright has only the headers that the script itself set.
    headers = answered.value.request.all_headers()
    assert (headers["origin"], headers["sec-fetch-site"]) == (press.paper, "same-origin")
    assert "referer" not in headers


@pytest.mark.parametrize("status", [204, 401])
def test_nobody_is_asked_to_sign_in(status: int, visitor: Visitor, press: Press) -> None:
    visitor.expect("status of 401")
    page = visitor.signed_in_tab("ann")
    answer_with(page, status)
    page.goto(f"{press.paper}{ARTICLE}")
    expect(page.locator("paywall-gate").get_by_role("link", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("status", [400, 403, 404])
def test_who_is_refused_a_token_is_not_asked_to_sign_in(
    status: int, visitor: Visitor, press: Press
) -> None:
    visitor.expect(f"status of {status}")
    page = visitor.signed_in_tab("ann")
    answer_with(page, status)
    page.goto(f"{press.paper}{ARTICLE}")
    gate = page.locator("paywall-gate")
    expect(gate).to_contain_text(REFUSED)
    expect(gate).to_contain_text(PREVIEW)
    expect_no_sign_in(page)
    page.unroute(TOKEN)
    gate.get_by_role("button", name="Reload the page").click()
    ask_to_unlock(page)


def test_an_account_that_is_refused_a_token_says_so(visitor: Visitor, press: Press) -> None:
    visitor.expect("status of 403")
    page = visitor.signed_in_tab("ann")
    answer_with(page, 403)
    page.goto(f"{press.paper}/account")
    part = page.locator("paywall-account")
    expect(part).to_contain_text(REFUSED)
    expect(part.get_by_role("button", name="Reload the page")).to_have_count(1)
    expect(part.get_by_role("heading")).to_have_count(0)


def test_a_click_whose_new_token_is_refused_spends_nothing(visitor: Visitor, press: Press) -> None:
    visitor.expect("status of 40[13]")
    left = press.unlocks_left("ann")
    page = visitor.signed_in_tab("ann", publish(press, "late"))
    ask_to_unlock(page)
    answer_with(page, 403)
    press.move(minutes=20)
    confirm(page)
    expect(page.get_by_role("dialog")).to_contain_text(REFUSED)
    page.unroute(TOKEN)
    assert press.unlocks_left("ann") == left
    confirm(page)
    expect(page.get_by_text("The end of late.")).to_be_visible()


def test_whose_tokens_the_service_refuses_is_not_asked_to_sign_in(
    visitor: Visitor, press: Press
) -> None:
    visitor.expect("status of 401")
    page = visitor.signed_in_tab("ann")
    allowed = {"access-control-allow-origin": press.paper}
    page.route(
        "**/v1/me**",
        lambda route: (
            route.continue_()
            if route.request.method == "OPTIONS"
            else route.fulfill(status=401, headers=allowed)
        ),
    )
    page.goto(f"{press.paper}{ARTICLE}")
    expect(page.locator("paywall-gate")).to_contain_text(REFUSED)
    expect_no_sign_in(page)


def give_no_answer(_: Route) -> None:
    """The browser gives up by itself."""


OUTAGES: dict[str, Callable[[Route], None]] = {
    "unavailable": lambda route: route.fulfill(status=503),
    "too many requests": lambda route: route.fulfill(status=429),
    "no connection": lambda route: route.abort(),
    "a page instead of a token": lambda route: route.fulfill(status=200, body="<p>One moment</p>"),
    "no answer in time": give_no_answer,
}


@pytest.mark.parametrize("outage", OUTAGES)
def test_an_outage_ends_by_itself_without_a_reload(
    outage: str, visitor: Visitor, press: Press
) -> None:
    visitor.expect("status of (503|429)|net::ERR_FAILED")
    page = visitor.signed_in_tab("ann")
    page.clock.install()
    page.route(TOKEN, OUTAGES[outage])
    page.goto(f"{press.paper}{ARTICLE}")
    gate = page.locator("paywall-gate")
    run_clock_until(gate.get_by_text(OUTAGE), press)
    expect(gate).to_contain_text(PREVIEW)
    expect_no_sign_in(page)
    page.evaluate("window.isAsItWas = true")
    page.unroute(TOKEN)
    run_clock_until(gate.get_by_role("button", name="Unlock"), press)
    expect(gate.get_by_role("button", name="Unlock")).to_be_visible()
    expect(page.locator(".masthead")).to_contain_text("credits")
    assert page.evaluate("window.isAsItWas") is True


def test_an_outage_is_asked_about_less_and_less_often(visitor: Visitor, press: Press) -> None:
    visitor.expect("status of 503")
    page = visitor.signed_in_tab("ann")
    page.clock.install()
    asked: list[str] = []

    def count(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=503)

    page.route(TOKEN, count)
    page.goto(f"{press.paper}{ARTICLE}")
    gate = page.locator("paywall-gate")
    run_clock_until(gate.get_by_text(OUTAGE), press)
    again = gate.get_by_role("button", name="Try again")
    again.focus()
    asked.clear()
    for _ in range(SECONDS_MAX):
        page.clock.run_for(1_000)
        page.request.get(f"{press.service}/livez")
    # Without growing pauses there would be some 120.
    assert 4 <= len(asked) <= 16
    expect(again).to_be_focused()
    page.unroute(TOKEN)
    gate_button(page, "Try again")
    run_clock_until(gate.get_by_role("button", name="Unlock"), press)


def test_a_reader_who_is_refused_elsewhere_keeps_no_open_body(
    visitor: Visitor, press: Press
) -> None:
    """Whose page it is can no longer be known, so the site makes it anew."""
    visitor.expect("status of 403")
    given = {"article_id": ARTICLE[1:], "source": "complimentary"}
    press.call("POST", "/v1/subscribers/ann/unlocks", **given)
    page = visitor.signed_in_tab("ann", ARTICLE)
    expect(page.locator(".masthead")).to_contain_text("credits")
    expect(page.get_by_text(TAIL)).to_be_visible()
    visitor.context.clear_cookies()
    answer_with(page, 403)
    visitor.tab("/offers")
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
    expect(page.get_by_text(TAIL)).to_have_count(0)
