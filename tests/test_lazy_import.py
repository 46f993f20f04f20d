"""A worker holds no library that it does not use."""

import subprocess
import sys

from tests.processes import ROOT

HEAVY = ("alembic", "httpx", "lxml", "requests", "rich", "stripe")
LOADED = f"""
import sys, types
import paywall.app, paywall.cli.main
print([name for name in {HEAVY} if type(sys.modules.get(name)) is types.ModuleType])
"""


def test_a_worker_without_stripe_does_not_load_heavy_libraries() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
