"""The page of the contract in a browser: searching, copying, links that open what is folded."""

from collections.abc import Iterator
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.processes import serving

ColorScheme = Literal["light", "dark"]


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("docs")) as served:
        yield f"{served.address}/docs"


@pytest.fixture
def page(browser: Browser, docs: str) -> Iterator[Page]:
    """The page; what its script or its policy complains of fails the test."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda message: complaints.append(message.text))
    opened.goto(docs)
    yield opened
    context.close()
    assert not [text for text in complaints if "404" not in text]


def test_search_leaves_what_has_all_the_words(page: Page) -> None:
    search = page.get_by_role("searchbox", name="Search")
    page.keyboard.press("/")
    expect(search).to_be_focused()
    search.fill("UNLOCKS max_cost")
    expect(page.get_by_role("heading", name="Unlock an article")).to_be_visible()
    expect(page.get_by_role("heading", name="Put an article")).to_be_hidden()
    expect(page.get_by_role("status")).to_contain_text("entries match")
    link = page.get_by_role("navigation").get_by_role("link", name="Unlock an article")
    expect(link).to_be_visible()
    search.fill("qqxx nothing has this word")
    expect(page.get_by_role("status")).to_contain_text("0 of")
    search.fill("")
    expect(page.get_by_role("heading", name="Put an article")).to_be_visible()


def test_a_command_is_copied_as_it_stands(page: Page) -> None:
    article = page.get_by_role("article").filter(has=page.locator("#unlock_my_article"))
    article.get_by_role("button", name="Copy").first.click()
    expect(article.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == article.locator("pre").first.text_content()
    assert copied.startswith("curl -X POST \\\n")


def test_a_link_opens_what_it_leads_to(page: Page, docs: str) -> None:
    folded = page.locator("details", has=page.locator("#problem-price_changed"))
    expect(folded.locator("pre")).to_be_hidden()
    page.goto(docs.replace("/docs", "/problems/price_changed"))
    expect(folded.locator("pre")).to_be_visible()
    expect(folded).to_be_in_viewport()


@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_is_wider_than_the_page(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_page_is_whole_without_its_script(browser: Browser, docs: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(docs)
    contents = page.get_by_role("navigation")
    contents.get_by_text("Unlock articles").click()
    contents.get_by_role("link", name="Unlock an article").click()
    expect(page.locator("#unlock_my_article")).to_be_in_viewport()
    expect(page.get_by_role("searchbox", name="Search")).to_have_count(0)
    expect(page.get_by_role("button")).to_have_count(0)
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_barrier(browser: Browser, docs: str, scheme: ColorScheme) -> None:
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(f"{docs}#problem-price_changed")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    context.close()
