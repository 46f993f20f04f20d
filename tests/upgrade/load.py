"""Readers at the addresses that a proxy would send them to, and a watch on locks."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import asyncpg
import httpx

from tests.processes import Served
from tests.torture.caller import Caller
from tests.torture.journal import Journal
from tests.torture.readers import (
    Turn,
    buy_and_return,
    read_without_credits,
    take_turns,
    unlock_as_hot_reader,
)
from tests.torture.shop import PACK_CREDITS, PRICES, Tokens

CLIENTS: Sequence[tuple[Turn, int]] = (
    (unlock_as_hot_reader, 4),
    (read_without_credits, 2),
    (buy_and_return, 2),
)
PAUSE_SECONDS = 0.05
LOOK_EVERY_SECONDS = 0.02
# Row locks of hot readers, which wait for each other as they should, are of other types.
WAITS = """
    select coalesce(max(extract(epoch from clock_timestamp() - waitstart)), 0)::float
    from pg_locks where not granted and locktype = 'relation'
"""


async def put_pack(served: Served) -> None:
    pack = {"title": "Five", "credits": PACK_CREDITS, "prices": PRICES}
    headers = {"Authorization": f"Bearer {served.site_token('admin')}"}
    async with httpx.AsyncClient(base_url=served.address, headers=headers, timeout=60) as http:
        (await http.put("/v1/packs/five", json=pack)).raise_for_status()


@dataclass
class Load:
    """Clients of one service, until `end`; a proxy drains a service before it stops."""

    served: Served
    journal: Journal
    chance: Random
    _ending: asyncio.Event = field(default_factory=asyncio.Event)
    _clients: list[asyncio.Task[None]] = field(default_factory=list)

    def begin(self) -> None:
        turns = [turn for turn, number in CLIENTS for _ in range(number)]
        self._clients = [asyncio.create_task(self._client(turn)) for turn in turns]

    async def end(self) -> None:
        self._ending.set()
        await asyncio.gather(*self._clients)

    async def _client(self, turn: Turn) -> None:
        async def paced(caller: Caller, tokens: Tokens, number: int) -> None:
            await asyncio.sleep(PAUSE_SECONDS)
            await turn(caller, tokens, number)

        tokens = Tokens(self.served.site_token("admin"), self.served.reader_token)
        chance = Random(self.chance.random())
        caller = Caller.at(self.served.address, self.journal, chance, tokens.site)
        await take_turns(caller, tokens, paced, self._ending)


@dataclass
class Locks:
    """The longest time for which a request waited for the lock of a whole table."""

    address: str
    longest_seconds: float = 0.0
    looks: int = 0

    async def watch(self) -> None:
        """Until it is cancelled."""
        connection = await asyncpg.connect(self.address, timeout=20)
        try:
            while True:
                waited = await connection.fetchval(WAITS)
                self.longest_seconds = max(self.longest_seconds, waited)
                self.looks += 1
                await asyncio.sleep(LOOK_EVERY_SECONDS)
        finally:
            connection.terminate()
