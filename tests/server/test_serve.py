"""`paywall serve` as a person and a supervisor meet it: real processes, real signals."""

import json
import os
import re
import resource
import select
import signal
import socket
import stat
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from paywall.server.connection_limits import IDLE_SECONDS
from paywall.settings import Settings
from tests import processes
from tests.conftest import PATIENT_SECONDS
from tests.postgres import free_port, psql
from tests.processes import Served, command, environment, serving

# Caddy's `keepalive` of an upstream, where nothing is said; nginx's `keepalive_timeout` is 60.
PROXY_KEEPS_SECONDS = 120
REACHABLE = 'paywall_database_reachable{database="postgresql"}'
FAILED = 'paywall_failed_requests_total{status="503"}'
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"
QUESTION = json.dumps({"article_id": "a1"}).encode()


def _begin_request(served: Served, token: str) -> socket.socket:
    """Send half of a request."""
    at = urlsplit(served.address)
    assert at.hostname
    assert at.port
    connection = socket.create_connection((at.hostname, at.port), timeout=PATIENT_SECONDS)
    head = (
        f"POST /v1/access/check HTTP/1.1\r\nHost: {at.netloc}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(QUESTION)}\r\n\r\n"
    )
    connection.sendall(head.encode() + QUESTION[:5])
    return connection


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_a_stop_answers_what_is_under_way_and_exits_0(tmp_path: Path, number: int) -> None:
    with serving(tmp_path, request_timeout_seconds="20") as served:
        token = served.run("token", "site", "--scope", "access:check").strip()
        with closing(_begin_request(served, token)) as connection:
            served.wait_until(lambda: served.get("/livez").is_success)
            served.process.send_signal(number)
            served.wait_until(lambda: "Shutting down" in served.log.read_text())
            connection.sendall(QUESTION[5:])
            assert connection.recv(100).startswith(b"HTTP/1.1 200 OK")
        assert served.process.wait(20) == 0
        assert _logged(served)[-1]["message"] == "Stopped."


def test_the_proxy_closes_idle_connections_before_the_service_does() -> None:
    """Or a request would be lost that came just as it ended."""
    assert IDLE_SECONDS > PROXY_KEEPS_SECONDS


