"""The PHP site of the documentation, run as its page says."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.postgres import free_port
from tests.processes import ROOT, Served, playing
from tests.sites.packages import program
from tests.story import assignments

EXAMPLE = re.compile(r"<!-- example -->\n```php\n(.+?)```", re.DOTALL)


@contextmanager
def _php_site(folder: Path, sandbox: Served) -> Iterator[httpx.Client]:
    found = EXAMPLE.search((ROOT / "docs" / "php-site.md").read_text(encoding="utf-8"))
    assert found
    (folder / "index.php").write_text(found[1], encoding="utf-8")
    exported = dict(line.split("=", 1) for line in assignments(sandbox))
    address = f"127.0.0.1:{free_port()}"
    with (folder / "php.log").open("w") as log:
        site = subprocess.Popen(
            [program("php") or "php", "-d", "error_reporting=-1", "-S", address, "index.php"],
            cwd=folder, env={**os.environ, **exported}, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        with httpx.Client(base_url=f"http://{address}", timeout=30) as http:
            sandbox.wait_until(lambda: _answers(http))
            yield http
    finally:
        site.terminate()
        site.wait(20)


def _answers(http: httpx.Client) -> bool:
    try:
        return http.get("/rice-bank").is_success
    except httpx.TransportError:
        return False


def test_the_php_site_shows_bodies_only_to_readers_who_may_read(tmp_path: Path) -> None:
    with playing(tmp_path) as sandbox, _php_site(tmp_path, sandbox) as site:
        denied = site.get("/rice-bank", headers={"Cookie": "reader=ann"}).text
        assert "<paywall-gate article='rice-bank'>" in denied
        assert "tenth sack" not in denied
        token = site.post("/paywall-token", headers={"Cookie": "reader=ann"}).json()["token"]
        unlocked = httpx.post(
            f"{sandbox.address}/v1/me/unlocks", headers={"Authorization": f"Bearer {token}"},
            json={"article_id": "rice-bank", "max_cost": 1},
        )  # fmt: skip
        assert unlocked.status_code == 201, unlocked.text
        assert "tenth sack" in site.get("/rice-bank", headers={"Cookie": "reader=ann"}).text
        assert "tenth sack" not in site.get("/rice-bank").text
        assert site.post("/paywall-token").status_code == 204
        assert site.get("/paywall-token").status_code == 404
        assert site.get("/no-such-article").status_code == 404
        assert site.get("/a%5Cb").status_code == 404
        sandbox.stop()
        away = site.get("/rice-bank", headers={"Cookie": "reader=ann"})
    assert (away.status_code, "tonnes" in away.text) == (503, False)
    log = (tmp_path / "php.log").read_text()
    assert "Warning" not in log, log
    assert "Deprecated" not in log, log


def test_a_visitor_keeps_the_id_by_which_views_are_counted(tmp_path: Path) -> None:
    with playing(tmp_path) as sandbox, _php_site(tmp_path, sandbox) as site:
        site.cookies.clear()
        first = site.get("/rice-bank")
        assert re.fullmatch(r"[0-9a-f]{32}", first.cookies["visitor"])
        assert "httponly" in first.headers["set-cookie"].lower()
        assert "set-cookie" not in site.get("/rice-bank").headers
