"""The newspaper's own pages."""

from collections.abc import Callable, Iterator

from playwright.sync_api import Page

from tests.journeys.visitor import Visitor

PATHS = {
    "front": "/",
    "section": "/section/money",
    "archive": "/archive",
    "missing": "/nowhere/at-all",
    "sign_in": "/sign-in",
}


def newspaper(visitor: Visitor) -> Iterator[tuple[str, Page]]:
    visitor.expect("status of 404")
    page = visitor.tab()
    for name, path in PATHS.items():
        page.goto(f"{visitor.press.paper}{path}")
        yield name, page


WALKS: tuple[Callable[[Visitor], Iterator[tuple[str, Page]]], ...] = (newspaper,)
