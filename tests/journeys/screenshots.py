"""`make screenshots`: a picture of every state in light, in dark and on a small telephone.

All go to `screenshots/`; those that the README and docs/ show are kept beside this file.
"""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, sync_playwright

from tests.journeys import browser as machine
from tests.journeys.press import printing
from tests.journeys.states import LOOKS, STATES
from tests.journeys.visitor import Visitor

ROOT = Path(__file__).parents[2]
ALL = ROOT / "screenshots"
KEPT = Path(__file__).parent / "pictures"
IN_DOCS = (
    "front-light",
    "unlock_dialog-dark",
    "unlock_dialog_in_khmer-small",
    "cancel_dialog-light",
)


def take(browser: Browser, state: str, look: str) -> None:
    """One picture, of a newspaper of its own."""
    with TemporaryDirectory() as folder, printing(Path(folder)) as press:
        context = browser.new_context(locale="en", reduced_motion="reduce", **LOOKS[look])  # type: ignore[arg-type]  # options of Playwright's
        page = STATES[state](Visitor(context, press))
        # Pictures near the window's edge are loaded late.
        page.wait_for_load_state("networkidle")
        page.screenshot(path=ALL / f"{state}-{look}.png")
        context.close()


def main() -> None:
    path = machine.find()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=machine.ARGUMENTS)
        for state in STATES:
            for look in LOOKS:
                take(browser, state, look)
        browser.close()
    KEPT.mkdir(exist_ok=True)
    for name in IN_DOCS:
        shutil.copy(ALL / f"{name}.png", KEPT)


if __name__ == "__main__":
    ALL.mkdir(exist_ok=True)
    main()
