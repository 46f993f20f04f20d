"""The newspaper's own pages."""

from collections.abc import Callable

from playwright.sync_api import Page

from tests.journeys.visitor import Visitor


def front(visitor: Visitor) -> Page:
    return visitor.tab()


def front_in_khmer(visitor: Visitor) -> Page:
    page = visitor.tab()
    page.locator(".languages button[value=km]").click()
    page.locator("html[lang=km]").wait_for()
    return page


def section(visitor: Visitor) -> Page:
    return visitor.tab("/section/money")


def archive_in_khmer(visitor: Visitor) -> Page:
    front_in_khmer(visitor)
    return visitor.tab("/archive")


def missing(visitor: Visitor) -> Page:
    visitor.expect("status of 404")
    return visitor.tab("/nowhere/at-all")


def sign_in(visitor: Visitor) -> Page:
    return visitor.tab("/sign-in")


STATES: tuple[Callable[[Visitor], Page], ...] = (
    front,
    front_in_khmer,
    section,
    archive_in_khmer,
    missing,
    sign_in,
)
