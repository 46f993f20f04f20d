"""The service's main job, done by a container of the image.

    python -m tests.image.job FOLDER ROOT

FOLDER has the image's `config.json`; ROOT are the files of a container.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.image.contained import Container

ADDRESS = "http://127.0.0.1:8000"
SCOPES = "access:check articles:write subscribers:write readers:token"
HEALTHY_WITHIN_SECONDS = 60
STOPS_WITHIN_SECONDS = 20


def main(folder: Path, root: Path) -> None:
    """Raises AssertionError at the first thing that does not hold."""
    volume = folder / "var"
    volume.mkdir(mode=0o700)
    container = Container(root, volume, json.loads((folder / "config.json").read_text()))
    _report(
        "it is not root, has no capability and cannot gain any", holds=_is_unprivileged(container)
    )
    _report("its files are read-only", holds=_is_read_only(container))
    _report("it is not healthy before it runs", holds=not container.is_healthy())
    with _running(container, folder / "first.log"):
        token = _site_token(container)
        _report("a reader unlocks an article, once", holds=_unlocks_once(token))
        _report("who unlocked it is granted, nobody else", holds=_gates(token))
    with _running(container, folder / "second.log"):
        _report("the volume keeps what was unlocked", holds=_gates(token))
    sys.stdout.write("The image holds. Next: docs/operate.md shows how to run it.\n")


def _is_unprivileged(container: Container) -> bool:
    status = container.run("cat", "/proc/self/status").stdout
    found = dict(re.findall(r"^(Uid|CapEff|NoNewPrivs):\s+(\S+)", status, re.MULTILINE))
    return found == {"Uid": str(container.user), "CapEff": "0" * 16, "NoNewPrivs": "1"}


def _is_read_only(container: Container) -> bool:
    refused = container.run("touch", "/opt/paywall/new")
    return "Read-only file system" in refused.stdout


@contextmanager
def _running(container: Container, log: Path) -> Iterator[None]:
    """Run the image's own command until it is stopped as an engine stops it."""
    process = container.start(log)
    try:
        _wait(container.is_healthy, log)
        yield
        os.kill(_first_process(process), signal.SIGTERM)
        _report("SIGTERM ends it with status 0", holds=process.wait(STOPS_WITHIN_SECONDS) == 0)
    finally:
        if process.poll() is None:
            os.kill(_first_process(process), signal.SIGKILL)
            process.wait()


def _first_process(unshare: "subprocess.Popen[bytes]") -> int:
    """The container's first process, which has to react to signals by itself."""
    children = Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children").read_text().split()
    return int(children[0])


def _wait(holds: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + HEALTHY_WITHIN_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(log.read_text())
    _report("it is healthy", holds=True)


def _site_token(container: Container) -> str:
    printed = container.run("paywall", "token", "site", "--scope", SCOPES).stdout
    (token,) = re.findall(r"^(ey\S+)$", printed, re.MULTILINE)
    return str(token)


def _unlocks_once(token: str) -> bool:
    with _client(token) as site:
        article = {"title": "Rain", "policy": "premium", "body_html": "<p>It rains.</p>" * 9}
        site.put("/v1/articles/rain", json=article).raise_for_status()
        grant = {"amount": 1, "source": "promotion", "reference": "one"}
        site.post("/v1/subscribers/ann/grants", json=grant).raise_for_status()
        reader_token = site.post("/v1/readers/ann/token", json={}).json()["token"]
    with _client(reader_token) as reader:
        clicks = [reader.post("/v1/me/unlocks", json={"article_id": "rain"}) for _ in range(2)]
    return [click.status_code for click in clicks] == [201, 200]


def _gates(token: str) -> bool:
    with _client(token) as site:
        decisions = [
            site.post("/v1/access/check", json={"article_id": "rain", "reader_id": reader}).json()
            for reader in ("ann", "bob")
        ]
    return [it["granted"] for it in decisions] == [True, False]


def _client(token: str) -> httpx.Client:
    return httpx.Client(base_url=ADDRESS, headers={"Authorization": f"Bearer {token}"}, timeout=10)


def _report(what: str, *, holds: bool) -> None:
    assert holds, what
    sys.stdout.write(f"Held: {what}.\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
