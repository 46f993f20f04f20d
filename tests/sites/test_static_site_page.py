"""docs/static-site.md, from nothing to working: its program, its commands, both proxies."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.docs import ROOT
from tests.processes import serving
from tests.sites.proxies import PROXIES
from tests.sites.static_site import StaticSite, block, fetch, running_site

WHOLE, PREVIEW = "Every tenth sack came back late.", "The rice bank"
OTHER_WHOLE, OTHER_PREVIEW = "It leaves at nine.", "The night"


@pytest.mark.parametrize("proxy", PROXIES)
def test_the_page_leads_from_nothing_to_a_site_that_asks(proxy: str, tmp_path: Path) -> None:
    site = StaticSite(tmp_path / "public", tmp_path / "gated")
    with serving(tmp_path, forward_auth_paths="/articles/{id}/") as served:
        commands = Path(sys.executable).parent
        token = served.site_token("articles:write subscribers:write")
        exported = {"API": served.address, "SITE": str(tmp_path), "SITE_TOKEN": token}
        environment = {**os.environ, **served.environment, **exported}
        (tmp_path / "build.py").write_text(block("build", "python"), encoding="utf-8")
        subprocess.run([sys.executable, "build.py"], cwd=tmp_path, env=environment, check=True)
        address, check = served.address.removeprefix("http://"), served.site_token("access:check")
        with running_site(proxy, tmp_path / proxy, site, address, check) as port:
            assert "/articles/rice-bank/" in fetch(port, "/").text
            script = block("read", "sh").replace("127.0.0.1:8080", f"127.0.0.1:{port}")
            script = script.replace(".venv/bin/", f"{commands}/")
            before, unlock, ann, own, other = _commands_of(script)
            shown = [
                subprocess.run(
                    ["bash", "-euc", f"{ann}\n{command}"],  # noqa: S607 (the shell that a person has)
                    cwd=tmp_path, env=environment, check=True, capture_output=True, text=True,
                ).stdout
                for command in (before, unlock, own, other)
            ]  # fmt: skip
    assert PREVIEW in shown[0]
    assert WHOLE not in shown[0]
    assert WHOLE in shown[2]
    assert OTHER_PREVIEW in shown[3]
    assert OTHER_WHOLE not in shown[3]


def test_the_commands_of_the_page_start_caddy_with_a_token(tmp_path: Path) -> None:
    script = block("caddy", "sh").replace(".venv/bin/", f"{Path(sys.executable).parent}/")
    # Instead of serving, Caddy prints the configuration with the values from the environment.
    script = script.replace("caddy run --config ", f"caddy adapt --config {ROOT}/")
    printed = subprocess.run(
        ["bash", "-euc", script],  # noqa: S607 (the shell that a person has)
        cwd=tmp_path, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert re.search(r'"X-Paywall-Site-Token":\["ey[\w.-]{100,}"\]', printed.stdout), printed.stderr


def _commands_of(script: str) -> list[str]:
    return script.replace("\\\n", " ").strip().split("\n")
