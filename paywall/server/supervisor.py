"""Workers on one listening socket: started, watched, replaced when they die or hang, and stopped.

A pair of connected sockets links each worker to its supervisor. The worker's event loop sends a
heartbeat on it, and its end tells the other side that the process is gone, however it ended.
"""

import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import wait
from types import FrameType

import uvicorn

from paywall import telemetry
from paywall.server.graceful_server import Server
from paywall.telemetry import WorkerEnd, logger

HEARTBEAT = b"."
HEARTBEATS_READ_MAX_BYTES = 4096
# uvicorn's loop ticks every 0.1 s.
HEARTBEAT_EVERY_TICKS = 10
LOOK_EVERY_SECONDS = 0.5
# A worker that was up and sends no heartbeat for longer hangs, and is replaced.
SILENT_MAX_SECONDS = 20.0
# A worker that starts on a busy machine is waited for: to kill it would make it start over.
UP_WITHIN_SECONDS = 600.0
# After a worker that died before it was up, so that a broken start does not take all CPU time.
RETRY_AFTER_SECONDS = 1.0
# Beyond the time that a worker has to finish its requests.
KILLED_AFTER_SECONDS = 10.0

_spawning = multiprocessing.get_context("spawn")


class Supervisor:
    """Keeps `config.workers` processes serving on `listener`."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket) -> None:
        self._config = config
        self._listener = listener
        self._workers: list[_Worker] = []
        self._start_at = 0.0
        self._was_up = False
        self._is_stopping = False
        # No worker came up, and one ended by itself: the next would do the same.
        self.has_failed = False
        telemetry.show_worker_ends()

    def run(self) -> None:
        """Until SIGTERM or SIGINT, or until it has failed."""
        with self._handling_signals():
            while not self._is_stopping:
                self._start_missing()
                wait([worker.process.sentinel for worker in self._workers], LOOK_EVERY_SECONDS)
                self._look()
            self._stop()

    def _start_missing(self) -> None:
        while len(self._workers) < self._config.workers and time.monotonic() >= self._start_at:
            try:
                self._workers.append(_Worker(self._config, self._listener))
            except OSError as error:
                logger.warning("a worker cannot be started", exc_info=error)
                self._start_at = time.monotonic() + RETRY_AFTER_SECONDS

    def _look(self) -> None:
        for worker in tuple(self._workers):
            worker.look()
            self._was_up |= worker.is_up
            end = worker.end()
            if end is not None and not self._is_stopping:
                self._workers.remove(worker)
                self._record_end(worker, end)

    def _record_end(self, worker: "_Worker", end: WorkerEnd) -> None:
        """Record how a worker ended, and decide whether another is started."""
        status = worker.kill()
        telemetry.worker_ended(end)
        fields = {"worker": worker.process.pid, "exit_status": status}
        logger.warning("a worker %s", end.value.replace("_", " "), extra={"fields": fields})
        if status > 0 and not self._was_up:
            self.has_failed = self._is_stopping = True
        elif not worker.is_up:
            self._start_at = time.monotonic() + RETRY_AFTER_SECONDS

    def _stop(self) -> None:
        """Let all finish their requests at the same time."""
        # While it is open here, clients would connect and nobody would take them in.
        self._listener.close()
        for worker in self._workers:
            worker.process.terminate()
        patience = (self._config.timeout_graceful_shutdown or 0) + KILLED_AFTER_SECONDS
        deadline = time.monotonic() + patience
        for worker in self._workers:
            worker.process.join(max(0, deadline - time.monotonic()))
            if worker.process.exitcode is None:
                logger.warning("a worker did not stop in time, and was killed")
            worker.kill()

    @contextmanager
    def _handling_signals(self) -> Iterator[None]:
        before = {
            number: signal.signal(number, self._end) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self._is_stopping = True


class _Worker:
    """A worker as its supervisor sees it."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket) -> None:
        self._link, theirs = socket.socketpair()
        self._link.setblocking(False)
        self.process = _spawning.Process(target=_work, args=(config, listener, theirs))
        self.process.start()
        theirs.close()
        self.is_up = False
        self._looked_at = time.monotonic()
        self._silent_seconds = 0.0

    def look(self) -> None:
        """Read its heartbeats.

        While the supervisor itself did not run no silence is counted: the worker may not have run
        either.
        """
        now = time.monotonic()
        self._silent_seconds += min(now - self._looked_at, 2 * LOOK_EVERY_SECONDS)
        self._looked_at = now
        with suppress(OSError):
            if self._link.recv(HEARTBEATS_READ_MAX_BYTES):
                self.is_up, self._silent_seconds = True, 0.0

    def end(self) -> WorkerEnd | None:
        """How it ended, or has to be ended; None where it does well."""
        if not self.process.is_alive():
            return WorkerEnd.DIED
        if self._silent_seconds <= (SILENT_MAX_SECONDS if self.is_up else UP_WITHIN_SECONDS):
            return None
        return WorkerEnd.HUNG if self.is_up else WorkerEnd.NEVER_CAME_UP

    def kill(self) -> int:
        """End it where it has not ended; its exit status, negative for a signal."""
        self.process.kill()
        self.process.join()
        self._link.close()
        return self.process.exitcode or 0


class _Server(Server):
    """A worker's server, whose event loop sends heartbeats once it serves."""

    def __init__(self, config: uvicorn.Config, link: socket.socket) -> None:
        super().__init__(config)
        self._link = link

    async def on_tick(self, counter: int) -> bool:
        if counter % HEARTBEAT_EVERY_TICKS == 0:
            # A supervisor that is suspended reads none, and must not block the loop.
            with suppress(OSError):
                self._link.send(HEARTBEAT, socket.MSG_DONTWAIT)
        return await super().on_tick(counter)


def _work(config: uvicorn.Config, listener: socket.socket, link: socket.socket) -> None:
    """What runs in a worker's process."""
    # At Ctrl-C the supervisor ends the workers; once it serves, uvicorn handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    config.configure_logging()
    patience = (config.timeout_graceful_shutdown or 0) + KILLED_AFTER_SECONDS
    threading.Thread(target=_end_with_supervisor, args=(link, patience), daemon=True).start()
    _Server(config, link).run(sockets=[listener])


def _end_with_supervisor(link: socket.socket, patience_seconds: float) -> None:
    """Stop as for SIGTERM when the supervisor is gone; at once where that takes too long."""
    with suppress(OSError):
        # Nothing is ever sent: this returns at the end, or fails where heartbeats were not read.
        link.recv(1)
    logger.warning("the supervisor is gone: this worker stops")
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(patience_seconds)
    os._exit(1)
