"""Before an unlock the body is nowhere in what the browser got; nothing comes from elsewhere."""

import json
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.conftest import PATIENT_SECONDS
from tests.journeys.press import Press
from tests.journeys.visitor import Visitor

CANARY = "Only who paid may know that the canary sings at dawn."
POLICIES = ["registered", "premium", "subscribers"]


class Received:
    """Everything that a tab was sent."""

    def __init__(self, page: Page) -> None:
        self.text = ""
        self.hosts: set[str] = set()
        page.route("**", self._hand_through)

    def _hand_through(self, route: Route) -> None:
        answer = route.fetch(max_redirects=0)
        self.hosts.add(urlsplit(route.request.url).netloc)
        self.text += answer.body().decode()
        route.fulfill(response=answer)


def publish(press: Press, article_id: str, policy: str, cost: int = 1) -> None:
    body = "".join(f"<p>Paragraph {number} tells a little.</p>" for number in range(8))
    press.call(
        "PUT", f"/v1/articles/{article_id}",
        title="The canary", policy=policy, unlock_cost=cost, language="en",
        url=f"{press.paper}/{article_id}", body_html=f"{body}<p>{CANARY}</p>",
    )  # fmt: skip


@pytest.mark.parametrize("policy", POLICIES)
def test_a_visitor_is_sent_no_tail_of_a_body(policy: str, visitor: Visitor, press: Press) -> None:
    publish(press, "canary", policy)
    page = visitor.tab()
    received = Received(page)
    page.goto(f"{press.paper}/canary")
    gate = page.get_by_role("region", name="Continue reading")
    expect(gate.get_by_role("link", name="Sign in")).to_be_visible()
    for path in ("/", "/sign-in?back=/canary"):
        page.wait_for_load_state("networkidle")
        page.goto(f"{press.paper}{path}")
    page.wait_for_load_state("networkidle")
    everything = received.text + httpx.get(f"{press.paper}/feed.xml", timeout=PATIENT_SECONDS).text
    assert "Paragraph 0 tells" in everything
    assert CANARY not in everything


def test_a_reader_is_sent_the_tail_with_the_unlock_and_not_before(
    visitor: Visitor, press: Press
) -> None:
    publish(press, "canary", "premium")
    page = visitor.tab()
    received = Received(page)
    page.goto(f"{press.paper}/sign-in?back=/canary")
    page.wait_for_load_state("networkidle")
    page.get_by_role("button", name="Ann").click()
    page.locator("paywall-gate").get_by_role("button", name="Unlock", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    assert CANARY not in received.text
    dialog.get_by_role("button", name="Unlock").click()
    expect(page.get_by_text(CANARY)).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert CANARY in received.text


def test_a_page_loads_from_site_and_service_only_and_sets_no_cookie(
    visitor: Visitor, press: Press
) -> None:
    page = visitor.tab()
    received = Received(page)
    page.goto(f"{press.paper}/rice-bank")
    expect(page.get_by_text("or unlock this one for 1 credit")).to_be_visible()
    page.wait_for_load_state("networkidle")
    page.goto(f"{press.paper}/offers")
    expect(page.get_by_role("link", name="Buy for $2: Five credits")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert received.hosts == {urlsplit(at).netloc for at in (press.paper, press.service)}
    assert visitor.context.cookies() == []
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0


@pytest.mark.parametrize("policy", [*POLICIES, "metered", "free"])
def test_structured_data_follows_the_policy(policy: str, visitor: Visitor, press: Press) -> None:
    publish(press, "canary", policy)
    page = visitor.tab("/canary")
    data = json.loads(page.locator('script[type="application/ld+json"]').inner_text())
    assert data["isAccessibleForFree"] is (policy == "free")
    assert (data["hasPart"] is None) is (policy == "free")
    if data["hasPart"]:
        expect(page.locator(data["hasPart"]["cssSelector"])).to_have_count(1)


def test_the_gate_says_it_itself_where_the_site_does_not(visitor: Visitor) -> None:
    page = visitor.tab("/rice-bank")
    page.evaluate(
        "() => { document.querySelector('script[type=\"application/ld+json\"]').remove();"
        " const gate = document.querySelector('paywall-gate');"
        " gate.replaceWith(Object.assign(document.createElement('paywall-gate'), {})); }"
    )
    received = page.locator('script[type="application/ld+json"]')
    expect(received).to_have_count(1)
    assert json.loads(received.inner_text())["isAccessibleForFree"] is False
