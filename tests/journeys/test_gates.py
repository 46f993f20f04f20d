"""Gates beside and inside each other, and bodies that are the reader's and cannot be shown."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.journeys.conftest import press_in
from tests.journeys.press import Press
from tests.journeys.visitor import Visitor

GATE_DEPTH_MAX = 3
BATCH_ARTICLES_MAX = 100
WORDS_TRIES_MAX = 6
PAUSE_MAX_MS = 16_000
# Of the page's clock: many times what all pauses take together.
SECONDS_MAX = 600
PREVIEW = "".join(f"<p>Paragraph {number} tells a little.</p>" for number in range(8))
ADD_GATES = """articles => document.querySelector("main").append(...articles.map((article) => {
  const gate = document.createElement("paywall-gate");
  gate.setAttribute("article", article);
  return gate;
}))"""


@pytest.fixture(scope="module")
def press(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Press]:
    with press_in(tmp_path_factory.mktemp("press"), sqlite_template) as running:
        running.sell_pack("ann", "one")
        yield running


def publish(press: Press, name: str, end: str = "") -> None:
    press.call(
        "PUT", f"/v1/articles/{name}",
        title=f"On {name}", policy="premium", language="en", url=f"{press.paper}/{name}",
        body_html=f"{PREVIEW}<p>The end of {name}.</p>{end}",
    )  # fmt: skip


def gate(article: str) -> str:
    return f'<paywall-gate article="{article}"><p>The start of {article}.</p></paywall-gate>'


def unlock(page: Page) -> None:
    page.locator("paywall-gate").get_by_role("button", name="Unlock", exact=True).first.click()
    page.get_by_role("dialog").get_by_role("button", name="Unlock").click()


def with_policy(page: Page, address: str, directives: str) -> None:
    """The page of a site with more in its Content-Security-Policy, and no structured data."""

    def hand_through(route: Route) -> None:
        answer = route.fetch()
        name = "content-security-policy"
        headers = {**answer.headers, name: f"{answer.headers[name]}; {directives}"}
        body = answer.text().replace("application/ld+json", "application/json")
        route.fulfill(response=answer, headers=headers, body=body)

    page.route(address, hand_through)


def test_a_body_with_a_gate_of_its_own_article_is_loaded_once(
    visitor: Visitor, press: Press
) -> None:
    publish(press, "loop", gate("loop"))
    page = visitor.signed_in_tab("ann", "/loop")
    asked: list[str] = []
    page.on("request", lambda one: asked.append(f"{one.method} {one.url}"))
    unlock(page)
    expect(page.get_by_text("The end of loop.")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert len([line for line in asked if re.search("^GET .*/body$", line)]) == 1
    expect(page.get_by_text("The start of loop.")).to_be_visible()
    expect(page.locator("paywall-gate paywall-gate section")).to_have_count(0)


def test_gates_in_bodies_open_down_to_a_depth(visitor: Visitor, press: Press) -> None:
    names = [f"depth-{number}" for number in range(GATE_DEPTH_MAX + 2)]
    for name, inner in zip(names, [*names[1:], ""], strict=True):
        publish(press, name, gate(inner) if inner else "")
        given = {"article_id": name, "source": "complimentary"}
        press.call("POST", "/v1/subscribers/ann/unlocks", **given)
    page = visitor.signed_in_tab("ann", "/depth-0")
    for name in names[: GATE_DEPTH_MAX + 1]:
        expect(page.get_by_text(f"The end of {name}.")).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.get_by_text(f"The end of {names[-1]}.")).to_have_count(0)
    expect(page.get_by_text(f"The start of {names[-1]}.")).to_be_visible()


@pytest.mark.parametrize(
    ("count", "questions"), [(BATCH_ARTICLES_MAX, 1), (BATCH_ARTICLES_MAX + 1, 2)]
)
def test_the_gates_of_a_page_ask_together(
    count: int, questions: int, visitor: Visitor, press: Press
) -> None:
    page = visitor.signed_in_tab("ann", "/offers")
    page.locator("paywall-offers li").first.wait_for()
    asked: list[str] = []
    page.on("request", lambda one: asked.append(f"{one.method} {one.url}"))
    page.evaluate(ADD_GATES, [f"unknown-{number}" for number in range(count)])
    said = page.locator("paywall-gate", has_text="This article is not available at the moment.")
    expect(said).to_have_count(count)
    about = [line for line in asked if "/v1/me/a" in line and not line.startswith("OPTIONS")]
    assert about == [f"POST {press.service}/v1/me/access/check-batch"] * questions


def test_a_gate_with_an_id_that_no_article_has_spoils_no_other(
    visitor: Visitor, press: Press
) -> None:
    visitor.expect("status of (400|422)")
    publish(press, "sound")
    page = visitor.signed_in_tab("ann", "/offers")
    page.locator("paywall-offers li").first.wait_for()
    # Half a character cannot be sent here, so the page makes it.
    page.evaluate(f"({ADD_GATES})(['a/b', 'sound', 'rice-bank', '\\ud800'])")
    gates = page.locator("paywall-gate")
    for place in (0, 3):
        expect(gates.nth(place)).to_contain_text("That did not work.")
    for place in (1, 2):
        expect(gates.nth(place).get_by_role("button", name="Unlock", exact=True)).to_be_visible()


def test_a_site_with_trusted_types_names_one_policy(visitor: Visitor, press: Press) -> None:
    publish(press, "trusted")
    page = visitor.signed_in_tab("ann")
    address = f"{press.paper}/trusted"
    with_policy(page, address, "require-trusted-types-for 'script'; trusted-types paywall")
    page.goto(address)
    unlock(page)
    expect(page.get_by_text("The end of trusted.")).to_be_visible()


@pytest.mark.parametrize("failure", ["policy", "body"])
def test_what_was_paid_and_cannot_be_shown_is_said_to_be_unlocked(
    failure: str, visitor: Visitor, press: Press
) -> None:
    name = f"unshown-{failure}"
    publish(press, name)
    left = press.unlocks_left("ann")
    page = visitor.signed_in_tab("ann")
    address = f"{press.paper}/{name}"
    if failure == "policy":
        visitor.expect("TrustedHTML|TrustedTypePolicy|Trusted Type")
        with_policy(page, address, "require-trusted-types-for 'script'; trusted-types other")
    page.goto(address)
    if failure == "body":
        visitor.expect("net::ERR_FAILED")
        page.route("**/body", lambda route: route.abort())
    unlock(page)
    said = page.get_by_text("Unlocked. This article is yours to keep, but it could not be shown.")
    expect(said).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert press.unlocks_left("ann") == left - 1
    name_of = {"policy": "Reload the page", "body": "Try again"}
    again = page.locator("paywall-gate").get_by_role("button", name=name_of[failure])
    expect(again).to_be_focused()
    page.unroute_all()
    again.click()
    expect(page.get_by_text(f"The end of {name}.")).to_be_visible()


def test_words_that_did_not_come_are_asked_for_again_a_few_times(
    visitor: Visitor, press: Press
) -> None:
    visitor.expect("net::ERR_FAILED")
    page = visitor.signed_in_tab("ann")
    page.clock.install()
    asked: list[str] = []

    def lose(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    page.route("**/words.json*", lose)
    page.goto(f"{press.paper}/rice-bank")
    expect(page.get_by_text("Families borrow before the harvest")).to_be_visible()
    # A pause begins once the answer before it is known to be lost: each second of the page's clock
    # leaves real time for that, as long as another answer takes.
    for _ in range(SECONDS_MAX):
        page.clock.run_for(1_000)
        page.request.get(f"{press.service}/livez")
        if len(asked) == WORDS_TRIES_MAX:
            break
    page.wait_for_load_state("networkidle")
    page.clock.run_for(10 * PAUSE_MAX_MS)
    page.wait_for_load_state("networkidle")
    assert len(asked) == WORDS_TRIES_MAX
    expect(page.get_by_text("Families borrow before the harvest")).to_be_visible()
    page.unroute("**/words.json*")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(
        page.locator("paywall-gate").get_by_role("button", name="Unlock", exact=True)
    ).to_be_visible()
