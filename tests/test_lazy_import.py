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


def test_a_worker_that_sells_nothing_by_stripe_loads_neither_its_sdk_nor_other_heavy_ones() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
