"""`make screenshots`: every state in light, dark, on a small telephone, on paper and in Khmer.

All go to `screenshots/`, with `index.html` to look at them side by side; those that the README and
docs/ show are kept beside this file. What axe finds in Khmer, or is cut off there, is printed, and
the command fails: the tests look at English alone.
"""

import shutil
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from html import escape
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, sync_playwright

from tests.journeys import browser as machine
from tests.journeys.looks import DARK, LIGHT, PRINTED, SMALL, TELEPHONE, Look, faults, wear
from tests.journeys.press import printing
from tests.journeys.states import WALKS
from tests.journeys.visitor import Visitor

ROOT = Path(__file__).parents[2]
ALL = ROOT / "screenshots"
KEPT = Path(__file__).parent / "pictures"
# In the order in which they are taken; the walk goes on in the last one of its language.
LOOKS: dict[str, dict[str, Look]] = {
    "en": {"dark": DARK, "small": SMALL, "printed": PRINTED, "light": LIGHT},
    "km": {"khmer": TELEPHONE},
}
ROWS = ("light", "dark", "small", "khmer", "printed")
IN_DOCS = (
    "front-light",
    "unlock_dialog-dark",
    "unlock_dialog-khmer",
    "cancel_dialog-light",
    "account-light",
)
HEIGHT_PX_MAX = 2000
PROCESSES = 2
TO_WEBP = """async (png) => {
  const read = await fetch(`data:image/png;base64,${png}`);
  const picture = await createImageBitmap(await read.blob());
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: picture.width, height: picture.height });
  canvas.getContext("2d").drawImage(picture, 0, 0);
  return canvas.toDataURL("image/webp", 0.9).split(",")[1];
}"""


def photograph(page: Page, name: str) -> None:
    """The whole page; of the newspaper's front page, and behind a question, one window of it."""
    # Pictures near the window's edge are loaded late.
    page.wait_for_load_state("networkidle")
    path = ALL / f"{name}.png"
    dialog = page.locator("dialog[open]")
    if name.startswith("front-") or dialog.count():
        dialog.evaluate_all("all => all[0]?.parentElement.scrollIntoView({ block: 'center' })")
        page.screenshot(path=path)
        return
    height = page.evaluate("document.documentElement.scrollHeight")
    window = page.viewport_size or {"width": 0, "height": 0}
    clip = {"x": 0, "y": 0, "width": window["width"], "height": min(height, HEIGHT_PX_MAX)}
    page.screenshot(path=path, full_page=True, clip=clip)  # type: ignore[arg-type]  # of that shape


def pictures_of(walk: str, language: str, browser: Browser, folder: Path) -> Iterator[str]:
    """Take the pictures of a walk, at a newspaper of its own, and yield what is wrong in Khmer."""
    with printing(folder) as press:
        context = browser.new_context(locale=language, reduced_motion="reduce")
        for name, page in WALKS[walk](Visitor(context, press, language)):
            for kind, look in LOOKS[language].items():
                wear(page, look)
                photograph(page, f"{name}-{kind}")
            if language == "km":
                for fault in faults(page, TELEPHONE):
                    yield f"{name}: {fault}"
        context.close()


def take(walk: str, language: str) -> list[str]:
    """In a process of its own, with a browser of its own; a walk that fails is a fault, too."""
    with sync_playwright() as playwright, TemporaryDirectory() as folder:
        path = machine.find()
        browser = playwright.chromium.launch(executable_path=path, args=machine.ARGUMENTS)
        try:
            return list(pictures_of(walk, language, browser, Path(folder)))
        except Exception as error:  # noqa: BLE001 (the other walks go on)
            return [f"{walk} ({language}) failed: {error!r}"]
        finally:
            browser.close()


def index() -> str:
    """A page with a row for each state."""
    names = sorted({path.stem.rpartition("-")[0] for path in ALL.glob("*.png")})
    rows = [
        f"<h2>{escape(name)}</h2><p>"
        + "".join(
            f'<a href="{name}-{kind}.png"><img src="{name}-{kind}.png" alt="{kind}"></a>'
            for kind in ROWS
        )
        for name in names
    ]
    style = "img { width: 19vw; vertical-align: top; border: 1px solid #999 }"
    return f"<!doctype html><meta charset=utf-8><title>States</title><style>{style}</style>" + (
        "\n".join(rows)
    )


def keep() -> None:
    """Write those of the documentation as WebP, which is half as large."""
    KEPT.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        path = machine.find()
        browser = playwright.chromium.launch(executable_path=path, args=machine.ARGUMENTS)
        page = browser.new_page()
        for name in IN_DOCS:
            png = b64encode((ALL / f"{name}.png").read_bytes()).decode()
            (KEPT / f"{name}.webp").write_bytes(b64decode(page.evaluate(TO_WEBP, png)))
        browser.close()


def main() -> int:
    shutil.rmtree(ALL, ignore_errors=True)
    ALL.mkdir()
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        waiting = [pool.submit(take, walk, language) for walk in WALKS for language in LOOKS]
        found = [fault for one in waiting for fault in one.result()]
    (ALL / "index.html").write_text(index(), "utf-8")
    keep()
    sys.stdout.writelines(f"{fault}\n" for fault in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
