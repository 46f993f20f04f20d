"""A browser for the journeys: the machine's own, or Debian's where this user may install it.

`python -m tests.journeys.browser` sees to it before the tests, and says in a sentence what to do.
"""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    # Root cannot have the browser's sandbox; the pages are our own.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    # An answer that a test hands through has no address, which this would then ask about.
    "--disable-features=LocalNetworkAccessChecks",
]
UNWANTED = [
    # Readers have the back/forward cache, so journeys do as well. A page that comes back from it
    # has no `load` event: pass `wait_until="commit"` to `go_back`.
    "--disable-back-forward-cache",
]
MISSING = (
    "The journeys need a browser: install Chromium (Debian and Ubuntu: apt-get install chromium;"
    " elsewhere from your package manager), so that `chromium` or `google-chrome` is on the PATH."
)


def find() -> str | None:
    """The path of a browser that Playwright can drive."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def install() -> None:
    """Install Debian's, where this user may: as root, with apt."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    sys.stderr.write("Installing chromium, which the journeys of the tests need…\n")
    for words in ("update -qq", "install -y -qq --no-install-recommends chromium fonts-khmeros"):
        command = ["apt-get", "-o", "DPkg::Lock::Timeout=300", *words.split()]
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    if find() is None:
        install()
    if find() is None:
        sys.exit(MISSING)