def test_with_no_settings_it_serves_from_a_folder_that_is_its_own(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700
        assert f"Listening on {served.address}" in served.log.read_text()
        answer = served.get("/livez")
    assert answer.json() == {"status": "alive"}
    assert not {"server", "date"} & set(answer.headers)


def test_data_outlives_a_kill_and_a_restart(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        os.kill(served.process.pid, signal.SIGKILL)
        served.process.wait(10)
    with serving(tmp_path) as served:
        assert "All well." in served.run("doctor")


def test_a_taken_port_is_told_in_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = command("serve", "--port", port, folder=tmp_path, environment=environment())
    assert ended.returncode == 2
    assert f"Cannot listen on 127.0.0.1, port {port}" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
def test_a_taken_metrics_port_is_told_in_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = command(
            "serve", "--port", free_port(), folder=tmp_path,
            environment=environment(metrics_port=str(taken.getsockname()[1])),
        )  # fmt: skip
    assert ended.returncode == 2
    assert "Cannot serve metrics" in ended.stderr


@pytest.mark.slow
def test_a_folder_that_cannot_be_made_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    surroundings = environment(data_dir=str(tmp_path / "taken" / "var"))
    ended = command("serve", "--port", 0, folder=tmp_path, environment=surroundings)
    assert ended.returncode == 2
    assert "Correct data_dir" in ended.stderr


@pytest.mark.slow
def test_sqlite_takes_one_worker(tmp_path: Path) -> None:
    ended = command("serve", "--workers", 2, folder=tmp_path, environment=environment())
    assert ended.returncode == 2
    assert "use PostgreSQL" in ended.stderr


def test_a_second_service_on_one_sqlite_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        ended = command("serve", "--port", free_port(), folder=tmp_path, environment=environment())
        assert ended.returncode == 2
        assert "SQLite allows only one writer" in ended.stderr
        assert served.get("/readyz").is_success


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_on_postgresql_it_waits_for_a_person_to_migrate(tmp_path: Path, empty_url: str) -> None:
    surroundings = environment(database_url=empty_url)
    ended = command("serve", "--port", free_port(), folder=tmp_path, environment=surroundings)
    assert ended.returncode == 2
    assert "run `paywall migrate` first" in ended.stderr
    migrated = command("migrate", folder=tmp_path, environment=surroundings)
    assert migrated.returncode == 0
    with serving(tmp_path, database_url=empty_url) as served:
        assert served.stop() == 0


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
@pytest.mark.slow
def test_a_killed_worker_is_replaced_and_all_counts_are_kept(
    tmp_path: Path, database_url: str
) -> None:
    port = free_port()
    metrics = f"http://127.0.0.1:{port}/metrics"
    with serving(tmp_path, workers=2, database_url=database_url, metrics_port=str(port)) as served:
        first = set(served.workers())
        assert len(first) == 2
        for _ in range(20):
            served.get("/livez")
        counted = _live_requests(metrics)
        assert counted >= 20
        used = _values(metrics)["process_cpu_seconds_total"]
        for pid in first:
            os.kill(pid, signal.SIGKILL)
        served.wait_until(lambda: len(set(served.workers()) - first) == 2)
        served.wait_until_ready()
        assert _live_requests(metrics) == counted
        assert _ends(metrics) == {"died": 2, "hung": 0, "never_came_up": 0}
        assert _warnings(served) == ["a worker died"] * 2
        served.wait_until(lambda: _values(metrics)["paywall_workers"] == 2)
        served.wait_until(lambda: _values(metrics)["paywall_event_loop_lag_seconds_count"] > 0)
        after = _values(metrics)
        assert after["process_cpu_seconds_total"] > used
        assert after["process_max_fds"] == 3 * resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        assert after["process_resident_memory_bytes"] > 3 * 2**25
        assert after["paywall_database_connections_max"] == 2 * Settings().database_pool_size
        # As systemd stops it: every process gets the signal at the same time.
        for pid in served.workers():
            os.kill(pid, signal.SIGTERM)
        assert served.stop() == 0


HANGS_AFTER_SECONDS = 4
# Python runs it at the start of each process. A worker that is sent SIGUSR1 hangs.
SITECUSTOMIZE = f"""
import sys, signal, time
if "--multiprocessing-fork" in sys.orig_argv:
    signal.signal(signal.SIGUSR1, lambda *_: time.sleep(600))
    {{begins}}
elif "serve" in sys.orig_argv:
    from paywall.server import supervisor
    supervisor.SILENT_MAX_SECONDS = {HANGS_AFTER_SECONDS}
"""
DIES_ONCE = """
    import os, pathlib
    time.sleep(2)
    try:
        pathlib.Path("died").touch(exist_ok=False)
        os.kill(os.getpid(), 9)
    except FileExistsError:
        pass
"""


@pytest.fixture
def begin_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """What the processes of a service are to do first."""

    def begin(begins: str) -> None:
        (tmp_path / "sitecustomize.py").write_text(SITECUSTOMIZE.format(begins=begins))
        monkeypatch.setattr(processes, "ROOT", f"{tmp_path}{os.pathsep}{processes.ROOT}")

    return begin


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
@pytest.mark.slow
def test_a_hung_worker_is_replaced_and_a_slow_start_is_not(
    tmp_path: Path, database_url: str, begin_with: Callable[[str], None]
) -> None:
    begin_with(f"time.sleep({HANGS_AFTER_SECONDS + 3})")
    with serving(tmp_path, workers=2, database_url=database_url) as served:
        served.wait_until(lambda: served.log.read_text().count("startup complete") == 2)
        first = served.workers()
        assert _warnings(served) == []
        os.kill(first[0], signal.SIGUSR1)
        served.wait_until(lambda: served.log.read_text().count("startup complete") == 3)
        assert first[0] not in served.workers()
        assert first[1] in served.workers()
        assert _warnings(served) == ["a worker hung"]
        assert served.stop() == 0


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
@pytest.mark.slow
def test_a_worker_that_dies_while_it_is_waited_for_is_replaced(
    tmp_path: Path, database_url: str, begin_with: Callable[[str], None]
) -> None:
    begin_with(DIES_ONCE)
    with serving(tmp_path, workers=2, database_url=database_url) as served:
        served.wait_until(lambda: served.log.read_text().count("startup complete") == 2)
        assert _warnings(served) == ["a worker died"]
        assert len(served.workers()) == 2


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
@pytest.mark.slow
def test_a_worker_that_dies_while_the_database_is_gone_comes_back_with_it(
    tmp_path: Path, database_url: str
) -> None:
    server, _, name = database_url.rpartition("/")
    operator = f"{server}/postgres"
    with serving(tmp_path, workers=2, database_url=database_url) as served:
        served.wait_until(lambda: served.log.read_text().count("startup complete") == 2)
        first = served.workers()
        psql(operator, f"alter database {name} allow_connections false")
        os.kill(first[0], signal.SIGKILL)
        served.wait_until(lambda: _warnings(served).count("a worker died") >= 2)
        psql(operator, f"alter database {name} allow_connections true")
        served.wait_until(lambda: served.log.read_text().count("startup complete") == 3)
        assert first[1] in served.workers()
        assert len(served.workers()) == 2
        assert served.stop() == 0


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_workers_that_cannot_start_end_the_service_with_a_sentence(
    tmp_path: Path, database_url: str, begin_with: Callable[[str], None]
) -> None:
    begin_with("from paywall import app; app.create_app = lambda _: 1 / 0")
    ended = command(
        "serve", "--workers", 2, "--port", free_port(), folder=tmp_path,
        environment=environment(database_url=database_url),
    )  # fmt: skip
    assert ended.returncode == 2
    *_, last = lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert last["message"] == "A worker did not start; the log above says why."
    assert "ZeroDivisionError" in str([line["exception"] for line in lines if "exception" in line])


@pytest.mark.slow
def test_a_killed_service_leaves_no_folder_of_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with serving(tmp_path) as served:
        served.stop(signal.SIGKILL)
    assert _folders_of_metrics(tmp_path) == set()


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
@pytest.mark.slow
def test_workers_of_a_killed_service_end_and_its_metrics_are_removed(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with serving(tmp_path, workers=2, database_url=database_url):
        other = _folders_of_metrics(tmp_path)
        with serving(tmp_path, workers=2, database_url=database_url) as killed:
            left = _folders_of_metrics(tmp_path) - other
            workers, port = killed.workers(), int(killed.address.rpartition(":")[2])
            killed.stop(signal.SIGKILL)
            _wait_until_gone(workers)
        assert len(other) == len(left) == 1
        assert _folders_of_metrics(tmp_path) == other | left
        with serving(tmp_path, workers=2, port=port, database_url=database_url):
            assert len(_folders_of_metrics(tmp_path) - left) == 2
            assert _folders_of_metrics(tmp_path) >= other
            assert not _folders_of_metrics(tmp_path) & left
    assert _folders_of_metrics(tmp_path) == set()


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_readiness_is_lost_with_the_database_and_life_is_not(
    tmp_path: Path, database_url: str
) -> None:
    server, _, name = database_url.rpartition("/")
    port = free_port()
    metrics = f"http://127.0.0.1:{port}/metrics"
    with serving(tmp_path, database_url=database_url, metrics_port=str(port)) as served:
        before = _values(metrics)
        psql(f"{server}/postgres", f"drop database {name} with (force)")
        lost = served.get("/readyz")
        assert lost.status_code == 503
        assert lost.headers["content-type"] == "application/problem+json"
        assert served.get("/livez").status_code == 200
        assert _check(served, traceparent=TRACEPARENT).status_code == 503
        assert _logged(served)[-1]["trace_id"] == TRACE_ID
        served.wait_until(lambda: not _values(metrics)[REACHABLE])
        assert before[REACHABLE] == 1
        assert (before[FAILED], _values(metrics)[FAILED]) == (0, 2)


@pytest.mark.slow
def test_below_the_log_level_nothing_is_logged(tmp_path: Path) -> None:
    with serving(tmp_path, log_level="warning") as served:
        assert served.get("/v1/me").status_code == 401
        assert served.log.read_text() == ""


def _wait_until_gone(workers: list[int]) -> None:
    """Until these processes have ended, which are no children of ours."""
    with ExitStack() as stack:
        waiting = select.poll()
        for pid in workers:
            with suppress(ProcessLookupError):
                descriptor = os.pidfd_open(pid)
                stack.callback(os.close, descriptor)
                waiting.register(descriptor, select.POLLIN)
                assert waiting.poll(PATIENT_SECONDS * 1000), f"the worker {pid} goes on"
                waiting.unregister(descriptor)


def _warnings(served: Served) -> list[str]:
    """What the supervisor warns of."""
    warned = [line["message"] for line in _logged(served) if line["level"] == "warning"]
    return [message for message in warned if message.startswith("a worker")]


def _logged(served: Served) -> list[dict[str, str]]:
    """Every line of the log, each of which is JSON."""
    return [json.loads(line) for line in served.log.read_text().splitlines()]


def _check(served: Served, **headers: str) -> httpx.Response:
    token = served.site_token("access:check")
    authorization = {"Authorization": f"Bearer {token}"}
    return processes.CLIENT.post(
        f"{served.address}/v1/access/check",
        content=QUESTION,
        headers={**authorization, "Content-Type": "application/json", **headers},
    )


def _ends(metrics: str) -> dict[str, float]:
    """How many workers had to be replaced, by how they ended."""
    shown = [re.match(r'paywall_worker_ends_total{how="(\w+)"} (.*)', it) for it in _shown(metrics)]
    return {found[1]: float(found[2]) for found in shown if found}


def _folders_of_metrics(folder: Path) -> set[Path]:
    return set(folder.glob("paywall-metrics-*"))


def _live_requests(metrics: str) -> float:
    return sum(
        float(line.rpartition(" ")[2])
        for line in _shown(metrics)
        if line.startswith('paywall_request_seconds_count{method="GET",route="/livez"')
    )


def _values(metrics: str) -> dict[str, float]:
    """Each series and its value."""
    lines = (line.rpartition(" ") for line in _shown(metrics) if not line.startswith("#"))
    return {series: float(value) for series, _, value in lines}


def _shown(metrics: str) -> list[str]:
    return processes.CLIENT.get(metrics).text.splitlines()
