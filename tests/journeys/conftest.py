"""A real browser at the newspaper. Whatever the browser complains of fails the test."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.journeys import browser as machine
from tests.journeys.press import Press, printing

TIMEOUT_MS = 15_000
expect.set_options(timeout=TIMEOUT_MS)
NOT_NEEDED = ["--no-sandbox", "--disable-dev-shm-usage"]
"""The sandbox of the browser cannot be had by root; the pages are our own."""


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One for all journeys, and gone before other tests need a loop in this thread."""
    path = machine.find()
    assert path is not None, machine.MISSING
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=NOT_NEEDED)
        yield launched
        launched.close()


@pytest.fixture
def press(tmp_path: Path) -> Iterator[Press]:
    with printing(tmp_path) as running:
        yield running


class Desk:
    """One person's browser: tabs that share their cookies, and what went wrong in them."""

    def __init__(self, context: BrowserContext, press: Press) -> None:
        self.context = context
        self.press = press
        self.complaints: list[str] = []
        self.expected: list[str] = []
        self.received: list[tuple[str, str]] = []
        """The address and the text of everything that came."""

    def tab(self, path: str = "/") -> Page:
        page = self.context.new_page()
        page.on("console", lambda told: self._complain(told.type, told.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(f"{self.press.paper}{path}")
        return page

    def expect(self, pattern: str) -> None:
        """The browser itself tells of each answer that is an error; this one is meant."""
        self.expected.append(pattern)

    def sign_in(self, page: Page, reader_id: str, back: str = "/") -> None:
        page.goto(f"{self.press.paper}/sign-in?back={back}")
        page.locator(f"button[value={reader_id}]").click()
        page.wait_for_url(f"{self.press.paper}{back}")

    def check(self) -> None:
        wrong = [
            text
            for text in self.complaints
            if not any(re.search(pattern, text) for pattern in self.expected)
        ]
        assert wrong == []

    def _complain(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)


OpenDesk = Callable[..., Desk]


@pytest.fixture
def open_desk(browser: Browser, press: Press) -> Iterator[OpenDesk]:
    """Opens a browser with options of Playwright's own, such as `java_script_enabled=False`."""
    desks: list[Desk] = []

    def opened(**options: object) -> Desk:
        context = browser.new_context(**{"locale": "en", **options})  # type: ignore[arg-type]  # any options of Playwright's
        context.set_default_timeout(TIMEOUT_MS)
        desk = Desk(context, press)
        desks.append(desk)
        return desk

    yield opened
    for desk in desks:
        desk.context.close()
    for desk in desks:
        desk.check()


@pytest.fixture
def desk(open_desk: OpenDesk) -> Desk:
    return open_desk()
