"""Batching of pending checks: one statement answers all checks that wait at the same moment.

A check joins only the next batch: the running one may have read before the check arrived.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import asyncpg

from paywall.access.facts import Facts, facts_of
from paywall.clock import Clock
from paywall.database.connector import Connector
from paywall.database.errors import is_unavailable
from paywall.problems import unavailable
from paywall.rules.calendar import Month, month_of
from paywall.server.check_connections import (
    CheckConnection,
    PendingCheck,
    PostgresCheckConnection,
    SqliteCheckConnection,
)
from paywall.settings import Settings
from paywall.tasks import cancel_tasks
from paywall.telemetry import logger
from paywall.tokens.revocation import was_revoked

CONNECTIONS = 2
BATCH_MAX = 32
# Checks that may wait for a connection; any further check is refused at once.
WAITING_MAX = 1024
OPEN_AGAIN_AFTER_SECONDS = 0.25
# Raised for a text that no database can store. The edge refuses such texts, so this is a safeguard.
ERRORS_OF_ONE_CHECK = (asyncpg.DataError, UnicodeError)


class CheckWaiter(Protocol):
    """A waiting check, which gets exactly one result: `answered` or `failed`.

    Neither method raises. A caller that `is_answered` needs no result.
    """

    pending_check: PendingCheck
    is_answered: bool

    def answered(self, facts: Facts, at: datetime) -> None: ...
    def failed(self, error: Exception) -> None: ...


class Batches:
    """Queue of pending checks, sent in batches as soon as a connection is free."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._zone = ZoneInfo(settings.meter_timezone)
        self._month = month_of(clock.now(), self._zone)
        self._connections: list[CheckConnection] = []
        self._idle: list[CheckConnection] = []
        self._broken: list[CheckConnection] = []
        self._waiting: list[CheckWaiter] = []
        self._is_start_scheduled = False
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def open(self, connector: Connector | None) -> AsyncIterator[None]:
        """Keep the connections open; reconnect a broken one until that succeeds.

        On SQLite there is no connector.
        """
        self._loop = asyncio.get_running_loop()
        self._connections = (
            [SqliteCheckConnection(self._settings)]
            if connector is None
            else [PostgresCheckConnection(self._settings, connector) for _ in range(CONNECTIONS)]
        )
        for connection in self._connections:
            await connection.open()
            self._idle.append(connection)
        try:
            yield
        finally:
            # A task that fails while it is cancelled starts another that reconnects.
            while self._tasks:
                await cancel_tasks(self._tasks)
            for connection in self._connections:
                await connection.close()

    @property
    def waiting(self) -> int:
        """The number of checks that wait for a connection."""
        return len(self._waiting)

    def ask(self, waiter: CheckWaiter) -> None:
        """Queue a check, which is answered from what the database contains now or later.

        Fails it with a Problem: UNAVAILABLE if the database is gone or too many checks wait,
        INVALID_TOKEN if the caller's token was revoked.
        """
        if len(self._broken) == len(self._connections):
            waiter.failed(unavailable("The database does not answer."))
        elif len(self._waiting) >= WAITING_MAX:
            waiter.failed(unavailable("Too many checks wait for the database."))
        else:
            self._waiting.append(waiter)
            if self._idle and not self._is_start_scheduled:
                self._is_start_scheduled = True
                self._loop.call_soon(self._start)

    def _start(self) -> None:
        self._is_start_scheduled = False
        while self._waiting and self._idle:
            batch = [it for it in self._waiting[:BATCH_MAX] if not it.is_answered]
            del self._waiting[:BATCH_MAX]
            if batch:
                self._spawn(self._answer(self._idle.pop(), batch))

    async def _answer(self, connection: CheckConnection, batch: Sequence[CheckWaiter]) -> None:
        """Answer a batch on one connection, which is then free for the next."""
        try:
            await self._ask_with_fallback(connection, batch)
        except Exception as error:
            logger.warning("a connection for checks broke", exc_info=error)
            self._break(connection, batch, error)
            return
        self._idle.append(connection)
        self._start()

    async def _ask_with_fallback(
        self, connection: CheckConnection, batch: Sequence[CheckWaiter]
    ) -> None:
        try:
            await self._ask(connection, batch)
        except ERRORS_OF_ONE_CHECK as error:
            await self._ask_one_by_one(connection, batch, error)

    async def _ask(self, connection: CheckConnection, batch: Sequence[CheckWaiter]) -> None:
        now = self._clock.now()
        month = self._month_at(now)
        pending_checks = [it.pending_check for it in batch]
        # The same few callers repeat, each as the one object that the verifier has cached.
        tokens = {id(it.caller): it.caller for it in pending_checks}
        results = await connection.ask(pending_checks, list(tokens.values()), now, month)
        revoked = {key for n, key in enumerate(tokens) if n in results.revoked}
        for it, waiter, row in zip(pending_checks, batch, results.rows, strict=True):
            if id(it.caller) in revoked:
                waiter.failed(was_revoked())
            else:
                waiter.answered(facts_of(it.article_id, row, it.viewer, month, self._settings), now)

    async def _ask_one_by_one(
        self, connection: CheckConnection, batch: Sequence[CheckWaiter], error: Exception
    ) -> None:
        """Repeat the batch one check at a time, since the database rejects one of them."""
        if len(batch) == 1:
            batch[0].failed(error)
            return
        for waiter in batch:
            try:
                await self._ask(connection, [waiter])
            except ERRORS_OF_ONE_CHECK as its_error:
                waiter.failed(its_error)

    def _month_at(self, now: datetime) -> Month:
        if not self._month.starts_at <= now < self._month.ends_at:
            self._month = month_of(now, self._zone)
        return self._month

    def _break(
        self, connection: CheckConnection, batch: Sequence[CheckWaiter], error: Exception
    ) -> None:
        """Fail the batch and reconnect; only the database's absence is answered 503."""
        self._broken.append(connection)
        self._spawn(self._reconnect(connection))
        gone = unavailable("The database does not answer.")
        for waiter in batch:
            waiter.failed(gone if is_unavailable(error) else error)
        if len(self._broken) == len(self._connections):
            unanswered, self._waiting = self._waiting, []
            for waiter in unanswered:
                waiter.failed(gone)

    async def _reconnect(self, connection: CheckConnection) -> None:
        while True:
            await connection.close()
            try:
                await connection.open()
                break
            except Exception as error:
                logger.debug("the database is still gone", exc_info=error)
            await asyncio.sleep(OPEN_AGAIN_AFTER_SECONDS)
        self._broken.remove(connection)
        self._idle.append(connection)
        self._start()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
