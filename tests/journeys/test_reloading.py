"""Sites that show an opened article themselves: `data-paywall-after="reload"`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.journeys.conftest import OpenVisitor, press_in
from tests.journeys.press import Press
from tests.journeys.test_unlocking import ask_to_unlock, confirm
from tests.journeys.visitor import Visitor

AROUND = ("<body ", '<body data-paywall-after="reload" ')
ON_THE_GATE = ("<paywall-gate ", '<paywall-gate data-paywall-after="reload" ')
SMALL = {"viewport": {"width": 800, "height": 400}}
PREVIEW = "".join(f"<p>Paragraph {number} is for everybody to read.</p>" for number in range(30))


@pytest.fixture(scope="module")
def press(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Press]:
    with press_in(tmp_path_factory.mktemp("press"), sqlite_template) as running:
        running.sell_pack("ann", "one")
        yield running


class Loads:
    """How often this page was loaded, and which bodies its script asked for."""

    def __init__(self, page: Page) -> None:
        self.documents: list[str] = []
        self.bodies: list[str] = []
        page.on("request", self._see)

    def _see(self, request: Request) -> None:
        if request.is_navigation_request():
            self.documents.append(request.url)
        elif request.url.endswith("/body") and request.method == "GET":
            self.bodies.append(request.url)


def publish(press: Press, name: str) -> str:
    """The address of an article that no other test unlocks."""
    press.call(
        "PUT", f"/v1/articles/{name}",
        title=f"On {name}", policy="premium", language="en", url=f"{press.paper}/{name}",
        preview={"html": PREVIEW}, body_html=f"{PREVIEW * 2}<p>The end of {name}.</p>",
    )  # fmt: skip
    return f"{press.paper}/{name}"


def serve_with(page: Page, address: str, change: tuple[str, str], copies: int = 0) -> None:
    """The page at this address with a change; so many times more it comes from a cache."""
    kept: list[tuple[dict[str, str], str]] = []

    def serve(route: Route) -> None:
        if 0 < len(kept) <= copies:
            kept.append(kept[0])
            route.fulfill(headers=kept[0][0], body=kept[0][1])
            return
        answer = route.fetch()
        body = answer.text().replace(*change)
        kept.append((answer.headers, body))
        route.fulfill(response=answer, body=body)

    page.route(address, serve)


def give(press: Press, name: str) -> None:
    press.call("POST", "/v1/subscribers/ann/unlocks", article_id=name, source="complimentary")


@pytest.mark.parametrize("change", [AROUND, ON_THE_GATE])
def test_an_unlocked_article_is_loaded_anew_where_it_was_read(
    change: tuple[str, str], open_visitor: OpenVisitor, press: Press
) -> None:
    name = f"unlocked-{len(change[0])}"
    address = publish(press, name)
    visitor = open_visitor(**SMALL)
    page = visitor.signed_in_tab("ann")
    serve_with(page, address, change)
    page.goto(address)
    page.locator("paywall-gate").get_by_role(
        "button", name="Unlock", exact=True
    ).scroll_into_view_if_needed()
    ask_to_unlock(page)
    loads = Loads(page)
    before = page.evaluate("scrollY")
    assert before > 0
    confirm(page)
    expect(page.get_by_text(f"The end of {name}.")).to_be_visible()
    expect(page.locator("paywall-gate")).to_have_count(0)
    expect(page.locator(".masthead")).to_contain_text("credits")
    assert (loads.documents, loads.bodies) == ([address], [])
    assert page.evaluate("scrollY") == before


def test_an_article_opened_in_another_tab_is_loaded_anew_once(
    visitor: Visitor, press: Press
) -> None:
    address = publish(press, "elsewhere")
    first = visitor.signed_in_tab("ann", "/elsewhere")
    second = visitor.tab()
    serve_with(second, address, AROUND)
    second.goto(address)
    ask_to_unlock(second)
    loads = Loads(second)
    ask_to_unlock(first)
    confirm(first)
    expect(second.locator("paywall-gate")).to_have_count(0)
    expect(second.get_by_text("The end of elsewhere.")).to_be_visible()
    second.wait_for_load_state("networkidle")
    assert (loads.documents, loads.bodies) == ([address], [])


def test_a_gate_that_a_cache_still_shows_is_loaded_anew_once(
    visitor: Visitor, press: Press
) -> None:
    address = publish(press, "kept")
    page = visitor.signed_in_tab("ann")
    serve_with(page, address, AROUND, copies=5)
    page.goto(address)
    expect(
        page.locator("paywall-gate").get_by_role("button", name="Unlock", exact=True)
    ).to_be_visible()
    page.goto("about:blank")
    give(press, "kept")
    loads = Loads(page)
    page.goto(address)
    # The reader gets what is theirs, on the page that does not change.
    expect(page.locator("paywall-gate").get_by_text("The end of kept.")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert loads.documents == [address, address]


def test_an_unlock_on_a_page_from_a_cache_is_loaded_anew_once(
    visitor: Visitor, press: Press
) -> None:
    address = publish(press, "stale")
    page = visitor.signed_in_tab("ann")
    serve_with(page, address, AROUND, copies=5)
    page.goto(address)
    ask_to_unlock(page)
    loads = Loads(page)
    confirm(page)
    expect(page.locator("paywall-gate").get_by_text("The end of stale.")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert loads.documents == [address]


def test_thanks_for_a_purchase_are_shown_after_the_page_is_loaded_anew(
    visitor: Visitor, press: Press
) -> None:
    address = publish(press, "bought")
    page = visitor.signed_in_tab("bo")
    serve_with(page, address, AROUND, copies=1)
    page.goto(address)
    page.locator("paywall-gate").get_by_role("button", name="Subscribe", exact=True).click()
    page.get_by_role("button", name="Subscribe for $4 a month: A month of everything").click()
    page.wait_for_url("**/checkout/*")
    page.locator("form button").first.click()
    expect(page.get_by_text("The end of bought.")).to_be_visible()
    expect(page.locator("paywall-gate")).to_have_count(0)
    expect(page.get_by_text("Thank you. You are subscribed and")).to_be_visible()


def test_without_the_setting_the_page_is_not_loaded_anew(visitor: Visitor, press: Press) -> None:
    address = publish(press, "in-place")
    page = visitor.signed_in_tab("ann")
    serve_with(page, address, ("<body ", '<body data-paywall-after="" '))
    page.goto(address)
    ask_to_unlock(page)
    loads = Loads(page)
    confirm(page)
    expect(page.locator("paywall-gate").get_by_text("The end of in-place.")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert loads.documents == []
