"""A real browser at the newspaper. Whatever the browser complains of fails the test."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    expect,
    sync_playwright,
)

from tests.conftest import PATIENT_SECONDS
from tests.journeys import browser as machine
from tests.journeys.press import NO_CHANGES, Press, printing
from tests.journeys.visitor import Visitor

TIMEOUT_MS = 1000 * PATIENT_SECONDS
expect.set_options(timeout=TIMEOUT_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser does not care for which Python the service runs on."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="package")
def browser(sqlite_template: Path) -> Iterator[Browser]:  # noqa: ARG001 (made before it)
    """One for all journeys, and gone before other tests need a loop in this thread."""
    path = machine.find()
    assert path is not None, machine.MISSING
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=path, args=machine.ARGUMENTS, ignore_default_args=machine.UNWANTED
        )
        yield launched
        launched.close()


@contextmanager
def press_in(
    folder: Path, template: Path, *other_sites: str, selling: Mapping[str, object] = NO_CHANGES
) -> Iterator[Press]:
    """A newspaper whose data are in this folder; a module may have one for all its tests."""
    (folder / "var").mkdir(mode=0o700)
    shutil.copy(template, folder / "var" / "paywall.sqlite3")
    with printing(folder, *other_sites, selling=selling) as running:
        yield running


@pytest.fixture
def press(tmp_path: Path, sqlite_template: Path) -> Iterator[Press]:
    with press_in(tmp_path, sqlite_template) as running:
        yield running


OpenVisitor = Callable[..., Visitor]


@pytest.fixture
def open_visitor(browser: Browser, press: Press) -> Iterator[OpenVisitor]:
    """Opens a browser with options of Playwright's own, such as `java_script_enabled=False`."""
    visitors: list[Visitor] = []

    def opened(**options: object) -> Visitor:
        context = browser.new_context(**{"locale": "en", **options})  # type: ignore[arg-type]  # any options of Playwright's
        context.set_default_timeout(TIMEOUT_MS)
        visitor = Visitor(context, press, str(options.get("locale", "en")))
        visitors.append(visitor)
        return visitor

    yield opened
    for visitor in visitors:
        for page in visitor.context.pages:
            # A handler still at work would fail the next test. One that holds its request
            # never ends, so it is not waited for.
            page.unroute_all(behavior="ignoreErrors")
        visitor.context.close()
    for visitor in visitors:
        visitor.check()


@pytest.fixture
def visitor(open_visitor: OpenVisitor) -> Visitor:
    return open_visitor()
