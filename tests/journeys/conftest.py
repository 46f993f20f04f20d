"""A real browser at the newspaper. Whatever the browser complains of fails the test."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    expect,
    sync_playwright,
)

from tests.conftest import PATIENT_SECONDS
from tests.journeys import browser as machine
from tests.journeys.desk import Desk
from tests.journeys.press import Press, printing

TIMEOUT_MS = 1000 * PATIENT_SECONDS
expect.set_options(timeout=TIMEOUT_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser does not care for which Python the service runs on."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One for all journeys, and gone before other tests need a loop in this thread."""
    path = machine.find()
    assert path is not None, machine.MISSING
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=path, args=machine.ARGUMENTS, ignore_default_args=machine.UNWANTED
        )
        yield launched
        launched.close()


@pytest.fixture
def press(tmp_path: Path, sqlite_template: Path) -> Iterator[Press]:
    (tmp_path / "var").mkdir(mode=0o700)
    shutil.copy(sqlite_template, tmp_path / "var" / "paywall.sqlite3")
    with printing(tmp_path) as running:
        yield running


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
