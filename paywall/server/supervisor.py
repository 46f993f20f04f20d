"""Starts workers on one listening socket, replaces those that die or hang, and stops them.

At SIGHUP it replaces all of them, one after the other: each new one serves before an old one stops.

A socket pair connects each worker to the supervisor. The worker's event loop sends heartbeats on
it. When either process ends, however it ends, the other side reads the end of the stream.
"""

import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import wait
from types import FrameType

import uvicorn

from paywall import telemetry
from paywall.server.graceful_server import GracefulServer
from paywall.telemetry import WorkerEnd, log_uncaught_errors, logger

HEARTBEAT = b"."
HEARTBEATS_READ_MAX_BYTES = 4096
# uvicorn's main loop ticks every 0.1 s.
HEARTBEAT_EVERY_TICKS = 10
CHECK_EVERY_SECONDS = 0.5
# A worker that was up and sends no heartbeat for longer is replaced as hung.
SILENT_MAX_SECONDS = 20.0
# A worker may start slowly on a busy machine: killing it would only make it start over.
UP_WITHIN_SECONDS = 600.0
# Delay after a worker died before it was up, so that a broken start does not use all CPU time.
RETRY_AFTER_SECONDS = 1.0
# Added to the time that a worker has to finish its requests.
KILLED_AFTER_SECONDS = 10.0

_spawning = multiprocessing.get_context("spawn")


class Supervisor:
    """Keeps `config.workers` processes serving on `listener`."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket) -> None:
        self._config = config
        self._listener = listener
        self._workers: list[_Worker] = []
        # At a rolling restart: those to be replaced, the next one's successor, and those replaced.
        self._outdated: list[_Worker] = []
        self._successor: _Worker | None = None
        self._leaving: list[_Worker] = []
        self._start_at = 0.0
        self._was_up = False
        self._is_stopping = False
        # No worker ever came up and one exited by itself: the next one would do the same.
        self.has_failed = False
        telemetry.initialize_worker_ends()

    def run(self) -> None:
        """Run until SIGTERM or SIGINT, or until `has_failed`."""
        with self._handling_signals():
            while not self._is_stopping:
                self._start_missing()
                running = (*self._workers, *self._leaving)
                wait([worker.process.sentinel for worker in running], CHECK_EVERY_SECONDS)
                self._check_workers()
                self._replace_next()
                self._check_leaving()
            self._stop()

    def _start_missing(self) -> None:
        while len(self._workers) < self._config.workers and time.monotonic() >= self._start_at:
            try:
                self._workers.append(_Worker(self._config, self._listener))
            except OSError as error:
                logger.warning("a worker cannot be started", exc_info=error)
                self._start_at = time.monotonic() + RETRY_AFTER_SECONDS

    def _check_workers(self) -> None:
        for worker in tuple(self._workers):
            worker.read_heartbeats()
            self._was_up |= worker.is_up
            end = worker.end()
            if end is not None and not self._is_stopping:
                self._workers.remove(worker)
                self._record_end(worker, end)

    def _replace_next(self) -> None:
        """Continue a rolling restart: start a worker, and when it is up, stop an outdated one.

        A worker that died meanwhile was replaced already.
        """
        self._outdated = [worker for worker in self._outdated if worker in self._workers]
        successor = self._successor
        if successor is None:
            if self._outdated:
                self._start_successor()
        elif successor not in self._workers:
            logger.error("the restart was abandoned: a new worker did not start")
            self._outdated, self._successor = [], None
        elif successor.is_up:
            self._successor = None
            if self._outdated:
                worker = self._outdated.pop(0)
                self._workers.remove(worker)
                worker.leave(self._stop_max_seconds)
                self._leaving.append(worker)

    def _start_successor(self) -> None:
        try:
            self._successor = _Worker(self._config, self._listener)
        except OSError as error:
            logger.exception("the restart was abandoned", exc_info=error)
            self._outdated = []
        else:
            self._workers.append(self._successor)

    def _check_leaving(self) -> None:
        for worker in tuple(self._leaving):
            if worker.has_left():
                self._leaving.remove(worker)

    @property
    def _stop_max_seconds(self) -> float:
        return (self._config.timeout_graceful_shutdown or 0) + KILLED_AFTER_SECONDS

    def _record_end(self, worker: "_Worker", end: WorkerEnd) -> None:
        """Record how a worker ended, and decide whether to start another."""
        status = worker.kill()
        telemetry.count_worker_end(end)
        fields = {"worker": worker.process.pid, "exit_status": status}
        logger.warning("a worker %s", end.value.replace("_", " "), extra={"fields": fields})
        if status > 0 and not self._was_up:
            self.has_failed = self._is_stopping = True
        elif not worker.is_up:
            self._start_at = time.monotonic() + RETRY_AFTER_SECONDS

    def _stop(self) -> None:
        """Stop all workers at the same time, after they have finished their requests."""
        # While it stays open here, clients could connect and nobody would accept them.
        self._listener.close()
        for worker in self._workers:
            worker.process.terminate()
        deadline = time.monotonic() + self._stop_max_seconds
        for worker in (*self._workers, *self._leaving):
            worker.process.join(max(0, deadline - time.monotonic()))
            if worker.process.exitcode is None:
                logger.warning("a worker did not stop in time, and was killed")
            worker.kill()

    @contextmanager
    def _handling_signals(self) -> Iterator[None]:
        handlers = {
            signal.SIGINT: self._request_stop,
            signal.SIGTERM: self._request_stop,
            signal.SIGHUP: self._request_restart,
        }
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _request_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._is_stopping = True

    def _request_restart(self, _number: int, _frame: FrameType | None) -> None:
        self._outdated = list(self._workers)


class _Worker:
    """A worker process, as the supervisor observes it."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket) -> None:
        self._link, theirs = socket.socketpair()
        self._link.setblocking(False)
        self.process = _spawning.Process(target=_run_worker, args=(config, listener, theirs))
        self.process.start()
        theirs.close()
        self.is_up = False
        self._leaves_by = 0.0
        self._checked_at = time.monotonic()
        self._silent_seconds = 0.0

    def read_heartbeats(self) -> None:
        """Read its heartbeats.

        While the supervisor itself did not run, no silence is counted, because the worker may not
        have run either.
        """
        now = time.monotonic()
        self._silent_seconds += min(now - self._checked_at, 2 * CHECK_EVERY_SECONDS)
        self._checked_at = now
        with suppress(OSError):
            if self._link.recv(HEARTBEATS_READ_MAX_BYTES):
                self.is_up, self._silent_seconds = True, 0.0

    def end(self) -> WorkerEnd | None:
        """How it ended, or why it has to be ended; None while it works."""
        if not self.process.is_alive():
            return WorkerEnd.DIED
        if self._silent_seconds <= (SILENT_MAX_SECONDS if self.is_up else UP_WITHIN_SECONDS):
            return None
        return WorkerEnd.HUNG if self.is_up else WorkerEnd.NEVER_CAME_UP

    def leave(self, stop_max_seconds: float) -> None:
        """Let it finish its requests and stop, or be killed after this time."""
        self._leaves_by = time.monotonic() + stop_max_seconds
        self.process.terminate()

    def has_left(self) -> bool:
        if self.process.is_alive() and time.monotonic() < self._leaves_by:
            return False
        self.kill()
        return True

    def kill(self) -> int:
        """Kill it if it still runs; returns its exit status, negative for a signal."""
        self.process.kill()
        self.process.join()
        self._link.close()
        return self.process.exitcode or 0


