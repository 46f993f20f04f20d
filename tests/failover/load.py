"""Writes during a failover, and a journal of those that were acknowledged."""

import asyncio
import itertools
import time
from collections import Counter
from dataclasses import dataclass, field

import asyncpg
import httpx

from tests.processes import Served

READERS = 12
CREDITS = 100_000
# What ends a connection of the control; asyncpg calls some cancelled statements an internal error.
CONNECTION_ERRORS = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
# Longer than the service's own deadline, which answers 503.
CLIENT_TIMEOUT_SECONDS = 15
PAUSE_SECONDS = 0.05
CONTROL = "create table if not exists control (number bigint primary key)"


@dataclass
class Journal:
    """What was acknowledged, with the monotonic times of the request and of its answer."""

    unlocks: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    # Rows that PostgreSQL itself confirmed, without the service.
    control: set[int] = field(default_factory=set)
    statuses: Counter[int | str] = field(default_factory=Counter)

    def first_after(self, moment: float) -> float | None:
        """Seconds from this moment to the first acknowledgement of a request begun after it."""
        answered = [end for begun, end in self.unlocks.values() if begun > moment]
        return min(answered) - moment if answered else None


class Load:
    """One client for each reader, which repeats each unlock until it is acknowledged."""

    def __init__(self, served: Served, database_url: str) -> None:
        self.journal = Journal()
        self._served = served
        self._database_url = database_url
        self._is_ending = False

    def grant_credits(self) -> None:
        """Give every reader more credits than a run can spend."""
        token = self._served.site_token("admin")
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=self._served.address, headers=headers, timeout=30) as http:
            for number in range(READERS):
                grant = {"amount": CREDITS, "source": "promotion", "reference": f"grant{number}"}
                answer = http.post(f"/v1/subscribers/reader{number}/grants", json=grant)
                answer.raise_for_status()

    async def run(self) -> None:
        """Write until `end`."""
        await asyncio.gather(self._control(), *(self._client(number) for number in range(READERS)))

    def end(self) -> None:
        self._is_ending = True

    async def _client(self, number: int) -> None:
        reader = f"reader{number}"
        async with httpx.AsyncClient(
            base_url=self._served.address, timeout=CLIENT_TIMEOUT_SECONDS
        ) as http:
            for turn in itertools.count():
                if self._is_ending:
                    return
                await self._unlock(http, reader, f"article{turn}")
                await asyncio.sleep(PAUSE_SECONDS)

    async def _unlock(self, http: httpx.AsyncClient, reader: str, article: str) -> None:
        while not self._is_ending:
            # A reader's token is shorter-lived than a run; minting one takes a millisecond.
            headers = {"Authorization": f"Bearer {self._served.reader_token(reader)}"}
            begun = time.monotonic()
            try:
                answer = await http.post(
                    "/v1/me/unlocks", json={"article_id": article, "max_cost": 1}, headers=headers
                )
            except httpx.TransportError as error:
                self.journal.statuses[type(error).__name__] += 1
                continue
            self.journal.statuses[answer.status_code] += 1
            if answer.is_success:
                self.journal.unlocks[reader, article] = (begun, time.monotonic())
                return
            await asyncio.sleep(PAUSE_SECONDS)

    async def _control(self) -> None:
        """Rows written without the service: what PostgreSQL loses by itself."""
        connection: asyncpg.Connection | None = None
        number = 0
        while not self._is_ending:
            number += 1
            try:
                async with asyncio.timeout(4):
                    if connection is None:
                        connection = await asyncpg.connect(
                            self._database_url, target_session_attrs="primary", timeout=3
                        )
                        await connection.execute(CONTROL)
                    await connection.execute("insert into control values ($1)", number)
                self.journal.control.add(number)
            except CONNECTION_ERRORS:
                if connection is not None:
                    connection.terminate()
                connection = None
            await asyncio.sleep(PAUSE_SECONDS)
