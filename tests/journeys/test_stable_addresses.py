"""A page that is cached for longer than a release lasts: its addresses stay and name no hash."""

import re

from playwright.sync_api import Route, expect

from tests.journeys.press import Press
from tests.journeys.test_unlocking import ARTICLE, TAIL, ask_to_unlock, confirm
from tests.journeys.visitor import Visitor

VERSION = re.compile(r"/web/[0-9a-f]{16}/(paywall\.(?:js|css))")
INTEGRITY = re.compile(r'integrity="[^"]*"')


def test_a_cached_page_unlocks_with_the_stable_addresses(visitor: Visitor, press: Press) -> None:
    page = visitor.signed_in_tab("ann")
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))

    def as_cached(route: Route) -> None:
        answer = route.fetch()
        body = INTEGRITY.sub("", VERSION.sub(r"/v1/parts/current/\1", answer.text()))
        route.fulfill(response=answer, body=body)

    page.route(f"{press.paper}{ARTICLE}", as_cached)
    page.goto(f"{press.paper}{ARTICLE}")
    ask_to_unlock(page)
    confirm(page)
    expect(page.get_by_text(TAIL)).to_be_visible()
    stable = f"{press.service}/v1/parts/current/paywall"
    assert {f"{stable}.js", f"{stable}.css"} <= set(loaded)
    words = [url for url in loaded if "/words.json" in url]
    assert [re.sub("[0-9a-f]{16}", "VERSION", url) for url in words] == [
        # The element, the page and the browser all want English.
        f"{press.service}/web/VERSION/words.json?languages=en"
    ]
    assert not any(VERSION.search(url) for url in loaded)
