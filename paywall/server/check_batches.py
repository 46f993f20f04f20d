"""The checks that wait at this moment, answered together.

A check joins only the next batch: one that is running may have read before the check was asked.
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
# Checks that wait for a connection; a further one is refused at once.
WAITING_MAX = 1024
OPEN_AGAIN_AFTER_SECONDS = 0.25
# What a text that no database can hold leads to; the edge refuses it before it comes here.
OF_ONE_QUESTION = (asyncpg.DataError, UnicodeError)


class PendingCaller(Protocol):
    """Somebody who asked, and is told once: the facts and the time at which they held, or why not.

    Neither raises. Whoever `has_gone` meanwhile need not be asked for any more.
    """

    pending_check: PendingCheck
    has_gone: bool

    def answered(self, facts: Facts, at: datetime) -> None: ...
    def failed(self, error: Exception) -> None: ...


class Batches:
    """Asks for all that waits, as soon as a connection is free."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._zone = ZoneInfo(settings.meter_timezone)
        self._month = month_of(clock.now(), self._zone)
        self._connections: list[CheckConnection] = (
            [SqliteCheckConnection(settings)]
            if settings.is_sqlite
            else [PostgresCheckConnection(settings) for _ in range(CONNECTIONS)]
        )
        self._idle: list[CheckConnection] = []
        self._broken: list[CheckConnection] = []
        self._waiting: list[PendingCaller] = []
        self._is_called = False
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Hold the connections; one that breaks is opened again until it works."""
        self._loop = asyncio.get_running_loop()
        for connection in self._connections:
            await connection.open()
            self._idle.append(connection)
        try:
            yield
        finally:
            # One that breaks at its end opens its connection again.
            while self._tasks:
                await cancel_tasks(self._tasks)
            for connection in self._connections:
                await connection.close()

    def ask(self, waiting: PendingCaller) -> None:
        """Tell it what the database says now, or later than now.

        It fails with a Problem: UNAVAILABLE where the database is gone or too many wait,
        INVALID_TOKEN where the caller's token was revoked.
        """
        if len(self._broken) == len(self._connections):
            waiting.failed(unavailable("The database does not answer."))
        elif len(self._waiting) >= WAITING_MAX:
            waiting.failed(unavailable("Too many checks wait for the database."))
        else:
            self._waiting.append(waiting)
            if self._idle and not self._is_called:
                self._is_called = True
                self._loop.call_soon(self._start)

    def _start(self) -> None:
        self._is_called = False
        while self._waiting and self._idle:
            batch = [it for it in self._waiting[:BATCH_MAX] if not it.has_gone]
            del self._waiting[:BATCH_MAX]
            if batch:
                self._spawn(self._answer(self._idle.pop(), batch))

    async def _answer(self, connection: CheckConnection, batch: Sequence[PendingCaller]) -> None:
        """Answer a batch on one connection, which is then free for the next."""
        try:
            await self._ask_for_all(connection, batch)
        except Exception as error:
            logger.warning("a connection for checks broke", exc_info=error)
            self._break(connection, batch, error)
            return
        self._idle.append(connection)
        self._start()

    async def _ask_for_all(
        self, connection: CheckConnection, batch: Sequence[PendingCaller]
    ) -> None:
        try:
            await self._ask(connection, batch)
        except OF_ONE_QUESTION as error:
            await self._answer_each(connection, batch, error)

    async def _ask(self, connection: CheckConnection, batch: Sequence[PendingCaller]) -> None:
        now = self._clock.now()
        month = self._month_at(now)
        pending_check = [it.pending_check for it in batch]
        # The same few callers ask again and again: each is the object that the verifier remembers.
        callers = {id(it.caller): it.caller for it in pending_check}
        standings = await connection.ask(pending_check, list(callers.values()), now, month)
        revoked = {key for n, key in enumerate(callers) if n in standings.revoked}
        for it, waiting, row in zip(pending_check, batch, standings.rows, strict=True):
            if id(it.caller) in revoked:
                waiting.failed(was_revoked())
            else:
                waiting.answered(
                    facts_of(it.article_id, row, it.viewer, month, self._settings), now
                )

    async def _answer_each(
        self, connection: CheckConnection, batch: Sequence[PendingCaller], error: Exception
    ) -> None:
        """Something in one of them cannot be asked: the others are answered all the same."""
        if len(batch) == 1:
            batch[0].failed(error)
            return
        for waiting in batch:
            try:
                await self._ask(connection, [waiting])
            except OF_ONE_QUESTION as its_error:
                waiting.failed(its_error)

    def _month_at(self, now: datetime) -> Month:
        if not self._month.starts_at <= now < self._month.ends_at:
            self._month = month_of(now, self._zone)
        return self._month

    def _break(
        self, connection: CheckConnection, batch: Sequence[PendingCaller], error: Exception
    ) -> None:
        """Open the connection again; an internal error fails the batch as such, not as a 503."""
        self._broken.append(connection)
        self._spawn(self._open_again(connection))
        gone = unavailable("The database does not answer.")
        for waiting in batch:
            waiting.failed(gone if is_unavailable(error) else error)
        if len(self._broken) == len(self._connections):
            unanswered, self._waiting = self._waiting, []
            for waiting in unanswered:
                waiting.failed(gone)

    async def _open_again(self, connection: CheckConnection) -> None:
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
