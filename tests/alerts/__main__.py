"""`make test-alerts`: a real Prometheus sees each alert fire, once its cause is made.

Its rules are those of docker/monitoring/alerts.yaml with shorter times, since nobody would wait
for them: see SHORTER. Needs root, for a disk of its own, and Debian's package `prometheus`.
"""

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import httpx
import pytest

from paywall.sandbox.stripe_process import API_KEY, WEBHOOK_SECRET
from paywall.server.connection_limits import raise_open_files
from tests import processes
from tests.alerts.causes import CAUSES, Place
from tests.alerts.rules import FOLDER
from tests.disk import small_disk
from tests.postgres import free_port, postgres_server, psql
from tests.processes import CLIENT, command, environment, serving

SHORTER = (
    (r"\[(2m|5m|10m|15m|1h)\]", "[15s]"),
    (r"\bfor: \w+", "for: 1s"),
    (r"> 1800", "> 20"),
)
PROMETHEUS = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [alerts.yaml]
scrape_configs:
  - job_name: paywall
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""
# Python runs it at the start of each worker: the tasks run every 300 s otherwise.
SITECUSTOMIZE = """
import sys
if "--multiprocessing-fork" in sys.orig_argv:
    from paywall.processors.stripe import reconcile
    from paywall.server import housekeeping
    housekeeping.run_housekeeping.__defaults__ = (2.0,)
    reconcile.EVERY_SECONDS = 2.0
"""
PACK = """
insert into pack (id, title, credits, prices, created_at)
values ('five', 'Five', 5, '[{"amount": 200, "currency": "usd"}]', now())
"""
FIRES_WITHIN_SECONDS = 90
QUIET_WITHIN_SECONDS = 90
DISK_BYTES = 1200 * 1024 * 1024


class Trial(NamedTuple):
    """An alert, and after how many seconds it fired; None if it did not."""

    alert: str
    seconds: float | None
    was_quiet: bool


def main() -> None:
    raise_open_files()
    wanted = sys.argv[1:] or list(CAUSES)
    with TemporaryDirectory(prefix="paywall-alerts-") as name, _place(Path(name)) as (place, at):
        trials = [_try(alert, place, at) for alert in wanted]
    for one in trials:
        fired = "did not fire" if one.seconds is None else f"fired after {one.seconds:.0f} s"
        before = "" if one.was_quiet else ", and was firing before its cause"
        sys.stdout.write(f"{one.alert:<28} {fired}{before}\n")
    if any(one.seconds is None or not one.was_quiet for one in trials):
        sys.exit(1)


def _try(alert: str, place: Place, prometheus: str) -> Trial:
    was_quiet = _wait_until(prometheus, alert, fires=False, seconds=QUIET_WITHIN_SECONDS)
    begun = time.monotonic()
    with CAUSES[alert](place):
        fired = _wait_until(prometheus, alert, fires=True, seconds=FIRES_WITHIN_SECONDS)
        seconds = time.monotonic() - begun
    sys.stderr.write(f"{alert}: {'fired' if fired else 'did not fire'}\n")
    place.served.wait_until_ready()
    return Trial(alert, seconds if fired else None, was_quiet)


def _wait_until(prometheus: str, alert: str, *, fires: bool, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if _is_firing(prometheus, alert) == fires:
            return True
        time.sleep(0.5)
    return False


def _is_firing(prometheus: str, alert: str) -> bool:
    return _has_result(prometheus, f'ALERTS{{alertname="{alert}",alertstate="firing"}}')


def _has_result(prometheus: str, query: str) -> bool:
    answer = CLIENT.get(f"{prometheus}/api/v1/query", params={"query": query})
    return bool(answer.raise_for_status().json()["data"]["result"])


@contextmanager
def _place(folder: Path) -> Iterator[tuple[Place, str]]:
    """The service, and the address of a Prometheus that has seen it."""
    (folder / "sitecustomize.py").write_text(SITECUSTOMIZE)
    with ExitStack() as stack:
        monkeypatch = stack.enter_context(pytest.MonkeyPatch.context())
        monkeypatch.setattr(processes, "ROOT", f"{folder}:{processes.ROOT}")
        disk = folder / "disk"
        stack.enter_context(small_disk(disk, DISK_BYTES))
        postgres = stack.enter_context(postgres_server())
        psql(f"{postgres.address}/postgres", "create database paywall")
        port = free_port()
        settings = {
            "database_url": f"{postgres.address}/paywall",
            "database_pool_size": "2",
            "connections_max": "400",
            # More than waits for a lock, and less than a loop asks.
            "reader_writes_per_minute_max": "200",
            "data_dir": str(disk),
            "metrics_port": str(port),
            "allowed_origins": "http://paper.example",
            "stripe_secret_key": API_KEY,
            "stripe_webhook_secrets": WEBHOOK_SECRET,
            "stripe_api_base": stack.enter_context(_stand_in(folder)),
        }
        _run(folder, settings, "migrate")
        psql(settings["database_url"], PACK)
        _run(folder, settings, "catalogue", "sync", "--yes")
        served = stack.enter_context(serving(folder, workers=2, port=free_port(), **settings))
        prometheus = stack.enter_context(_prometheus(folder, port))
        yield Place(served, postgres, settings["database_url"], disk), prometheus


@contextmanager
def _stand_in(folder: Path) -> Iterator[str]:
    """A stand-in for Stripe that sends no webhooks; the service finds its events by itself."""
    port = free_port()
    words = ("-m", "paywall.sandbox.stripe", "--port", str(port), "--secret", WEBHOOK_SECRET)
    with _process(folder / "standin.log", sys.executable, *words):
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/clock")
        yield address


@contextmanager
def _prometheus(folder: Path, metrics_port: int) -> Iterator[str]:
    rules = (FOLDER / "alerts.yaml").read_text(encoding="utf-8")
    for pattern, shorter in SHORTER:
        rules = re.sub(pattern, shorter, rules)
    (folder / "alerts.yaml").write_text(rules, encoding="utf-8")
    (folder / "prometheus.yml").write_text(PROMETHEUS.format(port=metrics_port))
    port = free_port()
    with _process(
        folder / "prometheus.log", "/usr/bin/prometheus",
        f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ):  # fmt: skip
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/-/ready")
        # A counter that is first seen at 1 has not increased.
        while not _has_result(address, 'sum_over_time(up{job="paywall"}[10s]) >= 3'):
            time.sleep(0.5)
        yield address


@contextmanager
def _process(log: Path, *words: str) -> Iterator[None]:
    with log.open("ab") as out:
        process = subprocess.Popen(words, stdout=out, stderr=out, env=environment())
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + processes.READY_WITHIN_SECONDS
    while time.monotonic() < deadline:
        try:
            if CLIENT.get(address).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise RuntimeError(f"{address} did not answer in time.")


def _run(folder: Path, settings: Mapping[str, str], *words: str) -> None:
    done = command(*words, folder=folder, environment=environment(**settings))
    if done.returncode:
        raise RuntimeError(done.stderr)


if __name__ == "__main__":
    main()
