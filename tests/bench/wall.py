"""`python -m tests.bench.wall`: how soon the wall can be used, from the start of the navigation.

A part of `make bench`. No file comes from a cache. The page's own links work as soon as they are
painted; the script's buttons take their place. For a reader these need three more answers, one
after the other: the site's token, the browser's question whether it may be sent, and what it gets.
"""

import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from playwright.sync_api import Browser, sync_playwright

from tests.journeys import browser as machine
from tests.journeys.press import Press, printing

ARTICLE = "/rice-bank"
ROUNDS = 5
NOTE_WHEN_USABLE = """
new MutationObserver((_, observer) => {
  if (!document.querySelector("paywall-gate button[type=button]")) return;
  window.usable = performance.now();
  observer.disconnect();
}).observe(document, { childList: true, subtree: true });
"""
PAINTED_AND_USABLE = """() => [
  performance.getEntriesByName("first-contentful-paint")[0].startTime, window.usable,
]"""


class Network(NamedTuple):
    """A way to the newspaper, and within what time its wall has to be usable."""

    name: str
    bytes_per_second: int
    latency_ms: int
    processor_slowdown: int
    limit_seconds: float


NETWORKS = (
    Network("a fast line", -1, 0, 1, 1.0),
    Network("50 kB/s, 400 ms, a processor four times slower", 50_000, 400, 4, 2.5),
)


def visit(
    browser: Browser, press: Press, network: Network, reader: str | None
) -> tuple[float, float]:
    """Seconds to the links and to the buttons, for somebody who was never here before."""
    context = browser.new_context(locale="en")
    if reader:
        context.request.post(f"{press.paper}/sign-in", form={"reader": reader}, max_redirects=0)
    context.add_init_script(NOTE_WHEN_USABLE)
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": network.latency_ms,
            "downloadThroughput": network.bytes_per_second,
            "uploadThroughput": network.bytes_per_second,
        },
    )
    session.send("Emulation.setCPUThrottlingRate", {"rate": network.processor_slowdown})
    page.goto(f"{press.paper}{ARTICLE}", wait_until="commit")
    page.locator("paywall-gate button[type=button]").first.wait_for()
    painted_ms, usable_ms = page.evaluate(PAINTED_AND_USABLE)
    context.close()
    return painted_ms / 1000, usable_ms / 1000


def main() -> int:
    """Print a line for each way and viewer; 1 if buttons (a reader's: links) come too late."""
    is_slow = False
    path = machine.find()
    assert path is not None, machine.MISSING
    with sync_playwright() as playwright, TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=path, args=machine.ARGUMENTS)
        with printing(Path(folder)) as press:
            for network in NETWORKS:
                for who, reader in (("visitor", None), ("reader", "ann")):
                    visits = [visit(browser, press, network, reader) for _ in range(ROUNDS)]
                    links, buttons = (median(times) for times in zip(*visits, strict=True))
                    is_slow |= (links if reader else buttons) > network.limit_seconds
                    sys.stdout.write(
                        f"The wall of a {who} on {network.name}: links after {links:.2f} s, buttons"
                        f" after {buttons:.2f} s (at most {network.limit_seconds} s)\n"
                    )
        browser.close()
    return int(is_slow)


if __name__ == "__main__":
    sys.exit(main())
