"""Runs the stand-in for Stripe in a process of its own beside the service."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from paywall.server.serve import CannotServe

READY_WITHIN_SECONDS = 30.0
STOPPED_WITHIN_SECONDS = 20
POLL_SECONDS = 0.1
API_KEY, WEBHOOK_SECRET = "sk_test_sandbox", "whsec_sandbox"


def free_port() -> int:
    """A port that is free at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_stand_in(folder: Path, port: int) -> Iterator[str]:
    """Run a stand-in that keeps its state in this folder; yields its address.

    The environment is set for a service at this port, as an operator would set it. Raises
    CannotServe where the stand-in does not start.
    """
    own_port = free_port()
    address, service = f"http://127.0.0.1:{own_port}", f"http://127.0.0.1:{port}"
    log = folder / "standin.log"
    command = [
        sys.executable, "-m", "paywall.sandbox.stripe", "--port", str(own_port),
        "--webhook", f"{service}/v1/webhooks/stripe", "--secret", WEBHOOK_SECRET,
        "--file", str(folder / "standin.json"),
    ]  # fmt: skip
    with log.open("ab") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)  # noqa: S603 (a fixed command)
    try:
        _wait_until_ready(process, address, log)
        os.environ |= {
            "PAYWALL_STRIPE_SECRET_KEY": API_KEY,
            "PAYWALL_STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET,
            "PAYWALL_STRIPE_API_BASE": address,
            "PAYWALL_SANDBOX_CLOCK_URL": f"{address}/clock",
        }
        os.environ.setdefault("PAYWALL_ALLOWED_ORIGINS", service)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(STOPPED_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while not _is_ready(address):
        if process.poll() is not None or time.monotonic() > deadline:
            raise CannotServe(f"The stand-in for Stripe did not start. The reason is in {log}.")
        time.sleep(POLL_SECONDS)


def _is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/clock", timeout=1).is_success
    except httpx.TransportError:
        return False