class _Server(GracefulServer):
    """A worker's server, whose event loop sends heartbeats once it serves."""

    def __init__(self, config: uvicorn.Config, link: socket.socket) -> None:
        super().__init__(config)
        self._link = link

    async def on_tick(self, counter: int) -> bool:
        if counter % HEARTBEAT_EVERY_TICKS == 0:
            # A suspended supervisor reads nothing, and must not block the event loop.
            with suppress(OSError):
                self._link.send(HEARTBEAT, socket.MSG_DONTWAIT)
        return await super().on_tick(counter)


def _run_worker(config: uvicorn.Config, listener: socket.socket, link: socket.socket) -> None:
    """Entry point of a worker process."""
    # At Ctrl-C the supervisor stops the workers; once uvicorn serves, it handles SIGINT itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Of a closed terminal; the supervisor replaces the workers.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    config.configure_logging()
    log_uncaught_errors()
    stop_max_seconds = (config.timeout_graceful_shutdown or 0) + KILLED_AFTER_SECONDS
    threading.Thread(
        target=_end_with_supervisor, args=(link, stop_max_seconds), daemon=True
    ).start()
    try:
        _Server(config, link).run(sockets=[listener])
    except Exception:
        # multiprocessing would print a stack trace.
        logger.critical("the worker failed", exc_info=True)
        sys.exit(1)


def _end_with_supervisor(link: socket.socket, exit_after_seconds: float) -> None:
    """Stop as for SIGTERM when the supervisor is gone, and exit at once if that takes too long."""
    with suppress(OSError):
        # The supervisor never sends: this returns at its end, or fails if heartbeats were unread.
        link.recv(1)
    logger.warning("the supervisor is gone: this worker stops")
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(exit_after_seconds)
    os._exit(1)
